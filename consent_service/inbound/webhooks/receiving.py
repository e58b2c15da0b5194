"""Storing events before anybody is told that we have them, encrypted and each once; and handling what was stored."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.database import Digest
from consent_service.domain.addresses import normalise
from consent_service.domain.errors import InvalidAddress
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Channel
from consent_service.inbound import receiving, service, summaries
from consent_service.inbound.parsing import Envelope, Mail
from consent_service.inbound.receiving import Arrival, Stored
from consent_service.inbound.rules import InboundState, MailClass, Way
from consent_service.inbound.service import Returned
from consent_service.inbound.webhooks.providers import READERS
from consent_service.inbound.webhooks.reports import Json, Malformed, Reported
from consent_service.mailing import provider_headers
from consent_service.mailing.addresses import message_of_envelope_sender, message_of_message_id
from consent_service.subjects import service as subjects

LONGEST_QUOTE = 500
_NOBODY = Envelope(None, ())
_NOTHING: dict[str, object] = dict.fromkeys(
    ("mail_class", "result", "forwarded_as", "bounce", "status", "sender", "subject_id", "message_id")
)


def store(session: Session, provider: str, events: Sequence[Json], at: datetime) -> int:
    """Stores the events that mean something to us; how many were new. `at` is aware."""
    kept = [_arrival(provider, event) for event in events if _is_of_interest(provider, event)]
    return sum(receiving.store(session, arrival, at) is not None for arrival in kept)


def _is_of_interest(provider: str, event: Json) -> bool:
    """What lacks something is kept, too: handling it fails, and staff see that it did."""
    try:
        return bool(READERS[provider](event))
    except Malformed:
        return True


def _arrival(provider: str, event: Json) -> Arrival:
    """An event as a small mail, so that it is kept, found again and shown to staff as mails are."""
    content = json.dumps({"provider": provider, "event": event}, sort_keys=True, indent=2)
    data = f"Subject: Webhook of {provider}\nContent-Type: text/plain\n\n{content}".encode("ascii")
    return Arrival(Way.WEBHOOK, _NOBODY, data, len(data))


def _opened(row: Stored) -> tuple[Mail, str, Json]:
    envelope, data = receiving.opened(row.content, row.public_id)
    stored = json.loads(bytes(data).partition(b"\n\n")[2])
    return Mail.read(envelope, data), stored["provider"], stored["event"]


def handle(session: Session, row: Stored, now: datetime) -> dict[str, object]:
    """Does what a stored event means; what is then known of it. Raises Malformed.

    A provider that reports about others' mail, too, is no work for staff: what is not ours is settled.
    """
    mail, provider, event = _opened(row)
    values = {**_NOTHING, "state": InboundState.HANDLED, "summary": summaries.closed(mail, row.public_id)}
    for reported in READERS[provider](event):
        handled = service.handle(session, _returned(reported, provider, row), now)
        values |= {
            "mail_class": MailClass(reported.kind.value),
            "result": handled.result,
            "bounce": reported.classification,
            "status": reported.status,
            "sender": _digest(reported.address),
            "subject_id": handled.subject_id,
            "message_id": handled.message.id if handled.message else None,
        }
    return values


def _returned(reported: Reported, provider: str, row: Stored) -> Returned:
    return Returned(
        kind=reported.kind,
        at=row.received_at,
        message=_message(reported),
        address=reported.address,
        is_address_enough=True,
        classification=reported.classification,
        status=reported.status,
        text=reported.text,
        channel=Channel.PROVIDER,
        evidence={
            "provider": provider,
            "webhook": row.public_id,
            "address": reported.address[:LONGEST_QUOTE],
            "text": reported.text[:LONGEST_QUOTE],
        },
    )


def _digest(address: str) -> Digest | None:
    """By what a report is found when the person is erased."""
    try:
        return subjects.suppression_digest(normalise(address))
    except InvalidAddress:
        return None


def _message(reported: Reported) -> PublicId | None:
    certain = message_of_envelope_sender(reported.envelope_sender) or provider_headers.message_of(reported.ours)
    named = (message_of_message_id(text) for text in reported.named)
    return certain or next((message for message in named if message is not None), None)
