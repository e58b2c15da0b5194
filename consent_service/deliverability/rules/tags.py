"""Lists of tags, such as `v=DMARC1; p=none`, which DKIM and DMARC share (RFC 6376 section 3.2)."""

import re

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*([^;]*?)\s*")


class BrokenRecord(ValueError):
    """A record does not follow its grammar; the text is the piece that does not."""


def read(text: str) -> dict[str, str]:
    """The tags in their order. Raises BrokenRecord for what is no tag, and for a tag that comes twice."""
    found: dict[str, str] = {}
    pieces = text.split(";")
    for piece in pieces[:-1] if not pieces[-1].strip() else pieces:
        tag = _TAG.fullmatch(piece)
        if tag is None or tag[1] in found:
            raise BrokenRecord(piece.strip() or ";")
        found[tag[1]] = tag[2]
    return found


def write(tags: dict[str, str]) -> str:
    """The text of a list of tags."""
    return "; ".join(f"{name}={value}" for name, value in tags.items())
