"""Asking DNS: the system's servers or those of a setting, for one check, within a time."""

import time
from collections.abc import Callable, Sequence

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdata import Rdata
from dns.rdtypes.ANY.TXT import TXT

from consent_service.dns_lookup.zone import Answer, Kind

SECONDS_PER_QUESTION = 3.0
SECONDS_FOR_ALL = 30.0


class Resolver:
    """Answers rules' questions. What was answered is kept for this one check and never longer.

    Beyond `SECONDS_FOR_ALL`, or once `is_stopped` says so, every further answer is that nobody told.
    """

    def __init__(self, servers: Sequence[tuple[str, int]] = (), is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._servers = servers
        self._is_stopped = is_stopped
        self._deadline = time.monotonic() + SECONDS_FOR_ALL
        self._answers: dict[tuple[str, Kind], Answer] = {}
        self._resolver: dns.resolver.Resolver | None = None

    def __call__(self, name: str, kind: Kind) -> Answer:
        """The values of a name; never raises."""
        question = (name.lower().rstrip("."), kind)
        if question not in self._answers:
            self._answers[question] = self._ask(*question)
        return self._answers[question]

    def _ask(self, name: str, kind: Kind) -> Answer:
        if self._is_stopped() or time.monotonic() > self._deadline:
            return Answer(failed=True)
        try:
            found = self._ready().resolve(name, dns.rdatatype.from_text(kind.value), search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
            return Answer()
        except (dns.exception.Timeout, dns.resolver.NoNameservers, dns.resolver.NoResolverConfiguration, OSError):
            return Answer(failed=True)
        except (dns.exception.DNSException, ValueError):  # what is no name has no records
            return Answer()
        return Answer(tuple(sorted(_text(value) for value in found)))

    def _ready(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=not self._servers)
            if self._servers:
                resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in self._servers]
            resolver.lifetime, resolver.timeout = SECONDS_PER_QUESTION, SECONDS_PER_QUESTION / 2
            self._resolver = resolver
        return self._resolver


def _text(value: Rdata) -> str:
    if isinstance(value, TXT):
        return b"".join(value.strings).decode("utf-8", "replace")
    text: str = value.to_text()
    return text if text.endswith(" .") else text.rstrip(".")
