"""Coverage-guided fuzzing with atheris (https://github.com/google/atheris).

    pip install atheris
    python -m tests.fuzz.run_atheris TARGET [FOLDER...] [-libfuzzer_option=value...]

TARGET is reader, redact, damaged, restore or diff (see tests/fuzz/targets.py), segments or
beside (tests/fuzz/side_copies.py), log, description or onnx (tests/fuzz/findings.py), sealed,
noted, boxed or keys (tests/fuzz/sealed.py). New inputs are kept in the first FOLDER, for the
next run (default: a temporary one); an empty one is filled with what the target starts from.
Crashes go to tests/fuzz/crashes/local. Useful options: -max_total_time=600, -runs=100000,
-seed=1.

The Python code guides it; the compiled core does too where it was built for that:
`tests/fuzz/sanitize.sh -a TARGET` does so, with the sanitizers.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["jpegredact"]):
    import jpegredact

    for module in pkgutil.walk_packages(jpegredact.__path__, "jpegredact."):
        if not module.name.startswith(("jpegredact.__main__", "jpegredact.cli")):
            importlib.import_module(module.name)

from . import findings, mutate, mutations, sealed, side_copies, targets

MUTATED = {"reader": mutations.mutate, "redact": mutations.mutate, "diff": mutations.mutate_bytes,
           "segments": side_copies.mutate}  # fmt: skip
"""Targets that half of the time get mutations that know the format."""
TARGETS = {**targets.TARGETS, **side_copies.TARGETS, **findings.TARGETS,
           **sealed.TARGETS}
OPTIONS = {"-timeout": "60", "-rss_limit_mb": "4096", "-max_len": "100000",
           "-artifact_prefix": f"{mutate.CRASHES / 'local'}/"}  # fmt: skip


def main() -> None:
    """Run libFuzzer, which ends the process itself."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"{__doc__}\nthis is jpegredact {jpegredact.__version__}")
    name, arguments = sys.argv[1], sys.argv[2:]
    options = [argument for argument in arguments if argument.startswith("-")]
    folders = [Path(argument) for argument in arguments if not argument.startswith("-")]
    folders = folders or [Path(tempfile.mkdtemp(prefix=f"jpegredact-{name}-"))]
    home = next(m for m in (targets, side_copies, findings, sealed) if name in m.TARGETS)
    first = home.first_inputs(name)
    folders[0].mkdir(parents=True, exist_ok=True)
    if not any(folders[0].iterdir()):
        for data in first:
            (folders[0] / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    given = {option.partition("=")[0] for option in options}
    options += [f"{key}={value}" for key, value in OPTIONS.items() if key not in given]
    (mutate.CRASHES / "local").mkdir(parents=True, exist_ok=True)
    mutation = MUTATED.get(name)

    def change(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if mutation is None or not data or rng.random() < 0.5:
            return atheris.Mutate(data, most)
        return mutation(rng, data, rng.choice(first))[:most]

    atheris.Setup([sys.argv[0], *options, *map(str, folders)], TARGETS[name],
                  custom_mutator=change)  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
