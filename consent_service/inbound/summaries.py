"""Who wrote and about what, for the list: small, and encrypted like the mail itself."""

import json
from dataclasses import dataclass

from consent_service.domain.identifiers import PublicId
from consent_service.evidence.service import keyring
from consent_service.inbound.parsing import Mail

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
    line = json.dumps([author[:LONGEST], mail.subject[:LONGEST]])
    return keyring().close(line.encode(), _bound_to(public_id))


def opened(box: bytes, public_id: PublicId) -> Summary:
    """What `closed` was given. Raises CannotDecrypt."""
    return Summary(*json.loads(keyring().open(box, _bound_to(public_id))))


def _bound_to(public_id: PublicId) -> str:
    return f"summary of {public_id}"
