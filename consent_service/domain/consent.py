"""The fold from consent events to consent state: the heart of the service, and pure.

The state is what the events amount to, so that it can be rebuilt from the ledger at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from consent_service.domain.identifiers import ConsentEventId, PurposeId, PurposeVersionId
from consent_service.domain.kinds import ConsentStatus, EventKind, LegalBasis


@dataclass(frozen=True, slots=True)
class Event:
    """What the fold needs to know of one line of the ledger; `at` is aware, in UTC."""

    id: ConsentEventId
    purpose_id: PurposeId
    purpose_version_id: PurposeVersionId
    kind: EventKind
    basis: LegalBasis
    at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """Where one person stands for one purpose, since when, by which event."""

    status: ConsentStatus
    basis: LegalBasis
    purpose_version_id: PurposeVersionId
    since: datetime
    event_id: ConsentEventId


_STATUS_AFTER = {
    EventKind.CONFIRMED: ConsentStatus.ACTIVE,
    EventKind.IMPORTED: ConsentStatus.ACTIVE,
    EventKind.WITHDRAWN: ConsentStatus.WITHDRAWN,
    EventKind.OBJECTED: ConsentStatus.OBJECTED,
}


def is_allowed(state: State | None, kind: EventKind) -> bool:
    """Whether an event of this kind means anything where the person stands now.

    Only the person's own confirmation brings back who left; an import is for those who were never
    asked; nobody can leave twice, nor leave what they never joined.
    """
    match kind:
        case EventKind.CONFIRMED:
            return True
        case EventKind.IMPORTED:
            return state is None
        case EventKind.WITHDRAWN | EventKind.OBJECTED:
            return state is not None and state.status is ConsentStatus.ACTIVE


def way_out(basis: LegalBasis) -> EventKind:
    """What leaving is called: a consent is withdrawn (GDPR Art. 7(3)), the rest objected to (Art. 21(2))."""
    return EventKind.WITHDRAWN if basis is LegalBasis.CONSENT else EventKind.OBJECTED


def apply(state: State | None, event: Event) -> State | None:
    """The state after one more event of the same person and purpose; unchanged where it means nothing."""
    if not is_allowed(state, event.kind):
        return state
    return State(
        status=_STATUS_AFTER[event.kind],
        basis=event.basis,
        purpose_version_id=event.purpose_version_id,
        since=event.at,
        event_id=event.id,
    )


def fold(events: Iterable[Event]) -> State | None:
    """The state after all events of one person and one purpose, given in the ledger's order."""
    state: State | None = None
    for event in events:
        state = apply(state, event)
    return state
