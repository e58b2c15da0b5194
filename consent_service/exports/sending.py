"""Sending an export that is on record: its bytes as they are read, and the record's end behind the last one."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.exports import queries, service
from consent_service.exports.queries import Cells
from consent_service.exports.rules import ExportFormat
from consent_service.exports.service import Begun
from consent_service.exports.writing import PEOPLE, PIECES, Chunks, Columns


def send(export: Begun) -> Iterator[bytes]:
    """The bytes of the export. Whoever stops taking them leaves a record that says so: it is never finished."""
    with reading() as session, closing(queries.rows(session, export.chosen)) as rows:
        yield from send_rows(export.public_id, export.format, PEOPLE, rows)


def send_rows(export: PublicId, wanted: ExportFormat, columns: Columns, chunks: Chunks) -> Iterator[bytes]:
    """The bytes of any rows, whose export is on record."""
    digest, counted = hashlib.sha256(), _Counted()
    for piece in PIECES[wanted](counted.over(chunks), columns):
        digest.update(piece)
        yield piece
    with transaction() as session:
        service.finish(session, export, counted.rows, digest.hexdigest(), clock.now())


class _Counted:
    """Counts rows as they pass."""

    def __init__(self) -> None:
        self.rows = 0

    def over(self, chunks: Chunks) -> Iterator[Sequence[Cells]]:
        for chunk in chunks:
            self.rows += len(chunk)
            yield chunk
