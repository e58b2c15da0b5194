"""People and suppressions: finding, locking, naming; suppressing and lifting."""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import Digest, UtcDateTime, insert, inserts
from consent_service.domain.addresses import NormalisedAddress, mailbox, normalise
from consent_service.domain.identifiers import PurposeId, SubjectId, new_public_id
from consent_service.domain.kinds import Language, SuppressionReason
from consent_service.domain.names import tidy
from consent_service.extensions import settings
from consent_service.prepared import Prepared
from consent_service.subjects import rules
from consent_service.subjects.models import OWN_OPT_IN, Subject, Suppression, SuppressionCanary

_CANARY = "canary@suppression.invalid"


class WrongSuppressionKey(Exception):
    """CONSENT_SUPPRESSION_KEY is not the key that this database's suppressions were made with."""


def suppression_digest(address: NormalisedAddress) -> Digest:
    """The keyed digest under which an address is suppressed; it names nobody without the key."""
    return Digest(hmac.digest(settings().suppression_key.encode(), address.encode(), hashlib.sha256))


def check_suppression_key(session: Session) -> None:
    """Compares the key with the one used so far; the first call remembers it. Raises WrongSuppressionKey."""
    expected = suppression_digest(normalise(_CANARY))
    stored = session.execute(sa.select(SuppressionCanary.digest)).scalar_one_or_none()
    if stored is None:
        session.add(SuppressionCanary(id=1, digest=expected))
    elif not hmac.compare_digest(stored, expected):
        raise WrongSuppressionKey("CONSENT_SUPPRESSION_KEY is not the key that this database was begun with")


def is_suppression_key_wrong(session: Session) -> bool:
    """Whether the suppressions of this database were made with another key than the one that is set."""
    stored = session.execute(sa.select(SuppressionCanary.digest)).scalar_one_or_none()
    return stored is not None and not hmac.compare_digest(stored, suppression_digest(normalise(_CANARY)))


def find(session: Session, address: NormalisedAddress) -> Subject | None:
    """The person with this address, if we know one."""
    return session.execute(sa.select(Subject).where(Subject.normalised_address == address)).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Locked:
    """What a locked person is known by; nothing where the person was erased."""

    address: NormalisedAddress | None
    digest: Digest | None


_LOCK = Prepared(
    sa.select(Subject.normalised_address, Subject.suppression_digest)
    .where(Subject.id == sa.bindparam("subject"))
    .with_for_update(key_share=True)
)
_LOCK_SHARED = Prepared(sa.select(Subject.id).where(Subject.id == sa.bindparam("subject")).with_for_update(read=True))


def lock(session: Session, subject_id: SubjectId) -> Locked:
    """Takes the person's exclusive lock; whoever takes eligibility away does this first (design I6)."""
    return Locked(*_LOCK.one(session, {"subject": subject_id}))


def lock_shared(session: Session, subject_id: SubjectId) -> None:
    """Takes the person's shared lock; hand-over does this before it looks (design I6)."""
    _LOCK_SHARED.run(session, {"subject": subject_id})


def find_or_add(session: Session, address: str, *, language: Language, name: str | None, at: datetime) -> SubjectId:
    """The person with this address, locked; a new one with this name and language where there was none."""
    normalised = normalise(address)
    newcomer = Newcomer(mailbox(address, normalised), normalised, name, language)
    found = None
    while found is None:
        _add_unknown(session, [newcomer], at)
        # Nobody is found where who was in the way is being erased: after waiting for that, it is a new person.
        found = session.execute(
            sa.select(Subject.id)
            .where(Subject.normalised_address == newcomer.normalised_address)
            .with_for_update(key_share=True)
        ).scalar_one_or_none()
    return found


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A person to be found or added."""

    address: str
    normalised_address: NormalisedAddress
    name: str | None
    language: Language


def find_or_add_all(session: Session, people: Sequence[Newcomer], at: datetime) -> dict[NormalisedAddress, SubjectId]:
    """As `find_or_add`, for many people in a few statements: all of them are locked, and the nameless get a name."""
    if not people:
        return {}
    _add_unknown(session, people, at)
    names = {person.normalised_address: person.name for person in people}
    found = session.execute(
        sa.select(Subject.id, Subject.normalised_address, Subject.name)
        .where(Subject.normalised_address.in_(names))
        .order_by(Subject.id)
        .with_for_update(key_share=True)
    ).all()
    for row in found:
        if row.name is None:
            name_if_nameless(session, row.id, names[row.normalised_address])
    ids = {row.normalised_address: row.id for row in found}
    erased_meanwhile = [person for person in people if person.normalised_address not in ids]
    return ids | find_or_add_all(session, erased_meanwhile, at)


def _add_unknown(session: Session, people: Sequence[Newcomer], at: datetime) -> None:
    session.execute(
        insert(session, Subject).on_conflict_do_nothing(index_elements=["normalised_address"]),
        [
            {
                "public_id": new_public_id(),
                "address": person.address,
                "normalised_address": person.normalised_address,
                "suppression_digest": suppression_digest(person.normalised_address),
                "language": person.language,
                "created_at": at,
                **name_columns(person.name),
            }
            for person in people
        ],
    )


def known_among(session: Session, addresses: Collection[NormalisedAddress]) -> set[NormalisedAddress]:
    """Those of these addresses that are a person's whom we know."""
    known = session.execute(
        sa.select(Subject.normalised_address).where(Subject.normalised_address.in_(addresses))
    ).scalars()
    return {address for address in known if address is not None}


def lock_known(session: Session, addresses: Collection[NormalisedAddress]) -> Sequence[SubjectId]:
    """Takes the exclusive locks of those people whom we know by these addresses, and says who they are."""
    return (
        session.execute(
            sa.select(Subject.id)
            .where(Subject.normalised_address.in_(addresses))
            .order_by(Subject.id)
            .with_for_update(key_share=True)
        )
        .scalars()
        .all()
    )


def lock_range(session: Session, first: SubjectId, last: SubjectId) -> None:
    """Takes the exclusive locks of everybody from the first to the last id, both included."""
    session.execute(
        sa.select(Subject.id)
        .where(Subject.id.between(first, last))
        .order_by(Subject.id)
        .with_for_update(key_share=True)
    ).all()


def name_columns(name: str | None) -> dict[str, str | None]:
    """The columns that hold a name: as written, and in the form that the search compares."""
    tidied = tidy(name)
    return {"name": tidied, "sortable_name": tidied.casefold() if tidied else None}


def rename(session: Session, subject_id: SubjectId, name: str | None) -> None:
    """Gives the person this name, or none."""
    session.execute(sa.update(Subject).where(Subject.id == subject_id).values(**name_columns(name)))


def name_if_nameless(session: Session, subject_id: SubjectId, name: str | None) -> None:
    """Gives a name to who has none; a stranger who signs somebody up cannot rename them."""
    if name:
        session.execute(
            sa.update(Subject).where(Subject.id == subject_id, Subject.name.is_(None)).values(**name_columns(name))
        )


def erase(session: Session, subject_id: SubjectId, at: datetime) -> None:
    """Empties every column that says who it was, or that staff may have written it in; the caller holds the lock."""
    digest = sa.select(Subject.suppression_digest).where(Subject.id == subject_id).scalar_subquery()
    session.execute(sa.update(Suppression).where(Suppression.digest == digest).values(lifted_because=None))
    session.execute(
        sa.update(Subject)
        .where(Subject.id == subject_id)
        .values(
            address=None,
            normalised_address=None,
            suppression_digest=None,
            name=None,
            sortable_name=None,
            erased_at=at,
        )
    )


_SUPPRESS = {
    name: Prepared(statement.on_conflict_do_nothing().returning(Suppression.id))
    for name, statement in inserts(Suppression).items()
}


def suppress(
    session: Session, digest: Digest, purpose_id: PurposeId | None, reason: SuppressionReason, at: datetime
) -> bool:
    """Suppresses an address for a purpose, or for all with None. Idempotent: False where it stood already.

    Where the address is a person's, the caller holds that person's lock.
    """
    columns = {"digest": digest, "purpose_id": purpose_id, "reason": reason, "created_at": at}
    return _SUPPRESS[session.get_bind().dialect.name].first(session, columns) is not None


def suppress_subject(
    session: Session,
    subject_id: SubjectId,
    reason: SuppressionReason,
    at: datetime,
    purpose_id: PurposeId | None = None,
) -> None:
    """Suppresses a known person's address, for one purpose or (without one) for all; the caller holds the lock."""
    digest = session.execute(sa.select(Subject.suppression_digest).where(Subject.id == subject_id)).scalar_one()
    if digest is not None:
        suppress(session, digest, purpose_id, reason, at)


def is_suppressed(session: Session, digest: Digest, purpose_id: PurposeId) -> bool:
    """Whether a suppression stands in the way of writing to this address for this purpose."""
    return bool(session.execute(sa.select(in_force(digest, purpose_id))).scalar_one())


def suppressed_among(session: Session, digests: Collection[Digest], purpose_id: PurposeId) -> set[Digest]:
    """Those of these digests that are suppressed for this purpose or for all."""
    return _standing_among(
        session, digests, sa.or_(Suppression.purpose_id.is_(None), Suppression.purpose_id == purpose_id)
    )


def suppressed_for_all_among(session: Session, digests: Collection[Digest], reason: SuppressionReason) -> set[Digest]:
    """Those of these digests that are suppressed for every purpose with this very reason."""
    return _standing_among(session, digests, Suppression.purpose_id.is_(None), Suppression.reason == reason)


def _standing_among(session: Session, digests: Collection[Digest], *conditions: sa.ColumnElement[bool]) -> set[Digest]:
    statement = sa.select(Suppression.digest).where(
        Suppression.digest.in_(digests), Suppression.lifted_at.is_(None), *conditions
    )
    return set(session.execute(statement).scalars())


def suppress_all(session: Session, digests: Collection[Digest], reason: SuppressionReason, at: datetime) -> None:
    """Suppresses addresses for every purpose. Where one is a person's, the caller holds that person's lock."""
    if digests:
        session.execute(
            insert(session, Suppression).on_conflict_do_nothing(),
            [{"digest": digest, "purpose_id": None, "reason": reason, "created_at": at} for digest in digests],
        )


def in_force(
    digest: Digest | sa.orm.InstrumentedAttribute[Digest | None],
    purpose_id: PurposeId | sa.ColumnElement[PurposeId] | sa.orm.InstrumentedAttribute[PurposeId],
) -> sa.Exists:
    """SQL condition: a suppression of this digest, for this purpose or for all, stands."""
    return sa.exists().where(
        Suppression.digest == digest,
        Suppression.lifted_at.is_(None),
        sa.or_(Suppression.purpose_id.is_(None), Suppression.purpose_id == purpose_id),
    )


def suppressed_people(purpose_id: PurposeId) -> sa.Select[SubjectId]:
    """The ids of the people against whom a suppression stands, for this purpose or for all; for others to embed."""
    return (
        sa.select(Subject.id)
        .join(Suppression, Suppression.digest == Subject.suppression_digest)
        .where(
            Suppression.lifted_at.is_(None),
            sa.or_(Suppression.purpose_id.is_(None), Suppression.purpose_id == purpose_id),
        )
    )


def last_lifted(session: Session, subject_id: SubjectId, reason: SuppressionReason) -> datetime | None:
    """When a suppression of this reason was last lifted for a person; aware, in UTC."""
    return session.execute(
        sa.select(sa.func.max(Suppression.lifted_at, type_=UtcDateTime()))
        .join(Subject, Subject.suppression_digest == Suppression.digest)
        .where(Subject.id == subject_id, Suppression.reason == reason)
    ).scalar_one()


def lift_bounce(session: Session, subject_id: SubjectId, because: str, at: datetime) -> bool:
    """Lifts what stands against a person because mail came back, and nothing else; whether there was such.

    The caller holds the person's lock.
    """
    digest = sa.select(Subject.suppression_digest).where(Subject.id == subject_id).scalar_subquery()
    lifted = session.execute(
        sa.update(Suppression)
        .where(
            Suppression.digest == digest,
            Suppression.reason == SuppressionReason.BOUNCED,
            Suppression.lifted_at.is_(None),
        )
        .values(lifted_at=at, lifted_because=because)
        .returning(Suppression.id)
        .execution_options(synchronize_session=False)
    )
    return bool(lifted.all())


def lift_by_opt_in(
    session: Session,
    subject_id: SubjectId,
    confirmed: Collection[PurposeId],
    every_purpose: Collection[PurposeId],
    at: datetime,
) -> None:
    """Lifts the suppressions that a person's own confirmed double opt-in answers; the rest stays."""
    digest = session.execute(sa.select(Subject.suppression_digest).where(Subject.id == subject_id)).scalar_one()
    standing = session.execute(
        sa.select(Suppression).where(Suppression.digest == digest, Suppression.lifted_at.is_(None))
    ).scalars()
    for row in list(standing):
        suppression = rules.InForce(row.purpose_id, row.reason)
        if not rules.is_lifted_by_opt_in(suppression, confirmed):
            continue
        row.lifted_at, row.lifted_because = at, OWN_OPT_IN
        session.flush()
        for left in rules.left_after_opt_in(suppression, confirmed, every_purpose):
            suppress(session, row.digest, left.purpose_id, left.reason, at)
