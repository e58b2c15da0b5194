"""Beginning many consents at once: what `service.begin` does, in a few statements for all of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain import consent
from consent_service.domain.identifiers import PurposeId, new_public_id
from consent_service.domain.kinds import ConsentStatus
from consent_service.evidence.service import Evidence, NamedKey
from consent_service.ledger.models import (
    ConsentEvent,
    ConsentState,
    StateCountDifference,
    UnsealedEvent,
    UnsubscribeLink,
)
from consent_service.ledger.service import Consent, event_columns, event_of, state_columns


@dataclass(frozen=True, slots=True)
class Beginning:
    """A consent, its evidence, and the key under which that goes."""

    given: Consent
    evidence: Evidence
    key: NamedKey


def begin_all(session: Session, beginnings: Sequence[Beginning]) -> None:
    """Records the first events of people who stand nowhere yet for the purpose; their locks are held."""
    if not beginnings:
        return
    event_ids = list(
        session.execute(
            sa.insert(ConsentEvent).returning(ConsentEvent.id, sort_by_parameter_order=True),
            [event_columns(one.given, one.evidence, one.key) for one in beginnings],
        ).scalars()
    )
    session.execute(sa.insert(UnsealedEvent), [{"event_id": event_id} for event_id in event_ids])
    states, links, counts = [], [], Counter[tuple[PurposeId, ConsentStatus]]()
    for event_id, one in zip(event_ids, beginnings, strict=True):
        state = consent.apply(None, event_of(event_id, one.given))
        if state is None:
            raise ValueError(f"{one.given.kind} cannot be a person's first event")
        person = {"subject_id": one.given.subject_id, "purpose_id": one.given.purpose_id}
        states.append(person | state_columns(state))
        links.append(person | {"public_id": new_public_id()})
        counts[one.given.purpose_id, state.status] += 1
    session.execute(sa.insert(ConsentState), states)
    session.execute(sa.insert(UnsubscribeLink), links)
    session.execute(
        sa.insert(StateCountDifference),
        [{"purpose_id": purpose, "status": status, "difference": n} for (purpose, status), n in counts.items()],
    )
