"""Staff accounts: adding, listing and ending them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_security import hash_password
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import OPERATOR, Action
from consent_service.domain.addresses import normalise
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import StaffId, new_public_id
from consent_service.extensions import security
from consent_service.staff import rules
from consent_service.staff.models import StaffMember


@dataclass(frozen=True, slots=True)
class Account:
    """One account; the time is aware, in UTC."""

    email: str
    active: bool
    created_at: datetime


def normalised(password: str) -> str:
    """A password in the one form in which it is hashed and compared, however it was typed (NFKD)."""
    return str(security.password_util.normalize(password))


def hashed(password: str) -> str:
    """The argon2 hash of a password: slow, so make it outside of a transaction. Raises Refused for a short one."""
    if not rules.is_long_enough(password):
        raise Refused(
            f"the password must have {rules.SHORTEST_PASSWORD} to {rules.LONGEST_PASSWORD} characters; "
            "--generate makes a good one"
        )
    return str(hash_password(normalised(password)))


def add(session: Session, address: str, password_hash: str, at: datetime) -> None:
    """Adds an account; `at` is aware. Raises InvalidAddress, and Refused where there is one with this address."""
    email = normalise(address)
    if session.execute(sa.select(StaffMember.id).where(StaffMember.email == email)).first() is not None:
        raise Refused(f"there is an account {email} already")
    session.add(
        StaffMember(email=email, password=password_hash, active=True, fs_uniquifier=new_public_id(), created_at=at)
    )
    audit.record(session, at=at, actor=OPERATOR, action=Action.STAFF_ADDED, details={"account": email})


def accounts(session: Session) -> Sequence[Account]:
    """All accounts, by address."""
    rows = session.execute(sa.select(StaffMember).order_by(StaffMember.email)).unique().scalars()
    return [Account(row.email, row.active, row.created_at) for row in rows]


def activate(session: Session, address: str, at: datetime) -> None:
    """Lets an ended account sign in again, with the password it had. Raises InvalidAddress and NotFound."""
    email = normalise(address)
    if _change(session, email, ~StaffMember.active, active=True) is None:
        raise NotFound(f"there is no deactivated account {email}")
    audit.record(session, at=at, actor=OPERATOR, action=Action.STAFF_ACTIVATED, details={"account": email})


def set_password(session: Session, address: str, password_hash: str, actor: str, at: datetime) -> None:
    """Gives an account a new password and ends every session of it. Raises InvalidAddress and NotFound."""
    email = normalise(address)
    if _change(session, email, password=password_hash, fs_uniquifier=new_public_id()) is None:
        raise NotFound(f"there is no account {email}")
    audit.record(session, at=at, actor=actor, action=Action.PASSWORD_SET, details={"account": email})


def keep_hash(session: Session, address: str, password_hash: str) -> None:
    """Keeps the hash of the same password at another cost; the account's sessions go on."""
    _change(session, address, password=password_hash)


def deactivate(session: Session, address: str, at: datetime) -> None:
    """Ends an account and every session of it; `at` is aware. Raises InvalidAddress and NotFound."""
    email = normalise(address)
    if _change(session, email, StaffMember.active, active=False, fs_uniquifier=new_public_id()) is None:
        raise NotFound(f"there is no active account {email}")
    audit.record(session, at=at, actor=OPERATOR, action=Action.STAFF_DEACTIVATED, details={"account": email})


def _change(
    session: Session,
    email: str,
    *conditions: sa.ColumnElement[bool] | sa.orm.InstrumentedAttribute[bool],
    **values: object,
) -> StaffId | None:
    """Changes an account; None where there is none, or it is not as the conditions say."""
    return session.execute(
        sa.update(StaffMember).where(StaffMember.email == email, *conditions).values(**values).returning(StaffMember.id)
    ).scalar_one_or_none()
