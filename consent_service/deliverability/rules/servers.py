"""Servers: who takes the mail that comes back, what the sending addresses are called, TLS, and the website."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from consent_service.deliverability.rules.findings import Check, Finding, Record, Verdict, finding, guessed
from consent_service.deliverability.rules.spf import Senders
from consent_service.dns_lookup.zone import Kind, NoAnswer, Zone, addresses, mail_hosts, told

EXPIRES_SOON = timedelta(days=14)


def is_public_name(host: str) -> bool:
    """Whether a host is called by a name that DNS can lead to, and not by an address or as this machine alone."""
    return "." in host and not host.replace(".", "").isdecimal()


def assess_mx(domain: str, fallback: str, zone: Zone) -> Finding:
    """Whether mail to a domain reaches a server (RFC 5321 section 5.1); `fallback` is the host to propose.

    MX and PTR lead to names, not to addresses (RFC 1035 section 3.3): a host without one is not proposed.
    """
    record = Record(domain, "MX", f"10 {fallback}") if is_public_name(fallback) else None
    try:
        hosts = mail_hosts(zone, domain)
        if not hosts:
            verdict = Verdict.MX_ADDRESS_ONLY if addresses(zone, domain) else Verdict.MX_MISSING
            return finding(Check.MX, domain, verdict, record)
        if hosts == ("",):
            return finding(Check.MX, domain, Verdict.MX_REFUSES_MAIL, record)
        nowhere = [host for host in hosts if not addresses(zone, host)]
    except NoAnswer as error:
        return finding(Check.MX, domain, Verdict.NO_ANSWER, name=str(error))
    if nowhere:
        return finding(Check.MX, domain, Verdict.MX_NOWHERE, host=", ".join(nowhere))
    return finding(Check.MX, domain, Verdict.WELL)


def assess_ptr(senders: Senders, host: str, zone: Zone) -> list[Finding]:
    """The names of the addresses that our mail leaves from (RFC 1912 section 2.1); `host` is the name to propose.

    Addresses that are only guessed from the relay's name need not be those: what is wrong with them is amber.
    """
    if not senders.addresses:
        verdict = Verdict.PTR_OF_RELAY if senders.include else Verdict.PTR_UNKNOWN
        return [finding(Check.PTR, senders.include or host, verdict)]
    found = [_ptr(address, host, zone) for address in senders.addresses]
    return [guessed(one) for one in found] if senders.are_guessed else found


def _ptr(address: str, host: str, zone: Zone) -> Finding:
    reverse = ip_address(address).reverse_pointer
    try:
        names = told(zone, reverse, Kind.PTR)
        is_confirmed = any(address in addresses(zone, name) for name in names)
    except NoAnswer as error:
        return finding(Check.PTR, address, Verdict.NO_ANSWER, name=str(error))
    if not names:
        record = Record(reverse, "PTR", host) if is_public_name(host) else None
        return finding(Check.PTR, address, Verdict.PTR_MISSING, record)
    if not is_confirmed:
        kind = Kind.A if ip_address(address).version == 4 else Kind.AAAA
        record = Record(names[0], kind.value, address)
        return finding(Check.PTR, address, Verdict.PTR_UNCONFIRMED, record, host=names[0])
    return finding(Check.PTR, address, Verdict.WELL)


@dataclass(frozen=True, slots=True)
class Shaken:
    """How the relay met us: `reason` says why not; the certificate's end is aware."""

    is_local: bool = False
    is_off: bool = False
    is_not_offered: bool = False
    untrusted: str | None = None
    unreachable: str | None = None
    expires_at: datetime | None = None


def assess_tls(host: str, seen: Shaken, now: datetime) -> Finding:
    """Whether mail goes to the relay under TLS, with a certificate for that very host; `now` is aware."""
    if seen.unreachable:
        return finding(Check.TLS, host, Verdict.RELAY_UNREACHABLE, reason=seen.unreachable)
    if seen.untrusted:
        return finding(Check.TLS, host, Verdict.TLS_UNTRUSTED, reason=seen.untrusted)
    if seen.is_local:
        return finding(Check.TLS, host, Verdict.TLS_LOCAL)
    if seen.is_off or seen.is_not_offered:
        return finding(Check.TLS, host, Verdict.TLS_OFF if seen.is_off else Verdict.TLS_NOT_OFFERED)
    return _lasting(Check.TLS, host, seen.expires_at, now)


@dataclass(frozen=True, slots=True)
class Visited:
    """How the page of a one-click link answered a plain GET."""

    status: int | None = None
    location: str | None = None
    untrusted: str | None = None
    unreachable: str | None = None
    expires_at: datetime | None = None


def assess_one_click(base_url: str, seen: Visited, now: datetime) -> Finding:
    """Whether providers can unsubscribe people: https, a trusted certificate, no redirect (RFC 8058 section 3.1)."""
    if not base_url.startswith("https://"):
        return finding(Check.ONE_CLICK, base_url, Verdict.HTTPS_MISSING)
    if seen.untrusted:
        return finding(Check.ONE_CLICK, base_url, Verdict.HTTPS_UNTRUSTED, reason=seen.untrusted)
    if seen.unreachable or seen.status is None:
        return finding(Check.ONE_CLICK, base_url, Verdict.ONE_CLICK_UNREACHABLE, reason=seen.unreachable or "")
    if 300 <= seen.status < 400:
        return finding(Check.ONE_CLICK, base_url, Verdict.ONE_CLICK_REDIRECTS, to=seen.location or "?")
    if seen.status != 200:
        return finding(Check.ONE_CLICK, base_url, Verdict.ONE_CLICK_REFUSES, status=str(seen.status))
    return _lasting(Check.ONE_CLICK, base_url, seen.expires_at, now)


def _lasting(check: Check, about: str, expires_at: datetime | None, now: datetime) -> Finding:
    if expires_at is not None and expires_at - now < EXPIRES_SOON:
        return finding(check, about, Verdict.TLS_EXPIRES, days=str(max((expires_at - now).days, 0)))
    return finding(check, about, Verdict.WELL)
