"""SPF (RFC 7208): one record, of at most ten lookups, which ends closed and permits those who send for us.

Macros other than plain names are counted, and match nobody: they depend on a single mail.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from consent_service.deliverability.rules.findings import Check, Finding, Record, Verdict, finding, guessed
from consent_service.deliverability.rules.tags import BrokenRecord
from consent_service.dns_lookup.zone import Kind, NoAnswer, Zone, addresses, mail_hosts, told

MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4
MOST_MAIL_HOSTS = 10
PASS = "+"  # noqa: S105 (a qualifier)
CLOSED = ("-", "~")

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(\S*)")
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(?::((?:%\{[^}\s]*\}|[^/\s])*))?((?:/\d{1,3})?(?://\d{1,3})?)")
_LOOKS_UP = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_NEEDS_NAME = frozenset({"include", "exists", "redirect"})
_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism or modifier; `name` is in lower case, `prefix` is such as /24//64."""

    qualifier: str
    name: str
    value: str
    prefix: str = ""
    is_modifier: bool = False

    def __str__(self) -> str:
        if self.is_modifier:
            return f"{self.name}={self.value}"
        qualifier = "" if self.qualifier == PASS else self.qualifier
        return f"{qualifier}{self.name}{':' if self.value else ''}{self.value}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Senders:
    """Who hands our mail to the world: addresses, or the SPF name of a relay that knows its own."""

    addresses: tuple[str, ...] = ()
    include: str | None = None
    are_guessed: bool = False

    def terms(self) -> tuple[Term, ...]:
        """What a record must hold for them."""
        if self.include:
            return (Term(PASS, "include", self.include),)
        return tuple(Term(PASS, f"ip{ip_address(address).version}", address) for address in self.addresses)


def is_record(text: str) -> bool:
    """Whether a TXT record is one of SPF (RFC 7208 section 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a record. Raises BrokenRecord that names the term which is none."""
    terms = tuple(_term(word) for word in text.split()[1:])
    modifiers = [term.name for term in terms if term.is_modifier and term.name in ("redirect", "exp")]
    if len(modifiers) != len(set(modifiers)):
        raise BrokenRecord(modifiers[0])
    return terms


def write(terms: Sequence[Term]) -> str:
    """The record of these terms."""
    return " ".join(["v=spf1", *map(str, terms)])


def _term(word: str) -> Term:
    modifier = _MODIFIER.fullmatch(word)
    if modifier:
        term = Term(PASS, modifier[1].lower(), modifier[2], is_modifier=True)
    else:
        found = _MECHANISM.fullmatch(word)
        if found is None or found[2].lower() not in _MECHANISMS:
            raise BrokenRecord(word)
        term = Term(found[1] or PASS, found[2].lower(), found[3] or "", found[4])
    if not _is_valid(term):
        raise BrokenRecord(word)
    return term


def _is_valid(term: Term) -> bool:
    if term.name in _NEEDS_NAME:
        return bool(term.value) and not term.prefix
    if term.is_modifier:
        return True
    if term.name in ("ip4", "ip6"):
        return _network(term) is not None
    if term.name == "all":
        return not term.value and not term.prefix
    four, six = _prefixes(term)
    return four <= 32 and six <= 128


def _network(term: Term) -> tuple[int, int, int] | None:
    """Version, network and mask of an ip4 or ip6; None where it is no network."""
    try:
        network = ip_network(term.value + term.prefix, strict=False)
    except ValueError:
        return None
    if network.version != int(term.name[2:]):
        return None
    return network.version, int(network.network_address), int(network.netmask)


def _prefixes(term: Term) -> tuple[int, int]:
    four, _, six = term.prefix.partition("//")
    return int(four.strip("/") or 32), int(six or 128)


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a record refers to: how many lookups it needs, what it includes, and how it ends."""

    lookups: int
    includes: frozenset[str]
    end: str | None


def survey(terms: Sequence[Term], zone: Zone, most: int = MOST_LOOKUPS) -> Survey:
    """Follows includes and redirects; stops counting beyond `most`.

    Raises NoAnswer, and BrokenRecord for an include of a domain without a record of its own.
    """
    lookups, includes = 0, set()
    end = next((term.qualifier for term in terms if term.name == "all"), None)
    for term in terms:
        lookups += term.name in _LOOKS_UP
        is_followed = term.name == "include" or (term.name == "redirect" and end is None)
        if not is_followed or "%" in term.value or lookups > most:
            continue
        inner = survey(_terms_of(term, zone), zone, most - lookups)
        lookups += inner.lookups
        if term.name == "redirect":
            end = inner.end
        if term.qualifier == PASS:
            includes |= {term.value.lower().rstrip("."), *inner.includes}
    return Survey(lookups, frozenset(includes), end)


def _terms_of(term: Term, zone: Zone) -> tuple[Term, ...]:
    records = [text for text in told(zone, term.value, Kind.TXT) if is_record(text)]
    if len(records) != 1:
        raise BrokenRecord(str(term))
    return parse(records[0])


def permits(terms: Sequence[Term], domain: str, address: str, zone: Zone) -> bool:
    """Whether a record of few enough lookups lets this IP address send for the domain. Raises as `survey`."""
    return _result(terms, domain, ip_address(address), zone) == PASS


def _result(terms: Sequence[Term], domain: str, address: IPv4Address | IPv6Address, zone: Zone) -> str | None:
    """The qualifier of the first mechanism that matches (RFC 7208 section 4.6.2)."""
    for term in terms:
        if not term.is_modifier and _matches(term, domain, address, zone):
            return term.qualifier
    for term in terms:
        if term.name == "redirect" and "%" not in term.value:
            return _result(_terms_of(term, zone), term.value, address, zone)
    return None


def _matches(term: Term, domain: str, address: IPv4Address | IPv6Address, zone: Zone) -> bool:
    if term.name == "all":
        return True
    if "%" in term.value:
        return False
    match term.name:
        case "ip4" | "ip6":
            found = _network(term)
            return found is not None and found[0] == address.version and int(address) & found[2] == found[1]
        case "include":
            return _result(_terms_of(term, zone), term.value, address, zone) == PASS
        case "exists":
            return bool(told(zone, term.value, Kind.A))
        case "a" | "mx":
            return any(_is_near(host, term, address) for host in _hosts(term, domain, zone))
    return False


def _hosts(term: Term, domain: str, zone: Zone) -> Iterator[str]:
    """The addresses behind an `a` or `mx`."""
    name = term.value or domain
    names = (name,) if term.name == "a" else mail_hosts(zone, name)[:MOST_MAIL_HOSTS]
    for one in names:
        yield from addresses(zone, one) if one else ()


def _is_near(host: str, term: Term, address: IPv4Address | IPv6Address) -> bool:
    prefix = _prefixes(term)[address.version == 6]
    network = ip_network(f"{host}/{prefix}", strict=False) if ip_address(host).version == address.version else None
    return network is not None and address in network


def assess(domain: str, senders: Senders, zone: Zone, carries_bounces: bool) -> Finding:
    """The SPF of a domain. Only the one that bounces go to must permit our senders: SPF looks at that one."""
    try:
        records = [text for text in told(zone, domain, Kind.TXT) if is_record(text)]
        if not records:
            return _missing(domain, senders, carries_bounces)
        if len(records) > 1:
            return finding(Check.SPF, domain, Verdict.SPF_SEVERAL, _merged(domain, records))
        return _judge(domain, parse(records[0]), senders, zone, carries_bounces)
    except NoAnswer as error:
        return finding(Check.SPF, domain, Verdict.NO_ANSWER, name=str(error))
    except BrokenRecord as error:
        return finding(Check.SPF, domain, Verdict.SPF_BROKEN, term=str(error))


def _judge(domain: str, terms: tuple[Term, ...], senders: Senders, zone: Zone, carries_bounces: bool) -> Finding:
    seen = survey(terms, zone)
    if seen.lookups > MOST_LOOKUPS:
        return finding(Check.SPF, domain, Verdict.SPF_TOO_MANY_LOOKUPS, most=str(MOST_LOOKUPS))
    ours, closed = senders.terms() if carries_bounces else (), _closed(terms, seen.end)
    is_left_out = bool(ours) and not _are_permitted(domain, closed, seen, senders, zone)
    better = Record(domain, "TXT", write([*ours, *closed] if is_left_out else closed))
    if seen.end == PASS:
        return finding(Check.SPF, domain, Verdict.SPF_ALLOWS_ALL, better)
    if is_left_out:
        names = senders.include or ", ".join(senders.addresses)
        left_out = finding(Check.SPF, domain, Verdict.SPF_LEAVES_US_OUT, better, senders=names)
        return guessed(left_out) if senders.are_guessed else left_out
    if seen.end not in CLOSED:
        return finding(Check.SPF, domain, Verdict.SPF_OPEN_END, better)
    if carries_bounces and not ours:
        return finding(Check.SPF, domain, Verdict.SPF_SENDERS_UNKNOWN)
    return finding(Check.SPF, domain, Verdict.WELL)


def _are_permitted(domain: str, terms: Sequence[Term], seen: Survey, senders: Senders, zone: Zone) -> bool:
    if senders.include:
        return senders.include.lower() in seen.includes
    return all(permits(terms, domain, address, zone) for address in senders.addresses)


def _closed(terms: Sequence[Term], end: str | None) -> list[Term]:
    """The same terms, closed at their end."""
    kept = [replace(term, qualifier="~") if term.name == "all" and end not in CLOSED else term for term in terms]
    is_open = not any(term.name in ("all", "redirect") for term in kept)
    return [*kept, *([Term("~", "all", "")] if is_open else [])]


def _missing(domain: str, senders: Senders, carries_bounces: bool) -> Finding:
    """For a domain that people write from, too, its own mail servers are proposed besides ours."""
    ours = [*([] if carries_bounces else [Term(PASS, "mx", "")]), *senders.terms()]
    record = Record(domain, "TXT", write([*ours, Term("~", "all", "")])) if senders.terms() else None
    return finding(Check.SPF, domain, Verdict.SPF_MISSING, record)


def _merged(domain: str, records: Sequence[str]) -> Record:
    """One record of all that several say, each once; it ends as the first that ends closed."""
    terms = [term for text in records for term in parse(text)]
    ends = [term for term in terms if term.name == "all" and term.qualifier in CLOSED]
    kept = [term for term in dict.fromkeys(terms) if term.name != "all"]
    return Record(domain, "TXT", write([*kept, ends[0] if ends else Term("~", "all", "")]))
