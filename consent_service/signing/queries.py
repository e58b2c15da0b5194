"""Reads of signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.signing import rules
from consent_service.signing.models import DkimKey
from consent_service.signing.rules import Algorithm, KeyState, Record


@dataclass(frozen=True, slots=True)
class Key:
    """A signing key without its private half; the moment is aware, in UTC."""

    domain: str
    selector: str
    algorithm: Algorithm
    state: KeyState
    since: datetime
    record: Record


def keys(session: Session, domain: str, *states: KeyState) -> Sequence[Key]:
    """A domain's keys in these states (none named: in all), oldest first."""
    rows = session.execute(
        sa.select(DkimKey)
        .where(DkimKey.domain == domain, DkimKey.state.in_(states or tuple(KeyState)))
        .order_by(DkimKey.id)
    ).scalars()
    return [
        Key(
            row.domain,
            row.selector,
            row.algorithm,
            row.state,
            row.state_since,
            rules.record(row.domain, row.selector, row.algorithm, row.public_key),
        )
        for row in rows
    ]
