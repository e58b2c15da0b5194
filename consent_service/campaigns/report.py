"""The report of a campaign as a list to take out: what became of each person's message."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.campaigns import queries
from consent_service.database import reading
from consent_service.domain.identifiers import MailingId, PublicId
from consent_service.exports import service as exports
from consent_service.exports.queries import Cells
from consent_service.exports.rules import ExportFormat, iso_text
from consent_service.exports.sending import send_rows
from consent_service.exports.writing import Columns, guard_all
from consent_service.mailing import reporting
from consent_service.mailing.outcomes import Outcome
from consent_service.mailing.reporting import Line

LONGEST_ABOUT = 300
LONGEST_WORDS = 1000
COLUMNS = Columns(
    (
        "message",
        "email",
        "name",
        "outcome",
        "state",
        "handed_over_at",
        "answer",
        "queue_id",
        "left_out",
        "came_back",
        "came_back_status",
        "came_back_at",
        "came_back_words",
    ),
    guard_all,
)
"""The columns of every format; times are ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which messages are wanted (without an outcome all), as what, and why."""

    outcome: Outcome | None
    format: ExportFormat
    reason: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A list that is on record and has not left yet."""

    export: PublicId
    mailing: MailingId
    asked: Asked


def begin(session: Session, public_id: PublicId, asked: Asked, actor: str, at: datetime) -> Begun:
    """Records the list before its first byte leaves; `at` is aware.

    Raises NotFound, also for a draft, and Refused without a reason.
    """
    found = queries.sent(session, public_id, at)
    about = f"report of campaign {public_id} ({asked.outcome or 'all'}): {found.campaign.subject}"[:LONGEST_ABOUT]
    export = exports.begin_other(session, about, asked.format, asked.reason, actor, at)
    return Begun(export, found.mailing_id, asked)


def send(begun: Begun) -> Iterator[bytes]:
    """The bytes of the list."""
    with reading() as session, closing(_rows(session, begun)) as rows:
        yield from send_rows(begun.export, begun.asked.format, COLUMNS, rows)


def _rows(session: Session, begun: Begun) -> Generator[Sequence[Cells], None, None]:
    for chunk in reporting.every_line(session, begun.mailing, begun.asked.outcome):
        yield [_cells(line) for line in chunk]


def _cells(line: Line) -> Cells:
    returned = line.returned
    about_return = (
        (
            returned.classification.value if returned.classification else returned.kind.value,
            returned.status,
            iso_text(returned.at),
            returned.text[:LONGEST_WORDS] or None,
        )
        if returned
        else (None, None, None, None)
    )
    return (
        line.public_id,
        line.address,
        line.name,
        line.outcome.value,
        line.state.value,
        iso_text(line.handed_over_at),
        line.reply,
        line.queue_id,
        line.left_out.value if line.left_out else None,
        *about_return,
    )
