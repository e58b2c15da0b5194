"""Sending an export that is on record: its bytes as they are read, and the record's end behind the last one."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.exports import queries, service
from consent_service.exports.queries import Cells
from consent_service.exports.service import Begun
from consent_service.exports.writing import PIECES


def send(export: Begun) -> Iterator[bytes]:
    """The bytes of the export. Whoever stops taking them leaves a record that says so: it is never finished."""
    digest, counted = hashlib.sha256(), _Counted()
    with reading() as session, closing(queries.rows(session, export.purpose_id, export.versions)) as rows:
        for piece in PIECES[export.format](counted.over(rows)):
            digest.update(piece)
            yield piece
    with transaction() as session:
        service.finish(session, export.public_id, counted.rows, digest.hexdigest(), clock.now())


class _Counted:
    """Counts rows as they pass."""

    def __init__(self) -> None:
        self.rows = 0

    def over(self, chunks: Iterator[Sequence[Cells]]) -> Iterator[Sequence[Cells]]:
        for chunk in chunks:
            self.rows += len(chunk)
            yield chunk
