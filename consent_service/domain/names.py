"""Names as people type them, made harmless for one line of text."""

import unicodedata

LONGEST_NAME = 200
_BIDIRECTIONAL_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tidy(name: str | None) -> str | None:
    """The name in NFC on one line, without control characters or marks that turn the text around; None if empty."""
    if not name:
        return None
    if name.isascii() and name.isprintable():  # has nothing of all that, and most names are so
        return " ".join(name.split()) or None
    kept = (
        " " if c.isspace() else c
        for c in unicodedata.normalize("NFC", name)
        if c.isspace() or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDIRECTIONAL_CONTROLS)
    )
    return " ".join("".join(kept).split()) or None


def tidy_lines(text: str | None) -> str | None:
    """A text of several lines in NFC, with `\n` between them and without other control characters; None if empty."""
    if not text:
        return None
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept).strip() or None
