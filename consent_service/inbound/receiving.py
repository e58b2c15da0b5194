"""Storing a mail before anybody is told that we have it: encrypted, and once, however often it comes."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import Digest, inserts
from consent_service.domain.identifiers import InboundId, PublicId, new_public_id
from consent_service.evidence.service import keyring
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.rules import InboundState, Way
from consent_service.prepared import Prepared

_CHUNK = 64 * 1024
# What the way here adds to a mail (RFC 5321 section 4.4, and custom): the same mail by another way is the same.
_TRACE = re.compile(
    rb"^(?:received|return-path|delivered-to|x-original-to|envelope-to|x-envelope-to|x-envelope-from|delivery-date"
    rb"|authentication-results|received-spf|x-spam-[\w-]+):.*\n(?:[ \t].*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
MOST_REACHED = 1000
_HEAD_ENDS = re.compile(rb"\n(?=\r?\n)")
_REACHED = re.compile(
    rb"^(?:delivered-to|x-original-to|envelope-to|x-envelope-to):[ \t]*<?([^\s<>]+)", re.IGNORECASE | re.MULTILINE
)

_STORE = {
    name: Prepared(statement.on_conflict_do_nothing().returning(InboundMessage.id))
    for name, statement in inserts(InboundMessage).items()
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail as it came; `data` is its beginning where it was larger than we keep (`size`, in bytes, is all of it)."""

    way: Way
    envelope: Envelope
    data: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored and is to be handled."""

    id: InboundId
    public_id: PublicId
    way: Way
    received_at: datetime
    content: bytes


def read(stream: BinaryIO, envelope: Envelope, largest: int) -> Arrival:
    """A mail from a pipe: at most so many bytes are kept, the rest is read and thrown away."""
    data = stream.read(largest)
    size = len(data)
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
    return Arrival(Way.PIPE, envelope, data, size)


def store(session: Session, arrival: Arrival, at: datetime) -> InboundId | None:
    """Stores a mail, encrypted; None where we have it already. It may be acknowledged once this is committed."""
    public_id = new_public_id()
    columns = {
        "public_id": public_id,
        "digest": _digest(arrival),
        "way": arrival.way,
        "received_at": at,
        "size": arrival.size,
        "is_cut": arrival.size > len(arrival.data),
        "content": keyring().close_pieces((_packed(arrival.envelope), arrival.data), public_id),
        "state": InboundState.RECEIVED,
    }
    row = _STORE[session.get_bind().dialect.name].first(session, columns)
    return row[0] if row is not None else None


def _packed(envelope: Envelope) -> bytes:
    """The line in front of the mail."""
    return json.dumps({"sender": envelope.sender, "recipients": envelope.recipients}).encode() + b"\n"


def opened(content: bytes, public_id: PublicId) -> tuple[Envelope, memoryview]:
    """Envelope and bytes of a stored mail. Raises CannotDecrypt."""
    plain = keyring().open(content, public_id)
    end = plain.index(b"\n")
    envelope = json.loads(plain[:end])
    return Envelope(envelope["sender"], tuple(envelope["recipients"])), memoryview(plain)[end + 1 :]


def _digest(arrival: Arrival) -> Digest:
    """Of whom it reached and of its bytes, without what the way here added and however its lines end.

    A mail may be large: of its content no copy is made.
    """
    found = _HEAD_ENDS.search(arrival.data)
    start = found.end() if found else len(arrival.data)
    head = arrival.data[:start].replace(b"\r\n", b"\n")
    reached = {address.lower().encode("utf-8", "surrogateescape") for address in arrival.envelope.recipients}
    reached |= {address[1].lower() for address in islice(_REACHED.finditer(head), MOST_REACHED)}
    digest = hashlib.sha256()
    for address in sorted(reached):
        digest.update(address + b"\n")
    at = 0
    for trace in _TRACE.finditer(head):
        digest.update(memoryview(head)[at : trace.start()])
        at = trace.end()
    digest.update(memoryview(head)[at:])
    for chunk in _chunks(arrival.data, start):
        digest.update(chunk.replace(b"\r\n", b"\n"))
    return Digest(digest.digest())


def _chunks(data: bytes, start: int) -> Iterator[bytes]:
    """What follows, in pieces that end in no half of a line's end."""
    while start < len(data):
        stop = start + _CHUNK
        while data[stop - 1 : stop] == b"\r":
            stop += 1
        yield data[start:stop]
        start = stop


def take_again(session: Session, public_id: PublicId) -> bool:
    """Lets a mail whose handling failed be handled once more; whether there was such."""
    statement = (
        sa.update(InboundMessage)
        .where(
            InboundMessage.public_id == public_id,
            InboundMessage.state == InboundState.FAILED,
            InboundMessage.content.is_not(None),
        )
        .values(state=InboundState.RECEIVED, error=None)
        .returning(InboundMessage.id)
    )
    return session.execute(statement).scalar_one_or_none() is not None
