"""Reads of people's suppressions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PurposeId, SubjectId
from consent_service.domain.kinds import SuppressionReason
from consent_service.prepared import Prepared
from consent_service.subjects.models import OWN_OPT_IN, Subject, Suppression


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppression that stands against a person, for one purpose or (None) for all; `since` is aware, in UTC."""

    purpose_id: PurposeId | None
    reason: SuppressionReason
    since: datetime


def suppressions(session: Session, subject_id: SubjectId) -> Sequence[Suppressed]:
    """What stands against writing to this person, oldest first."""
    rows = session.execute(
        sa.select(Suppression)
        .join(Subject, Subject.suppression_digest == Suppression.digest)
        .where(Subject.id == subject_id, Suppression.lifted_at.is_(None))
        .order_by(Suppression.id)
    ).scalars()
    return [Suppressed(row.purpose_id, row.reason, row.created_at) for row in rows]


@dataclass(frozen=True, slots=True)
class Lifted:
    """A suppression that stands no more: from when to when (aware, in UTC), and in whose words, if in anybody's."""

    purpose_id: PurposeId | None
    reason: SuppressionReason
    since: datetime
    until: datetime
    because: str | None

    @property
    def is_by_opt_in(self) -> bool:
        """Whether the person's own confirmation lifted it."""
        return self.because == OWN_OPT_IN


def lifted(session: Session, subject_id: SubjectId) -> Sequence[Lifted]:
    """What once stood against writing to this person, latest end first."""
    rows = session.execute(
        sa.select(Suppression)
        .join(Subject, Subject.suppression_digest == Suppression.digest)
        .where(Subject.id == subject_id)
        .order_by(Suppression.lifted_at.desc(), Suppression.id.desc())
    ).scalars()
    return [
        Lifted(row.purpose_id, row.reason, row.created_at, row.lifted_at, row.lifted_because)
        for row in rows
        if row.lifted_at is not None
    ]


def newest(session: Session) -> SubjectId | None:
    """The highest id of a person; None where we know nobody."""
    return session.execute(sa.select(sa.func.max(Subject.id))).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom we know by an address."""

    id: SubjectId
    name: str | None


_KNOWN = Prepared(sa.select(Subject.id, Subject.name).where(Subject.normalised_address == sa.bindparam("address")))


def known(session: Session, address: NormalisedAddress) -> Known | None:
    """The person with this address, if we know one."""
    row = _KNOWN.first(session, {"address": address})
    return Known(*row) if row is not None else None
