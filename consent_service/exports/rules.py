"""What an export looks like."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """The file formats."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON_LINES = "jsonl"
