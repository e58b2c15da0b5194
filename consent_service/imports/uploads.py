"""Uploaded files: the request keeps them in pieces and answers at once, and the worker stages them chunk by chunk.

In the database, because the web servers and the workers may run on different machines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import literal, reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.imports import rules, service, staging
from consent_service.imports.files import CsvFile, Position
from consent_service.imports.models import Import, ImportFile, ImportPiece
from consent_service.imports.rules import ImportKind, ImportState, Row, Verdict
from consent_service.imports.service import Staging
from consent_service.prepared import Prepared

PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is being staged: how far that has come, and what the next chunk is read with."""

    staging: Staging
    header: bytes
    position: Position


def keep(stream: BinaryIO, kind: ImportKind, purpose_code: str, file_name: str, actor: str) -> PublicId:
    """Keeps a file for the worker to stage. Only its header and its encoding are looked at.

    Raises UnreadableFile, NotFound for an unknown purpose, Refused for one that wants consent.
    """
    file = CsvFile(stream, kind)
    behind_header = file.position
    file.skip()
    stream.seek(0)
    with transaction() as session:
        opened = service.open_staging(session, kind, purpose_code, file_name, actor, clock.now())
    # Each in a transaction of its own: other writers wait for a piece, never for the whole file.
    for number, content in enumerate(iter(lambda: stream.read(PIECE), b"")):
        with transaction() as session:
            session.add(ImportPiece(import_id=opened.id, number=number, content=content))
    stream.seek(0)
    with transaction() as session:
        service.locked(session, opened.public_id).sha256 = file.sha256
        session.add(
            ImportFile(
                import_id=opened.id,
                size=file.position.byte,
                header=stream.read(behind_header.byte),
                byte=behind_header.byte,
                line=behind_header.line,
            )
        )
    return opened.public_id


def stage_next() -> None:
    """Stages the next chunk of the oldest upload, if there is one; the worker's job.

    Only one chunk, and nothing is returned: the worker has confirmations to send in between.
    """
    with reading() as session:
        upload = _oldest(session)
    if upload is None:
        return
    kind = upload.staging.kind
    file = CsvFile(chain([upload.header], _lines(upload)), kind, upload.position)
    rows = staging.next_rows(file.records(), kind)
    with reading() as session:
        verdicts = service.foresee(session, upload.staging, rows)
    with transaction() as session:
        _stage(session, upload, rows, verdicts, file.position, clock.now())


_OLDEST = Prepared(
    sa.select(
        Import.id,
        Import.public_id,
        Import.kind,
        Import.purpose_id,
        ImportFile.header,
        ImportFile.byte,
        ImportFile.line,
    )
    .join(ImportFile, ImportFile.import_id == Import.id)
    .where(Import.state == literal(ImportState.STAGING))
    .order_by(Import.id)
    .limit(1)
)


def _oldest(session: Session) -> Upload | None:
    row = _OLDEST.first(session, {})
    if row is None:
        return None
    import_id, public_id, kind, purpose_id, header, byte, line = row
    return Upload(Staging(import_id, public_id, kind, purpose_id), header, Position(byte, line))


def _lines(upload: Upload) -> Iterator[bytes]:
    """The lines behind the upload's position, with a piece in memory at a time."""
    number, skip = divmod(upload.position.byte, PIECE)
    rest = b""
    while (piece := _piece(upload.staging.id, number)) is not None:
        *lines, rest = (rest + piece[skip:]).split(b"\n")
        yield from (line + b"\n" for line in lines)
        number, skip = number + 1, 0
    if rest:
        yield rest


def _piece(import_id: int, number: int) -> bytes | None:
    with reading() as session:
        return session.execute(
            sa.select(ImportPiece.content).where(ImportPiece.import_id == import_id, ImportPiece.number == number)
        ).scalar_one_or_none()


def _stage(
    session: Session, upload: Upload, rows: Sequence[Row], verdicts: Sequence[Verdict], read_to: Position, at: datetime
) -> None:
    """Writes a chunk down and how far it came, unless the import has moved on since it was read."""
    row = service.locked(session, upload.staging.public_id)
    file = session.get(ImportFile, row.id)
    if file is None or row.state is not ImportState.STAGING or Position(file.byte, file.line) != upload.position:
        return
    service.stage(session, upload.staging, rows, verdicts)
    row.counts = rules.add_counts(row.counts, (verdict.result for verdict in verdicts))
    file.byte, file.line = read_to.byte, read_to.line
    is_last = len(rows) < staging.CHUNK
    pieces = sa.delete(ImportPiece).where(ImportPiece.import_id == row.id)
    session.execute(pieces if is_last else pieces.where(ImportPiece.number < read_to.byte // PIECE))
    if is_last:
        session.delete(file)
        service.finish_staging(session, upload.staging, row.sha256, row.counts, at)
