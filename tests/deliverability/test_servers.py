"""Keys of DKIM, MX, names of addresses, TLS and the website: what was seen, and what is said of it."""

import base64
from datetime import timedelta

import pytest

from consent_service import clock
from consent_service.deliverability.rules import dkim_keys, findings, servers
from consent_service.deliverability.rules.dkim_keys import SigningKey, named
from consent_service.deliverability.rules.findings import CampaignWarning, Check, Finding, Level, Verdict, finding
from consent_service.deliverability.rules.servers import Shaken, Visited
from consent_service.deliverability.rules.spf import Senders
from tests.deliverability.zones import KEY, key_record, rsa_key, zone

GOOD_KEY = key_record(KEY)
NAME = "s1._domainkey.example.org"
SHORT = key_record(rsa_key(1024))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([GOOD_KEY], Verdict.WELL),
        ([GOOD_KEY.removeprefix("v=DKIM1; k=rsa; ")], Verdict.WELL),
        ([f"v=DKIM1; k=ed25519; h=sha256; s=email; p={base64.b64encode(b'x' * 32).decode()}"], Verdict.WELL),
        ([GOOD_KEY.replace("p=", "t=s:y; p=")], Verdict.DKIM_TESTING),
        ([SHORT], Verdict.DKIM_SHORT),
        ([], Verdict.DKIM_MISSING),
        ([GOOD_KEY, GOOD_KEY], Verdict.DKIM_SEVERAL),
        (["v=DKIM1; p="], Verdict.DKIM_REVOKED),
        (["v=DKIM1; k=rsa"], Verdict.DKIM_BROKEN),
        (["v=DKIM1; k=rsa; p=nonsense!"], Verdict.DKIM_BROKEN),
        (["v=DKIM1; k=ed25519; p=AAAA"], Verdict.DKIM_BROKEN),
        ([GOOD_KEY.replace("k=rsa", "k=dsa")], Verdict.DKIM_BROKEN),
        ([GOOD_KEY.replace("k=rsa", "h=sha1")], Verdict.DKIM_BROKEN),
        ([GOOD_KEY.replace("DKIM1", "DKIM2")], Verdict.DKIM_BROKEN),
        (["v=spf1 -all"], Verdict.DKIM_BROKEN),
        ([""], Verdict.DKIM_BROKEN),
    ],
)
def test_keys_of_dkim(values: list[str], verdict: Verdict) -> None:
    assert dkim_keys.assess(named("s1", "example.org"), zone({(NAME, "TXT"): values})).verdict is verdict


def test_a_key_of_ours_must_be_the_published_one() -> None:
    key = SigningKey("s1", "example.org", SHORT)
    found = dkim_keys.assess(key, zone({(NAME, "TXT"): [GOOD_KEY]}))
    assert found.verdict is Verdict.DKIM_OTHER_KEY
    assert found.record is not None
    assert (found.record.name, found.record.value) == (NAME, SHORT)
    split = GOOD_KEY[:300] + " " + GOOD_KEY[300:]
    assert (
        dkim_keys.assess(SigningKey("s1", "example.org", GOOD_KEY), zone({(NAME, "TXT"): [split]})).verdict
        is Verdict.WELL
    )
    assert named(NAME, "elsewhere.example") == SigningKey("s1", "example.org")
    assert dkim_keys.assess(key, zone({}, (NAME,))).verdict is Verdict.NO_ANSWER


@pytest.mark.parametrize(
    ("table", "verdict"),
    [
        ({("d", "MX"): ["10 m"], ("m", "AAAA"): ["2001:db8::1"]}, Verdict.WELL),
        ({("d", "MX"): ["10 m"]}, Verdict.MX_NOWHERE),
        ({("d", "MX"): ["0 ."]}, Verdict.MX_REFUSES_MAIL),
        ({("d", "A"): ["192.0.2.1"]}, Verdict.MX_ADDRESS_ONLY),
        ({}, Verdict.MX_MISSING),
    ],
)
def test_mx(table: dict[tuple[str, str], list[str]], verdict: Verdict) -> None:
    assert servers.assess_mx("d", "mx.example.org", zone(table)).verdict is verdict


@pytest.mark.parametrize("host", ["127.0.0.1", "2001:db8::1", "localhost"])
def test_a_host_without_a_name_is_not_proposed(host: str) -> None:
    assert servers.assess_mx("d", host, zone({})).record is None
    unnamed = servers.assess_ptr(Senders(("192.0.2.1",)), host, zone({}))
    assert [(one.verdict, one.record) for one in unnamed] == [(Verdict.PTR_MISSING, None)]


def test_names_of_addresses() -> None:
    table = {
        ("1.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org"],
        ("2.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org"],
        ("mail.example.org", "A"): ["192.0.2.1"],
    }
    addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    found = servers.assess_ptr(Senders(addresses), "mail.example.org", zone(table))
    assert [one.verdict for one in found] == [Verdict.WELL, Verdict.PTR_UNCONFIRMED, Verdict.PTR_MISSING]
    records = [(one.record.name, one.record.type, one.record.value) for one in found if one.record]
    assert records == [
        ("mail.example.org", "A", "192.0.2.2"),
        ("3.2.0.192.in-addr.arpa", "PTR", "mail.example.org"),
    ]
    guessed = servers.assess_ptr(Senders(addresses, are_guessed=True), "mail.example.org", zone(table))
    assert {one.level for one in guessed} == {Level.GREEN, Level.AMBER}
    assert servers.assess_ptr(Senders(include="r"), "h", zone({}))[0].verdict is Verdict.PTR_OF_RELAY
    assert servers.assess_ptr(Senders(), "h", zone({}))[0].verdict is Verdict.PTR_UNKNOWN


NOW = clock.now()


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Shaken(expires_at=NOW + timedelta(days=60)), Verdict.WELL),
        (Shaken(expires_at=NOW + timedelta(days=3)), Verdict.TLS_EXPIRES),
        (Shaken(is_local=True), Verdict.TLS_LOCAL),
        (Shaken(is_off=True), Verdict.TLS_OFF),
        (Shaken(is_not_offered=True), Verdict.TLS_NOT_OFFERED),
        (Shaken(untrusted="self-signed"), Verdict.TLS_UNTRUSTED),
        (Shaken(is_local=True, unreachable="refused"), Verdict.RELAY_UNREACHABLE),
    ],
)
def test_the_relays_tls(seen: Shaken, verdict: Verdict) -> None:
    assert servers.assess_tls("relay", seen, NOW).verdict is verdict


@pytest.mark.parametrize(
    ("base", "seen", "verdict"),
    [
        ("http://h", Visited(), Verdict.HTTPS_MISSING),
        ("https://h", Visited(status=200), Verdict.WELL),
        ("https://h", Visited(status=200, expires_at=NOW), Verdict.TLS_EXPIRES),
        ("https://h", Visited(status=301, location="https://www.h"), Verdict.ONE_CLICK_REDIRECTS),
        ("https://h", Visited(status=404), Verdict.ONE_CLICK_REFUSES),
        ("https://h", Visited(untrusted="expired"), Verdict.HTTPS_UNTRUSTED),
        ("https://h", Visited(unreachable="refused"), Verdict.ONE_CLICK_UNREACHABLE),
    ],
)
def test_the_one_click_address(base: str, seen: Visited, verdict: Verdict) -> None:
    assert servers.assess_one_click(base, seen, NOW).verdict is verdict


RED = finding(Check.MX, "d", Verdict.MX_MISSING)
AMBER = finding(Check.DKIM, "d", Verdict.DKIM_UNKNOWN)


@pytest.mark.parametrize(
    ("last", "people", "warning"),
    [
        (None, 1_000, None),
        (None, 1_001, CampaignWarning.NEVER_CHECKED),
        ([AMBER], 1_001, None),
        ([AMBER, RED], 1_001, CampaignWarning.RED),
        ([RED], 1_000, None),
    ],
)
def test_when_a_campaign_is_warned_about(
    last: list[Finding] | None, people: int, warning: CampaignWarning | None
) -> None:
    assert findings.warning(last, people) is warning


def test_when_a_check_is_due() -> None:
    assert findings.is_due(None, NOW, is_public=True)
    assert not findings.is_due(None, NOW, is_public=False)
    assert not findings.is_due(NOW - timedelta(hours=23), NOW, is_public=True)
    assert findings.is_due(NOW - timedelta(hours=24), NOW, is_public=True)


def test_findings_survive_being_kept() -> None:
    found = servers.assess_mx("d", "mx.example.org", zone({}))
    assert Finding.read(found.plain()) == found
    assert Finding.read(AMBER.plain()) == AMBER
