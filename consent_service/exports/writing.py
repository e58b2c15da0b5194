"""The bytes of an export, in each format, a piece at a time."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from consent_service.exports.queries import Cells
from consent_service.exports.rules import COLUMNS, ExportFormat, guarded

Chunks = Iterable[Sequence[Cells]]

ROWS_PER_SHEET = 1_000_000
"""A worksheet ends at 1,048,576 rows; further ones go on a further sheet."""

PIECE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns are called, and how a row's cells are kept from running as formulas in CSV."""

    names: Sequence[str]
    guard: Callable[[Cells], Iterable[str | int | None]]


def guard_all(row: Cells) -> Iterable[str | int | None]:
    """Every text guarded."""
    return [guarded(cell) if isinstance(cell, str) else cell for cell in row]


def _guard_address_and_name(row: Cells) -> Iterable[str | int | None]:
    email, name, *rest = row
    return (guarded(email), guarded(name) if name else None, *rest)  # type: ignore[arg-type]


PEOPLE = Columns(COLUMNS, _guard_address_and_name)
"""Those who may be written to: only address and name hold what people typed."""


def csv_pieces(chunks: Chunks, columns: Columns) -> Iterator[bytes]:
    """CSV after RFC 4180 in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(guard_all(tuple(columns.names)))
    for chunk in chunks:
        writer.writerows(map(columns.guard, chunk))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def json_pieces(chunks: Chunks, columns: Columns) -> Iterator[bytes]:
    """One JSON object a line, in UTF-8."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for chunk in chunks:
        yield "".join(encode(dict(zip(columns.names, row, strict=True))) + "\n" for row in chunk).encode()


def xlsx_pieces(chunks: Chunks, columns: Columns) -> Iterator[bytes]:
    """An Excel workbook whose texts are texts: never formulas, links or numbers.

    Its format wants to be written whole first: into a file that only this user can read, and that is
    deleted whatever happens.
    """
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "export.xlsx"
        _write_workbook(path, chunks, columns.names)
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _write_workbook(path: Path, chunks: Chunks, names: Sequence[str]) -> None:
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    with closing(xlsxwriter.Workbook(str(path), options)) as workbook:
        sheet, line = _new_sheet(workbook, names), 1
        for cells in chain.from_iterable(chunks):
            if line > ROWS_PER_SHEET:
                sheet, line = _new_sheet(workbook, names), 1
            _write_row(sheet, line, cells)
            line += 1


def _new_sheet(workbook: xlsxwriter.Workbook, names: Sequence[str]) -> Worksheet:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    _write_row(sheet, 0, tuple(names))
    return sheet


def _write_row(sheet: Worksheet, line: int, cells: Cells) -> None:
    for column, cell in enumerate(cells):
        if isinstance(cell, int):
            sheet.write_number(line, column, cell)
        elif cell:
            sheet.write_string(line, column, cell)


PIECES: dict[ExportFormat, Callable[[Chunks, Columns], Iterator[bytes]]] = {
    ExportFormat.CSV: csv_pieces,
    ExportFormat.XLSX: xlsx_pieces,
    ExportFormat.JSON_LINES: json_pieces,
}
