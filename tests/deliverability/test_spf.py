"""SPF: what counts, what is wrong, and that the record to publish mends it."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.deliverability.rules import spf
from consent_service.deliverability.rules.findings import Finding, Level, Verdict
from consent_service.deliverability.rules.spf import Senders, Term
from consent_service.deliverability.rules.tags import BrokenRecord
from tests.deliverability.zones import zone

DOMAIN = "bounces.example.org"
OURS = Senders(("192.0.2.1",))


def _judge(*records: str, senders: Senders = OURS, carries_bounces: bool = True, **others: list[str]) -> Finding:
    table = {(DOMAIN, "TXT"): list(records)}
    for name, values in others.items():
        host, _, kind = name.rpartition("_")
        table[host.replace("_", "."), kind] = values
    return spf.assess(DOMAIN, senders, zone(table), carries_bounces)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=spf1 ip4:192.0.2.1 -all", Verdict.WELL),
        ("V=SPF1 IP4:192.0.2.0/24 ~ALL", Verdict.WELL),
        ("v=spf1 include:relay.example -all", Verdict.WELL),
        ("v=spf1 redirect=relay.example", Verdict.WELL),
        ("v=spf1 a:mail.relay.example -all", Verdict.WELL),
        ("v=spf1 a:near.relay.example/24//64 -all", Verdict.WELL),
        ("v=spf1 mx:relay.example -all", Verdict.WELL),
        ("v=spf1 exists:mail.relay.example -all", Verdict.WELL),
        ("v=spf1 -ip4:192.0.2.1 ip4:192.0.2.0/24 -all", Verdict.SPF_LEAVES_US_OUT),
        ("v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all", Verdict.SPF_LEAVES_US_OUT),
        ("v=spf1 ip4:192.0.2.1", Verdict.SPF_OPEN_END),
        ("v=spf1 ip4:192.0.2.1 ?all", Verdict.SPF_OPEN_END),
        ("v=spf1 +all", Verdict.SPF_ALLOWS_ALL),
        ("v=spf1 all", Verdict.SPF_ALLOWS_ALL),
        ("v=spf1 ip4:192.0.2 -all", Verdict.SPF_BROKEN),
        ("v=spf1 ip4:2001:db8::1 -all", Verdict.SPF_BROKEN),
        ("v=spf1 ipv4:192.0.2.1 -all", Verdict.SPF_BROKEN),
        ("v=spf1 include: -all", Verdict.SPF_BROKEN),
        ("v=spf1 include:nothing.example -all", Verdict.SPF_BROKEN),
        ("v=spf1 a/33 -all", Verdict.SPF_BROKEN),
        ("v=spf1 -all:x", Verdict.SPF_BROKEN),
        ("v=spf1 redirect=relay.example redirect=relay.example", Verdict.SPF_BROKEN),
        ("v=spf1 include:loop.example -all", Verdict.SPF_TOO_MANY_LOOKUPS),
        ("v=spf1 " + "a:mail.relay.example " * 11 + "-all", Verdict.SPF_TOO_MANY_LOOKUPS),
    ],
)
def test_each_kind_of_record(record: str, verdict: Verdict) -> None:
    found = _judge(
        record,
        relay_example_TXT=["v=spf1 ip4:192.0.2.0/28 -all"],
        relay_example_MX=["20 nobody.relay.example", "10 mail.relay.example"],
        mail_relay_example_A=["192.0.2.1"],
        near_relay_example_A=["192.0.2.99"],
        loop_example_TXT=["v=spf1 include:loop.example -all"],
    )
    assert found.verdict is verdict, found


def test_macros_are_counted_and_match_nobody() -> None:
    found = _judge("v=spf1 exists:%{i}._spf.%{d2} ip4:192.0.2.1 -all")
    assert found.verdict is Verdict.WELL


def test_a_relay_by_its_spf_name_must_be_included() -> None:
    relay = Senders(include="spf.relay.example")
    outer = "v=spf1 include:outer.example -all"
    nested = {
        "outer_example_TXT": ["v=spf1 include:SPF.relay.example -all"],
        "spf_relay_example_TXT": ["v=spf1 a -all"],
    }
    assert _judge(outer, senders=relay, **nested).verdict is Verdict.WELL
    left_out = _judge("v=spf1 mx -all", senders=relay)
    assert left_out.verdict is Verdict.SPF_LEAVES_US_OUT
    assert left_out.record is not None
    assert left_out.record.value == "v=spf1 include:spf.relay.example mx -all"


def test_what_is_missing_or_doubled_comes_with_the_record_to_publish() -> None:
    missing = _judge("unrelated")
    assert (missing.verdict, missing.level) == (Verdict.SPF_MISSING, Level.RED)
    assert missing.record is not None
    assert (missing.record.name, missing.record.type, missing.record.value) == (
        DOMAIN,
        "TXT",
        "v=spf1 ip4:192.0.2.1 ~all",
    )
    several = _judge("v=spf1 a ?all", "v=spf1 a mx -all")
    assert several.record is not None
    assert several.record.value == "v=spf1 a mx -all"
    for_people = _judge(carries_bounces=False)
    assert for_people.record is not None
    assert for_people.record.value == "v=spf1 mx ip4:192.0.2.1 ~all"


def test_what_is_only_guessed_is_never_red() -> None:
    guess = Senders(("192.0.2.1",), are_guessed=True)
    found = _judge("v=spf1 -all", senders=guess)
    assert (found.verdict, found.level) == (Verdict.SPF_LEAVES_US_OUT, Level.AMBER)
    assert _judge("v=spf1 -all", senders=Senders()).verdict is Verdict.SPF_SENDERS_UNKNOWN
    assert _judge("v=spf1 -all", carries_bounces=False).verdict is Verdict.WELL


def test_a_name_server_that_does_not_answer_is_said() -> None:
    table = {(DOMAIN, "TXT"): ["v=spf1 include:relay.example -all"]}
    for failing in (DOMAIN, "relay.example"):
        found = spf.assess(DOMAIN, OURS, zone(table, (failing,)), carries_bounces=True)
        assert (found.verdict, found.level, found.values["name"]) == (Verdict.NO_ANSWER, Level.AMBER, failing)


_NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,8}[a-z0-9])?){1,3}", fullmatch=True)
_QUALIFIERS = st.sampled_from("+-~?")
_TERMS = st.one_of(
    st.builds(Term, _QUALIFIERS, st.sampled_from(["include", "exists"]), _NAMES),
    st.builds(
        Term, _QUALIFIERS, st.sampled_from(["a", "mx"]), st.one_of(st.just(""), _NAMES), st.sampled_from(["", "/24"])
    ),
    st.builds(Term, _QUALIFIERS, st.just("ip4"), st.ip_addresses(v=4).map(str), st.sampled_from(["", "/8", "/32"])),
    st.builds(Term, _QUALIFIERS, st.just("ip6"), st.ip_addresses(v=6).map(str), st.sampled_from(["", "/48"])),
    st.builds(Term, st.just("+"), st.just("redirect"), _NAMES, is_modifier=st.just(True)),
    st.builds(Term, _QUALIFIERS, st.just("all"), st.just("")),
)


@given(st.lists(_TERMS, max_size=8, unique_by=lambda term: term.name))
def test_what_is_written_is_read_again(terms: list[Term]) -> None:
    assert list(spf.parse(spf.write(terms))) == terms


@given(st.text(max_size=120))
def test_whatever_is_published_is_judged(text: str) -> None:
    found = _judge(f"v=spf1 {text}")
    assert found.verdict in Verdict
    try:
        spf.parse(f"v=spf1 {text}")
    except BrokenRecord:
        assert found.verdict is Verdict.SPF_BROKEN


@given(
    st.lists(
        st.builds(Term, _QUALIFIERS, st.just("ip4"), st.ip_addresses(v=4).map(str), st.sampled_from(["", "/8"])),
        max_size=6,
    ),
    st.sampled_from(["", " ?all", " +all", " ~all", " -all"]),
    st.ip_addresses(v=4),
)
def test_the_record_to_publish_mends_what_is_wrong(terms: list[Term], end: str, address: IPv4Address) -> None:
    senders = Senders((str(address),))
    found = _judge(spf.write(terms) + end, senders=senders)
    if found.verdict is not Verdict.WELL:
        assert found.record is not None
        again = _judge(found.record.value, senders=senders)
        assert again.verdict is Verdict.WELL, (found, again)


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_networks_match_as_the_standard_library_says(network: IPv4Address, prefix: int, address: IPv4Address) -> None:
    mask = (2**32 - 1) << (32 - prefix) & (2**32 - 1)
    expected = int(network) & mask == int(address) & mask
    terms = spf.parse(f"v=spf1 ip4:{network}/{prefix} -all")
    assert spf.permits(terms, DOMAIN, str(address), zone({})) is expected
