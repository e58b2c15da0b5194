"""Staging a file: read, judged and foreseen in chunks, each written in a short transaction of its own.

So a file of a million rows needs little memory and never keeps other writers waiting for long.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings
from consent_service.imports import rules, service
from consent_service.imports.files import CsvFile, UnreadableFile
from consent_service.imports.rules import ImportKind, Record, Row
from consent_service.imports.service import Staging

CHUNK = 1000


def stage_file(stream: Iterable[bytes], kind: ImportKind, purpose_code: str, file_name: str, actor: str) -> PublicId:
    """Stages a file, given as its lines: the dry run, which changes nothing but the staging table.

    Raises UnreadableFile, NotFound for an unknown purpose, Refused for one that wants consent.
    """
    file = CsvFile(stream, kind)
    with transaction() as session:
        staging = service.open_staging(session, kind, purpose_code, file_name, actor, clock.now())
    try:
        counts = _stage_records(staging, file.records())
    except UnreadableFile:
        with transaction() as session:
            service.give_up_staging(session, staging, clock.now())
        raise
    with transaction() as session:
        service.finish_staging(session, staging, file.sha256, counts, clock.now())
    return staging.public_id


def next_rows(records: Iterator[Record], kind: ImportKind) -> list[Row]:
    """The next chunk of a file, judged by itself; shorter than CHUNK at the end."""
    today = clock.now().astimezone(settings().time_zone).date()
    return [rules.judge(kind, record, today) for record in islice(records, CHUNK)]


def _stage_records(staging: Staging, records: Iterator[Record]) -> dict[str, int]:
    counts: dict[str, int] = {}
    while chunk := next_rows(records, staging.kind):
        with reading() as session:
            verdicts = service.foresee(session, staging, chunk)
        with transaction() as session:
            service.stage(session, staging, chunk, verdicts)
        counts = rules.add_counts(counts, (verdict.result for verdict in verdicts))
    return counts
