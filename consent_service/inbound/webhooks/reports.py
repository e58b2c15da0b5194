"""What every provider's event amounts to, and reading JSON that others wrote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from consent_service.inbound.rules import ReturnedKind
from consent_service.mailing.diagnosis import status_in
from consent_service.mailing.rules import BounceKind

LONGEST_TEXT = 4000
BAD_ADDRESS = "5.1.3"
NO_SUCH_MAILBOX = "5.1.1"
MAILBOX_DISABLED = "5.2.1"
MAILBOX_FULL = "5.2.2"
NOT_NOW = "4.0.0"
"""Statuses of RFC 3463, for providers that say the same in words of their own."""

Json = dict[str, Any]


class Malformed(Exception):
    """An event lacks what events of its kind have; the text names the field."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a provider reports about one address, in our terms.

    ours: our id of the mail, as the provider gives it back (`mailing.provider_headers`); named: texts in which our
    Message-ID may stand; envelope_sender: what MAIL FROM was. The status is RFC 3463's;
    the classification is made from status and text where it is None.
    """

    kind: ReturnedKind
    address: str
    named: tuple[str, ...] = ()
    envelope_sender: str = ""
    classification: BounceKind | None = None
    status: str | None = None
    text: str = ""
    ours: str = ""


Read = Callable[[Json], Sequence[Reported]]
"""A provider's reading of one event; nothing for an event of no interest. Raises Malformed."""


def words(event: Json, name: str) -> str:
    """The text of a field; empty where it is missing or none."""
    value = event.get(name)
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def needed(event: Json, name: str) -> str:
    """The text of a field that must be there. Raises Malformed."""
    value = words(event, name)
    if not value:
        raise Malformed(name)
    return value


def part(event: Json, name: str) -> Json:
    """The object in a field; empty where it is missing or none."""
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def parts(event: Json, name: str) -> list[Json]:
    """The objects in a field."""
    value = event.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def status_or(default: str | None, text: str) -> str | None:
    """The enhanced status in a server's words, or else what the provider's own word stands for."""
    return status_in(text) or default
