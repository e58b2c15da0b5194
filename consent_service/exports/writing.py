"""The bytes of an export, in each format, a piece at a time."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
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


def csv_pieces(chunks: Chunks) -> Iterator[bytes]:
    """CSV after RFC 4180 in UTF-8; only address and name hold what people typed, and are guarded."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for chunk in chunks:
        writer.writerows(
            (guarded(email), guarded(name) if name else None, *rest)  # type: ignore[arg-type]
            for email, name, *rest in chunk
        )
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def json_pieces(chunks: Chunks) -> Iterator[bytes]:
    """One JSON object a line, in UTF-8."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for chunk in chunks:
        yield "".join(encode(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in chunk).encode()


def xlsx_pieces(chunks: Chunks) -> Iterator[bytes]:
    """An Excel workbook whose texts are texts: never formulas, links or numbers.

    Its format wants to be written whole first: into a file that only this user can read, and that is
    deleted whatever happens.
    """
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "export.xlsx"
        _write_workbook(path, chunks)
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _write_workbook(path: Path, chunks: Chunks) -> None:
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    with closing(xlsxwriter.Workbook(str(path), options)) as workbook:
        sheet, line = _new_sheet(workbook), 1
        for cells in chain.from_iterable(chunks):
            if line > ROWS_PER_SHEET:
                sheet, line = _new_sheet(workbook), 1
            _write_row(sheet, line, cells)
            line += 1


def _new_sheet(workbook: xlsxwriter.Workbook) -> Worksheet:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    _write_row(sheet, 0, COLUMNS)
    return sheet


def _write_row(sheet: Worksheet, line: int, cells: Cells) -> None:
    for column, cell in enumerate(cells):
        if isinstance(cell, int):
            sheet.write_number(line, column, cell)
        elif cell:
            sheet.write_string(line, column, cell)


PIECES: dict[ExportFormat, Callable[[Chunks], Iterator[bytes]]] = {
    ExportFormat.CSV: csv_pieces,
    ExportFormat.XLSX: xlsx_pieces,
    ExportFormat.JSON_LINES: json_pieces,
}
