"""Keeping the messages of limited providers apart, so that what may not leave now is not claimed again and again.

A waiting message carries the provider that it is kept apart for, or 0. Claiming walks the index of one
provider after the other and never touches those that may get nothing. Which messages belong to a provider is found
out when they are first claimed while it is limited, or when they are put into the outbox.
"""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import MessageId, ProviderId, SubjectId
from consent_service.limits import service as limits
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MessageState
from consent_service.subjects.models import Subject


def providers_of(session: Session, people: Collection[SubjectId]) -> dict[SubjectId, ProviderId]:
    """Those of these people whose messages are kept apart now, and for which provider."""
    if not limits.is_any_apart(session):
        return {}
    rows = session.execute(
        sa.select(Subject.id, Subject.normalised_address).where(
            Subject.id.in_(people), Subject.normalised_address.is_not(None)
        )
    )
    domains = {subject: domain_of(address) for subject, address in rows if address is not None}
    apart = limits.apart(session, set(domains.values()))
    return {subject: apart[domain] for subject, domain in domains.items() if domain in apart}


def domain_of(address: str) -> str:
    """The domain of an address in its comparable form."""
    return address.rpartition("@")[2]


def keep_apart(session: Session, providers: Mapping[MessageId, ProviderId], put_back: Collection[MessageId]) -> None:
    """Marks claimed messages as their providers', and puts some of them back."""
    for provider in sorted(set(providers.values())):
        mine = [message for message, theirs in providers.items() if theirs == provider]
        _mark(session, [message for message in mine if message not in put_back], provider_id=provider)
        _mark(
            session,
            [message for message in mine if message in put_back],
            provider_id=provider,
            state=MessageState.QUEUED,
            lease_token=None,
            lease_until=None,
        )


def _mark(session: Session, messages: Sequence[MessageId], **values: object) -> None:
    if messages:
        session.execute(
            sa.update(Message)
            .where(Message.id.in_(messages))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
