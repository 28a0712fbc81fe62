"""A short XMP packet that says what was redacted: for those who find the file, not its owner.

Nothing in it comes from the picture: the version, the method, how many regions, and how many
of each label. Labels are the caller's; what is no plain word counts as "other", and no
label as "region".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import quoteattr

from .._version import VERSION
from ..codec.markers import APP1
from ..codec.model import JpegData
from ..container.insert import behind_first
from ..container.model import FileEdit
from ..errors import UnsupportedJpegError
from ..geometry import Region

__all__ = ["note_edit", "note_packet"]

_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}")
_MOST_LABELS = 32
_PACKET = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:jpegredact="urn:x-jpegredact:note/1.0/"
    jpegredact:Version={version}
    jpegredact:Method={method}
    jpegredact:Regions={regions}
    jpegredact:Labels={labels}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def note_packet(labels: Iterable[str | None], method: str) -> bytes:
    """Return the packet for regions with these labels."""
    counts = Counter(_plain(label) for label in labels)
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most = [item for item in listed if item[0] != "other"][:_MOST_LABELS]
    others = sum(counts.values()) - sum(count for _, count in most)
    if others:
        most.append(("other", others))
    said = ", ".join(f"{label}: {count}" for label, count in most)
    packet = _PACKET.format(
        version=quoteattr(VERSION),
        method=quoteattr(_plain(method)),
        regions=quoteattr(str(sum(counts.values()))),
        labels=quoteattr(said),
    )
    return packet.encode("ascii")


def note_edit(data: bytes, jpeg: JpegData, regions: Sequence[Region], method: str) -> FileEdit:
    """Return the edit that puts the note in, behind the APP0 and APP1 segments in front.

    Raises
    ------
    UnsupportedJpegError
        The file has an XMP packet, and a reader takes only one.
    """
    for segment in jpeg.segments:
        if segment.code == APP1 and data.startswith(_SIGNATURE, segment.offset + 4, segment.end):
            raise UnsupportedJpegError(
                "the file has an XMP packet already, and no note is put into that",
                code="jpeg.note",
                offset=segment.offset,
                hint="redact it without a note",
            )
    at = behind_first(jpeg.segments)
    packet = note_packet((region.label for region in regions), method)
    payload = _SIGNATURE + packet
    return at, at, bytes([0xFF, APP1]) + (len(payload) + 2).to_bytes(2) + payload


def _plain(label: str | None) -> str:
    if label is None:
        return "region"
    return label if _PLAIN.fullmatch(label) else "other"
