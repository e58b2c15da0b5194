"""How rules ask DNS: by a function that they are given, so that a dictionary can answer in its place."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The types of records that we ask for."""

    TXT = "TXT"
    MX = "MX"
    A = "A"
    AAAA = "AAAA"
    PTR = "PTR"


@dataclass(frozen=True, slots=True)
class Answer:
    """The values that a name has, none where there are none; `failed` where no name server told.

    TXT is joined to one string each, MX is "10 mail.example.org", and names end without a dot.
    """

    values: tuple[str, ...] = ()
    failed: bool = False


Zone = Callable[[str, Kind], Answer]
"""Takes a name and a type, and never raises."""


class NoAnswer(Exception):
    """No name server told; the text is the name that was asked for."""


def told(zone: Zone, name: str, kind: Kind) -> tuple[str, ...]:
    """The values. Raises NoAnswer."""
    answer = zone(name, kind)
    if answer.failed:
        raise NoAnswer(name)
    return answer.values


def addresses(zone: Zone, host: str) -> tuple[str, ...]:
    """The IP addresses of a host. Raises NoAnswer."""
    return told(zone, host, Kind.A) + told(zone, host, Kind.AAAA)


def mail_hosts(zone: Zone, domain: str) -> tuple[str, ...]:
    """The hosts of a domain's MX records, the preferred ones first; a null MX (RFC 7505) is "". Raises NoAnswer."""
    preferences = sorted((int(value.split()[0]), value.split()[1]) for value in told(zone, domain, Kind.MX))
    return tuple(host.rstrip(".") for _, host in preferences)
