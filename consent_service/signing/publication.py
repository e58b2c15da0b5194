"""What the DNS says of a signing key."""

import dns.exception
import dns.resolver

from consent_service.domain.errors import Refused
from consent_service.signing import rules
from consent_service.signing.rules import Record

SECONDS = 10.0


def problem(record: Record) -> str | None:
    """What is wrong with a record as the DNS has it; None where it is published. Raises Refused without an answer."""
    return rules.problem(record, _texts(record.name))


def _texts(name: str) -> list[str]:
    """The TXT values under a name, each joined from its strings."""
    try:
        answer = dns.resolver.resolve(f"{name}.", "TXT", lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise Refused(
            f"the DNS does not answer for {name} ({type(error).__name__}); try again, or use --now"
        ) from error
    return [b"".join(value.strings).decode("utf-8", "replace") for value in answer]
