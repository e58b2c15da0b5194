"""What an export looks like, and what keeps its cells from running as formulas."""

import re
from datetime import datetime
from enum import StrEnum

LONGEST_REASON = 500


class ExportFormat(StrEnum):
    """The file formats."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON_LINES = "jsonl"


COLUMNS = (
    "email",
    "name",
    "language",
    "legal_basis",
    "requested_at",
    "confirmed_at",
    "wording_version",
    "notice_version",
    "evidence_id",
)
"""The columns of every format, in their order; times are ISO 8601 in UTC."""


def iso_text(moment: datetime | None) -> str | None:
    """A moment in UTC as it stands in every format: ISO 8601, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


# Spreadsheets take a cell for a formula that begins with one of these, some also behind blanks, invisible
# characters and quotes. One that splits lines at another separator than ours begins cells inside of ours.
_STARTS = re.compile(
    "(^|[;,\t\r\n])(?=[\\s\"'`\u200b-\u200f\u2060\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])"
)


def guarded(text: str) -> str:
    """The text as a CSV cell that no spreadsheet runs: an apostrophe before what would begin a formula (OWASP)."""
    # Nearly all texts end here, a good deal faster than the pattern.
    if not text or (text[0].isalnum() and ";" not in text and "," not in text and text.isprintable()):
        return text
    return _STARTS.sub(r"\1'", text)
