"""Reads of the ledger, among them the one definition of who may be written to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import (
    ConsentEventId,
    DataKeyId,
    NoticeId,
    PublicId,
    PurposeId,
    PurposeVersionId,
    SubjectId,
)
from consent_service.domain.kinds import Channel, ConsentStatus, EventKind, LeftOut, LegalBasis
from consent_service.ledger.models import (
    ConsentEvent,
    ConsentState,
    StateCount,
    StateCountDifference,
    UnsubscribeLink,
)
from consent_service.notice.models import Notice, PurposeVersion
from consent_service.prepared import Prepared
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject

PurposeOf = PurposeId | sa.ColumnElement[PurposeId] | sa.orm.InstrumentedAttribute[PurposeId]


def left_out(purpose_id: PurposeOf) -> sa.ColumnElement[str | None]:
    """SQL: why a person is not written to for this purpose, NULL where they may be.

    The only definition: hand-over, check page, export and fill all use it. It speaks of `subjects` left
    joined to the person's `consent_states` row for the purpose, as `everybody()` does.
    """
    return sa.case(
        (Subject.erased_at.is_not(None), LeftOut.ERASED.value),
        (ConsentState.status.is_(None), LeftOut.NEVER_AGREED.value),
        (ConsentState.status == ConsentStatus.WITHDRAWN, LeftOut.WITHDRAWN.value),
        (ConsentState.status == ConsentStatus.OBJECTED, LeftOut.OBJECTED.value),
        (subjects.in_force(Subject.suppression_digest, purpose_id), LeftOut.SUPPRESSED.value),
        else_=None,
    )


def everybody(purpose_id: PurposeOf) -> sa.Select[SubjectId, str | None]:
    """Every person and why they are left out (NULL: they are not), for others to narrow or to count."""
    return (
        sa.select(Subject.id, left_out(purpose_id).label("left_out"))
        .select_from(Subject)
        .outerjoin(
            ConsentState,
            sa.and_(ConsentState.subject_id == Subject.id, ConsentState.purpose_id == purpose_id),
        )
    )


def known_for(
    session: Session, purpose_id: PurposeId, last: SubjectId, most: int, among: sa.Select[SubjectId] | None = None
) -> list[tuple[SubjectId, str | None]]:
    """Who stands anywhere for this purpose, and why they are left out (None: they are not), by their ids.

    At most so many, from the one behind `last`; of these people only, if any are given.
    """
    values = {"purpose": purpose_id, "last": last, "most": most}
    if among is None:
        return _KNOWN_FOR.all(session, values)
    return [(row.id, row.left_out) for row in session.execute(_known_for(ConsentState.subject_id.in_(among)), values)]


def _known_for(*narrowed: sa.ColumnElement[bool]) -> sa.Select[SubjectId, str | None]:
    """SQL: those known for a purpose. Each status is a range of the index, in the order of the ids already."""
    purpose_id = sa.bindparam("purpose", type_=ConsentState.purpose_id.type)
    most = sa.bindparam("most", type_=sa.Integer())
    ranges = (
        sa.select(ConsentState.subject_id)
        .where(
            ConsentState.purpose_id == purpose_id,
            ConsentState.status == status,
            ConsentState.subject_id > sa.bindparam("last", type_=ConsentState.subject_id.type),
            *narrowed,
        )
        .order_by(ConsentState.subject_id)
        .limit(most)
        .subquery()
        for status in ConsentStatus
    )
    together = sa.union_all(*(sa.select(one.c.subject_id) for one in ranges)).subquery()
    next_ones = sa.select(together.c.subject_id).order_by(together.c.subject_id).limit(most).subquery()
    return everybody(purpose_id).join(next_ones, next_ones.c.subject_id == Subject.id).order_by(Subject.id)


_KNOWN_FOR = Prepared(_known_for())


def recipients(origin: sa.FromClause, purpose_id: PurposeOf) -> sa.Select[*tuple[Any, ...]]:
    """What hand-over needs of a person, and why they are left out, in one look.

    `origin` holds `subjects` and whatever `purpose_id` is a column of; callers narrow and add columns.
    """
    return sa.select(
        Subject.address,
        Subject.name,
        Subject.language,
        Subject.public_id.label("subject_public_id"),
        UnsubscribeLink.public_id.label("unsubscribe_public_id"),
        left_out(purpose_id).label("left_out"),
    ).select_from(
        origin.outerjoin(
            ConsentState,
            sa.and_(ConsentState.subject_id == Subject.id, ConsentState.purpose_id == purpose_id),
        ).outerjoin(
            UnsubscribeLink,
            sa.and_(UnsubscribeLink.subject_id == Subject.id, UnsubscribeLink.purpose_id == purpose_id),
        )
    )


def numbers_left_out(session: Session, purpose_id: PurposeId) -> dict[LeftOut | None, int]:
    """How many people there are by the reason why they are left out; None for those who are not.

    What grouping `everybody()` amounts to, which a test compares; made from the folded counts, because a look at
    each of a million people takes seconds. Only the erased and the suppressed are looked at.
    """
    standing = counts(session).get(purpose_id, {})
    erased = _erased(session, purpose_id)
    suppressed = _active_and_suppressed(session, purpose_id)
    left = {status: standing.get(status, 0) - erased.get(status, 0) for status in ConsentStatus}
    return {
        None: left[ConsentStatus.ACTIVE] - suppressed,
        LeftOut.ERASED: sum(erased.values()),
        LeftOut.NEVER_AGREED: _known(session) - sum(standing.values()) - erased.get(None, 0),
        LeftOut.WITHDRAWN: left[ConsentStatus.WITHDRAWN],
        LeftOut.OBJECTED: left[ConsentStatus.OBJECTED],
        LeftOut.SUPPRESSED: suppressed,
    }


def numbers_left_out_among(
    session: Session, purpose_id: PurposeId, people: sa.Select[SubjectId]
) -> dict[LeftOut | None, int]:
    """The same of these people alone, each of whom is looked at."""
    return _numbers(session, everybody(purpose_id).where(Subject.id.in_(people)))


def numbers_unconcerned_among(
    session: Session, purpose_id: PurposeId, people: sa.Select[SubjectId]
) -> dict[LeftOut | None, int]:
    """How many of these people stand nowhere for this purpose, so that `known_for` has them not, and why."""
    standing_nowhere = ConsentState.subject_id.is_(None)
    return _numbers(session, everybody(purpose_id).where(Subject.id.in_(people), standing_nowhere))


def _numbers(session: Session, people: sa.Select[SubjectId, str | None]) -> dict[LeftOut | None, int]:
    some = people.subquery()
    rows = session.execute(sa.select(some.c.left_out, sa.func.count()).group_by(some.c.left_out))
    return {LeftOut(reason) if reason else None: number for reason, number in rows}


def numbers_unconcerned(session: Session, purpose_id: PurposeId) -> dict[LeftOut | None, int]:
    """How many of those in `numbers_left_out` stand nowhere for this purpose, so that `known_for` has them not."""
    standing, erased = counts(session).get(purpose_id, {}), _erased(session, purpose_id).get(None, 0)
    return {LeftOut.ERASED: erased, LeftOut.NEVER_AGREED: _known(session) - sum(standing.values()) - erased}


def _known(session: Session) -> int:
    return session.execute(sa.select(sa.func.count()).select_from(Subject)).scalar_one()


def _erased(session: Session, purpose_id: PurposeId) -> dict[ConsentStatus | None, int]:
    """How many erased people there are by where they stood for the purpose; None: nowhere."""
    rows = session.execute(
        sa.select(ConsentState.status, sa.func.count())
        .select_from(Subject)
        .outerjoin(ConsentState, sa.and_(ConsentState.subject_id == Subject.id, ConsentState.purpose_id == purpose_id))
        .where(Subject.erased_at.is_not(None))
        .group_by(ConsentState.status)
    )
    return dict(rows.all())


def _active_and_suppressed(session: Session, purpose_id: PurposeId) -> int:
    """How many stand as active for the purpose and have a suppression against it; begins at the suppressions."""
    return session.execute(
        sa.select(sa.func.count())
        .select_from(ConsentState)
        .where(
            ConsentState.purpose_id == purpose_id,
            ConsentState.status == ConsentStatus.ACTIVE,
            ConsentState.subject_id.in_(subjects.suppressed_people(purpose_id)),
        )
    ).scalar_one()


def reason_left_out(session: Session, subject_id: SubjectId, purpose_id: PurposeId) -> LeftOut | None:
    """Why this person is not written to for this purpose now; None where they may be."""
    row = session.execute(everybody(purpose_id).where(Subject.id == subject_id)).one_or_none()
    if row is None:
        return LeftOut.ERASED
    return LeftOut(row.left_out) if row.left_out is not None else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands for one purpose; `since` is aware, in UTC."""

    purpose_id: PurposeId
    status: ConsentStatus
    basis: LegalBasis
    purpose_version_id: PurposeVersionId
    since: datetime


def standings(session: Session, subject_id: SubjectId) -> dict[PurposeId, Standing]:
    """Where the person stands, for each purpose that the ledger knows them for."""
    rows = session.execute(sa.select(ConsentState).where(ConsentState.subject_id == subject_id)).scalars()
    return {
        row.purpose_id: Standing(row.purpose_id, row.status, row.basis, row.purpose_version_id, row.since)
        for row in rows
    }


def active_purposes(session: Session, people: Collection[SubjectId]) -> dict[SubjectId, frozenset[PurposeId]]:
    """The purposes for which each of these people stands as active; who has none is not in it."""
    rows = session.execute(
        sa.select(ConsentState.subject_id, ConsentState.purpose_id).where(
            ConsentState.subject_id.in_(people), ConsentState.status == ConsentStatus.ACTIVE
        )
    )
    purposes: dict[SubjectId, frozenset[PurposeId]] = {}
    for subject_id, purpose_id in rows:
        purposes[subject_id] = purposes.get(subject_id, frozenset()) | {purpose_id}
    return purposes


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger, without its evidence; times are aware, in UTC."""

    id: ConsentEventId
    public_id: PublicId
    purpose_id: PurposeId
    purpose_version_id: PurposeVersionId
    kind: EventKind
    basis: LegalBasis
    at: datetime
    requested_at: datetime | None
    channel: Channel
    notice_id: NoticeId | None
    registration: PublicId | None
    data_key_id: DataKeyId
    box: bytes


def statuses(
    session: Session, purpose_id: PurposeId, addresses: Collection[NormalisedAddress]
) -> dict[NormalisedAddress, ConsentStatus | None]:
    """Where those people stand for a purpose whom we know by these addresses; None where nowhere yet."""
    rows = session.execute(
        sa.select(Subject.normalised_address, ConsentState.status)
        .outerjoin(
            ConsentState,
            sa.and_(ConsentState.subject_id == Subject.id, ConsentState.purpose_id == purpose_id),
        )
        .where(Subject.normalised_address.in_(addresses))
    )
    return {row.normalised_address: row.status for row in rows}


def history(session: Session, subject_id: SubjectId) -> Sequence[Entry]:
    """All lines of the ledger about one person, oldest first."""
    rows = session.execute(
        sa.select(ConsentEvent).where(ConsentEvent.subject_id == subject_id).order_by(ConsentEvent.id)
    ).scalars()
    return [
        Entry(
            id=row.id,
            public_id=row.public_id,
            purpose_id=row.purpose_id,
            purpose_version_id=row.purpose_version_id,
            kind=row.kind,
            basis=row.basis,
            at=row.at,
            requested_at=row.requested_at,
            channel=row.channel,
            notice_id=row.notice_id,
            registration=row.registration,
            data_key_id=row.data_key_id,
            box=row.evidence,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Whom and what a one-click link is about."""

    subject_id: SubjectId
    purpose_id: PurposeId


_TARGET = Prepared(
    sa.select(UnsubscribeLink.subject_id, UnsubscribeLink.purpose_id).where(
        UnsubscribeLink.public_id == sa.bindparam("link")
    )
)


def unsubscribe_target(session: Session, public_id: PublicId) -> LinkTarget | None:
    """The person and purpose that a one-click link names."""
    row = _TARGET.first(session, {"link": public_id})
    return LinkTarget(*row) if row else None


def unsubscribe_link(session: Session, subject_id: SubjectId, purpose_id: PurposeId) -> PublicId:
    """The id that the person's one-click link for this purpose names."""
    return session.execute(
        sa.select(UnsubscribeLink.public_id).where(
            UnsubscribeLink.subject_id == subject_id, UnsubscribeLink.purpose_id == purpose_id
        )
    ).scalar_one()


def counts(session: Session) -> dict[PurposeId, dict[ConsentStatus, int]]:
    """How many people stand where, per purpose: the folded numbers plus what came since, never a count of people."""
    both = sa.union_all(
        sa.select(StateCount.purpose_id, StateCount.status, StateCount.people.label("people")),
        sa.select(
            StateCountDifference.purpose_id,
            StateCountDifference.status,
            StateCountDifference.difference.label("people"),
        ),
    ).subquery()
    rows = session.execute(
        sa.select(both.c.purpose_id, both.c.status, sa.func.sum(both.c.people)).group_by(
            both.c.purpose_id, both.c.status
        )
    )
    numbers: dict[PurposeId, dict[ConsentStatus, int]] = {}
    for purpose_id, status, people in rows:
        numbers.setdefault(purpose_id, {})[status] = int(people)
    return numbers


def active_consents(
    purpose_id: PurposeId, versions: Sequence[PurposeVersionId] | None = None
) -> sa.Select[*tuple[Any, ...]]:
    """Each person who may be written to, with what their consent rests on; for exports.

    With `versions`, only those whose consent is to one of these wordings.
    """
    statement = (
        sa.select(
            Subject.address,
            Subject.name,
            Subject.language,
            ConsentState.basis,
            ConsentEvent.requested_at,
            ConsentState.since,
            PurposeVersion.number.label("wording_version"),
            Notice.number.label("notice_version"),
            ConsentEvent.public_id.label("evidence_id"),
        )
        .select_from(ConsentState)
        .join(Subject, Subject.id == ConsentState.subject_id)
        .join(ConsentEvent, ConsentEvent.id == ConsentState.event_id)
        .join(PurposeVersion, PurposeVersion.id == ConsentState.purpose_version_id)
        .outerjoin(Notice, Notice.id == ConsentEvent.notice_id)
        .where(
            ConsentState.purpose_id == purpose_id,
            ConsentState.status == ConsentStatus.ACTIVE,
            left_out(purpose_id).is_(None),
        )
    )
    if versions is not None:
        statement = statement.where(ConsentState.purpose_version_id.in_(versions))
    return statement
