"""Who wrote and about what, for the list: small, and encrypted like the mail itself."""

import json
from dataclasses import dataclass

from consent_service.domain.identifiers import PublicId
from consent_service.evidence.service import keyring
from consent_service.inbound.parsing import Mail
from consent_service.inbound.recognising import wishes

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A line of the list."""

    author: str
    subject: str


def closed(mail: Mail, public_id: PublicId) -> bytes:
    """A mail's line as it is stored."""
    name, address = mail.author
    author = f"{name} <{address}>" if name else address
    line = json.dumps([author[:LONGEST], _subject(mail)[:LONGEST]])
    return keyring().close(line.encode(), _bound_to(public_id))


def _subject(mail: Mail) -> str:
    """The subject, without the token of our own mailto: it says nothing to a reader, and is as long as a line."""
    token = wishes.mailto_token(mail.subject)
    return mail.subject.replace(token, "…") if token else mail.subject


def opened(box: bytes, public_id: PublicId) -> Summary:
    """What `closed` was given. Raises CannotDecrypt."""
    return Summary(*json.loads(keyring().open(box, _bound_to(public_id))))


def _bound_to(public_id: PublicId) -> str:
    return f"summary of {public_id}"
