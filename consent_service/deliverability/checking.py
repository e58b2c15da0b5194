"""Making a check: asks DNS and the servers that the settings name, while no transaction is open."""

from collections.abc import Callable
from email.utils import parseaddr
from ipaddress import ip_address

from consent_service import clock, links
from consent_service.database import reading
from consent_service.deliverability import probing
from consent_service.deliverability.rules import dkim_keys, dmarc, servers, spf
from consent_service.deliverability.rules.dkim_keys import SigningKey
from consent_service.deliverability.rules.findings import Check, Finding, Verdict, finding
from consent_service.deliverability.rules.spf import Senders
from consent_service.dns_lookup.resolver import Resolver
from consent_service.dns_lookup.zone import Kind, Zone
from consent_service.extensions import settings
from consent_service.signing import queries as signing
from consent_service.signing.rules import KeyState


def zone(is_stopped: Callable[[], bool] = lambda: False) -> Zone:
    """DNS, for one check."""
    return Resolver(settings().dns.servers, is_stopped)


def look(zone: Zone) -> list[Finding]:
    """Looks at everything, in the order in which it is shown."""
    senders, keys = _senders(zone), _signing_keys()
    return [
        *_spf(senders, zone),
        *_dkim(keys, zone),
        *dmarc.assess(settings().sending_domain, settings().bounce_domain, [key.domain for key in keys], zone),
        *_mx(zone),
        *servers.assess_ptr(senders, _our_host(), zone),
        _tls(),
        _one_click(),
    ]


def _domain(mailbox: str) -> str:
    return parseaddr(mailbox)[1].rpartition("@")[2].lower()


def _our_host() -> str:
    """What our sending host is called, where a record must name it."""
    relay = settings().smtp.host
    return relay if servers.is_public_name(relay) else settings().host


def _senders(zone: Zone) -> Senders:
    """Who the settings say sends for us; else, as a guess, the addresses of the relay's name."""
    dns = settings().dns
    if dns.sending_addresses or dns.spf_include:
        return Senders(dns.sending_addresses, dns.spf_include)
    relay = settings().smtp.host
    if not servers.is_public_name(relay):
        return Senders()
    found = zone(relay, Kind.A).values + zone(relay, Kind.AAAA).values
    return Senders(tuple(one for one in found if ip_address(one).is_global), are_guessed=True)


def _signing_keys() -> list[SigningKey]:
    """The service's own where it signs, and those that the relay is said to sign with."""
    domain = settings().sending_domain
    named = [dkim_keys.named(name, domain) for name in settings().dns.dkim_selectors]
    if not settings().signs_dkim:
        return named
    with reading() as session:
        own = signing.keys(session, domain, KeyState.SIGNING)
    return [SigningKey(key.selector, key.domain, key.record.value) for key in own] + named


def _spf(senders: Senders, zone: Zone) -> list[Finding]:
    bounces = settings().bounce_domain
    found = [spf.assess(bounces, senders, zone, carries_bounces=True)]
    if settings().sending_domain != bounces:
        found.append(spf.assess(settings().sending_domain, senders, zone, carries_bounces=False))
    return found


def _dkim(keys: list[SigningKey], zone: Zone) -> list[Finding]:
    if not keys:
        verdict = Verdict.DKIM_NO_KEY if settings().signs_dkim else Verdict.DKIM_UNKNOWN
        return [finding(Check.DKIM, settings().sending_domain, verdict)]
    return [dkim_keys.assess(key, zone) for key in keys]


def _mx(zone: Zone) -> list[Finding]:
    """Of where bounces and unsubscribing mails go; the servers of From's domain are the ones to propose."""
    own = zone(settings().sending_domain, Kind.MX).values
    fallback = min(own).split()[1] if own and not own[0].endswith(" .") else settings().host
    domains = dict.fromkeys((settings().bounce_domain, _domain(settings().unsubscribe_mailbox)))
    return [servers.assess_mx(domain, fallback, zone) for domain in domains]


def _tls() -> Finding:
    smtp = settings().smtp
    return servers.assess_tls(smtp.host, probing.shake(smtp, settings().host), clock.now())


def _one_click() -> Finding:
    """By the page of a test mail's link, which belongs to nobody."""
    base_url = settings().base_url
    seen = probing.visit(links.unsubscribe(links.TEST_MAIL)) if settings().secure else servers.Visited()
    return servers.assess_one_click(base_url, seen, clock.now())
