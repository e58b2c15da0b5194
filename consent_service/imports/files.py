"""Reading a CSV file record by record, in constant memory, with the digest of its bytes."""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from consent_service.domain.errors import Refused
from consent_service.imports.rules import Column, ImportKind, Record, RowReason, column_of, required

DELIMITERS = (",", ";")
_BYTE_ORDER_MARK = "\ufeff"


class FileProblem(StrEnum):
    """Why a file as a whole cannot be read."""

    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    MISSING_COLUMN = "missing_column"
    COLUMN_TWICE = "column_twice"


class UnreadableFile(Refused):
    """The file cannot be imported; says on which line or for which column, and leaves the words to who shows it."""

    def __init__(self, problem: FileProblem, line: int = 1, columns: Iterable[Column] = ()) -> None:
        self.problem, self.line, self.columns = problem, line, tuple(columns)
        super().__init__(f"{problem.value}, line {line}: {', '.join(self.columns)}")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read: so many bytes, which are so many lines."""

    byte: int = 0
    line: int = 0


START = Position()


class CsvFile:
    """A CSV file of one kind: UTF-8, comma or semicolon, with a header. `sha256` is final after the last record."""

    def __init__(self, stream: Iterable[bytes], kind: ImportKind, skipped_to: Position = START) -> None:
        """Takes the file's lines as bytes and reads the header. Raises UnreadableFile.

        To go on with a file, give its header and then the lines behind `skipped_to`.
        """
        self.position = START
        self._digest = hashlib.sha256()
        self._rest = lines = self._lines(stream)
        header = next(lines, "")
        if not header.strip():
            raise UnreadableFile(FileProblem.EMPTY)
        delimiter, titles = _header(header)
        self._columns = _columns(titles, kind)
        self._width = len(titles)
        # Strict, so that a quotation mark that is never closed cannot swallow the rows behind it unnoticed.
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        if skipped_to != START:
            self.position = skipped_to

    @property
    def sha256(self) -> str:
        """The digest of what was read so far, as 64 hexadecimal digits."""
        return self._digest.hexdigest()

    def skip(self) -> None:
        """Reads on to the end without looking at records. Raises UnreadableFile where the text is not UTF-8."""
        for _ in self._rest:
            pass

    def records(self) -> Iterator[Record]:
        """The records behind the header that are not empty. Raises UnreadableFile where the text is not UTF-8."""
        while True:
            line = self.position.line + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                yield Record(line, {}, RowReason.BROKEN_QUOTES)
                continue
            if any(cell.strip() for cell in cells):
                yield self._record(line, cells)

    def _record(self, line: int, cells: list[str]) -> Record:
        named = {column: cells[index] for index, column in self._columns.items() if index < len(cells)}
        if any(cell.strip() for cell in cells[self._width :]):
            return Record(line, named, RowReason.TOO_MANY_CELLS)
        if any("\n" in cell or "\r" in cell for cell in named.values()):
            return Record(line, named, RowReason.BROKEN_QUOTES)
        return Record(line, named)

    def _lines(self, stream: Iterable[bytes]) -> Iterator[str]:
        for raw in stream:
            number = self.position.line + 1
            self.position = Position(self.position.byte + len(raw), number)
            self._digest.update(raw)
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UnreadableFile(FileProblem.NOT_UTF8, number) from error
            yield line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line


def _header(line: str) -> tuple[str, list[str]]:
    """The delimiter under which the header names most columns that we know, and the header's cells."""
    readings = [(delimiter, _cells(line, delimiter)) for delimiter in DELIMITERS]
    return max(readings, key=lambda reading: sum(column_of(title) is not None for title in reading[1]))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return []


def _columns(titles: list[str], kind: ImportKind) -> dict[int, Column]:
    columns = {index: column for index, title in enumerate(titles) if (column := column_of(title)) is not None}
    found = list(columns.values())
    if twice := {column for column in found if found.count(column) > 1}:
        raise UnreadableFile(FileProblem.COLUMN_TWICE, columns=sorted(twice))
    if missing := [column for column in required(kind) if column not in found]:
        raise UnreadableFile(FileProblem.MISSING_COLUMN, columns=missing)
    return columns
