"""DMARC: the policy that holds, the tree walk, alignment; and that the record to publish mends it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.deliverability.rules import dmarc, tags
from consent_service.deliverability.rules.findings import Finding, Level, Verdict
from consent_service.dns_lookup.zone import Zone
from tests.deliverability.zones import zone

AUTHOR = "news.example.org"
FULL = "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"


def _published(**records: list[str]) -> Zone:
    return zone({(f"_dmarc.{name.replace('_', '.')}", "TXT"): values for name, values in records.items()})


def _judge(record: str, bounces: str = AUTHOR, signers: tuple[str, ...] = (AUTHOR,)) -> list[Finding]:
    return dmarc.assess(AUTHOR, bounces, signers, _published(example_org=[record]))


def _verdicts(found: list[Finding]) -> set[Verdict]:
    return {one.verdict for one in found}


@pytest.mark.parametrize(
    ("record", "verdicts"),
    [
        (FULL, {Verdict.WELL}),
        ("v=DMARC1;p=quarantine;rua=mailto:a@example.org!10m , mailto:b@news.example.org;pct=50;x=1;", {Verdict.WELL}),
        ("v=DMARC1; p=none; rua=mailto:dmarc@example.org", {Verdict.DMARC_WATCHES_ONLY}),
        ("v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@example.org", {Verdict.DMARC_WATCHES_ONLY}),
        ("v=DMARC1; rua=mailto:dmarc@example.org", {Verdict.DMARC_WATCHES_ONLY}),
        ("v=DMARC1; p=reject", {Verdict.DMARC_NO_REPORTS}),
        ("v=DMARC1; p=reject; t=y; rua=mailto:dmarc@example.org", {Verdict.DMARC_TESTING}),
        ("v=DMARC1; p=reject; rua=mailto:dmarc@elsewhere.example", {Verdict.DMARC_REPORTS_REFUSED}),
        ("v=DMARC1; p=maybe; rua=mailto:dmarc@example.org", {Verdict.DMARC_BROKEN}),
        ("v=DMARC1; p=reject; aspf=x", {Verdict.DMARC_BROKEN}),
        ("v=DMARC1; p=reject; rua=dmarc@example.org", {Verdict.DMARC_BROKEN}),
        ("v=DMARC1; p=reject; p=none", {Verdict.DMARC_BROKEN}),
        ("v=DMARC1; none", {Verdict.DMARC_BROKEN}),
        ("v=DMARC1", {Verdict.DMARC_BROKEN}),
        ("v=DMARC2; p=reject", {Verdict.DMARC_MISSING}),
        ("p=reject; v=DMARC1", {Verdict.DMARC_MISSING}),
    ],
)
def test_each_kind_of_record(record: str, verdicts: set[Verdict]) -> None:
    assert _verdicts(_judge(record)) == verdicts


def test_reports_to_others_need_their_word() -> None:
    foreign = "v=DMARC1; p=reject; rua=mailto:x@reports.example"
    table = {("_dmarc.example.org", "TXT"): [foreign]}
    (found,) = dmarc.assess("example.org", "example.org", [], zone(table))
    assert found.record is not None
    assert (found.record.name, found.record.value) == ("example.org._report._dmarc.reports.example", "v=DMARC1")
    table[found.record.name, "TXT"] = [found.record.value]
    assert _verdicts(dmarc.assess("example.org", "example.org", [], zone(table))) == {Verdict.WELL}


def test_none_and_several() -> None:
    (missing,) = dmarc.assess(AUTHOR, AUTHOR, [], zone({}))
    assert (missing.verdict, missing.level) == (Verdict.DMARC_MISSING, Level.RED)
    assert missing.record is not None
    assert missing.record.name == f"_dmarc.{AUTHOR}"
    several = _published(news_example_org=[FULL, FULL], example_org=[FULL])
    assert _verdicts(dmarc.assess(AUTHOR, AUTHOR, [], several)) == {Verdict.DMARC_SEVERAL}
    above = _published(example_org=[FULL, FULL])
    assert _verdicts(dmarc.assess(AUTHOR, AUTHOR, [], above)) == {Verdict.DMARC_MISSING}
    unknown = zone({}, ("_dmarc.example.org",))
    (silent,) = dmarc.assess(AUTHOR, AUTHOR, [], unknown)
    assert (silent.verdict, silent.values["name"]) == (Verdict.NO_ANSWER, "_dmarc.example.org")


@pytest.mark.parametrize(
    ("record", "bounces", "signers", "verdict"),
    [
        (FULL, "bounces.example.org", ("example.org",), Verdict.WELL),
        (FULL, "bounces.example.org", (), Verdict.WELL),
        (FULL, "relay.example", ("example.org",), Verdict.DMARC_SPF_UNALIGNED),
        (FULL, "bounces.example.org", ("relay.example",), Verdict.DMARC_DKIM_UNALIGNED),
        (FULL, "relay.example", ("relay.example",), Verdict.DMARC_UNALIGNED),
        (FULL, "relay.example", (), Verdict.DMARC_UNVOUCHED),
        (FULL + "; aspf=s", "example.org", (AUTHOR,), Verdict.DMARC_SPF_UNALIGNED),
        (FULL + "; aspf=s; adkim=s", AUTHOR, (AUTHOR,), Verdict.WELL),
        (FULL + "; adkim=s", AUTHOR, ("example.org",), Verdict.DMARC_DKIM_UNALIGNED),
    ],
)
def test_alignment(record: str, bounces: str, signers: tuple[str, ...], verdict: Verdict) -> None:
    assert _verdicts(_judge(record, bounces, signers)) == {verdict}


def test_organisational_domains_as_in_rfc_9989() -> None:
    suffix = _published(
        example=["v=DMARC1; p=reject; psd=y"],
        giant_bank_example=["v=DMARC1; p=reject; psd=n"],
        mail_giant_bank_example=["v=DMARC1; p=reject"],
        bank_example=["v=DMARC1; p=reject"],
    )
    expected = {
        "mail.giant.bank.example": "giant.bank.example",
        "mega.bank.example": "bank.example",
        "a.b.other.example": "other.example",
        "example": "example",
        "nobody.elsewhere": "nobody.elsewhere",
    }
    for domain, organisation in expected.items():
        assert dmarc.organisational_domain(domain, dmarc.walk(domain, suffix)) == organisation


def test_a_long_name_is_asked_for_at_most_eight_times() -> None:
    assert dmarc.path("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]


_LABELS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=14)


@given(_LABELS)
def test_a_walk_goes_up_and_ends_at_the_top(labels: list[str]) -> None:
    names = dmarc.path(".".join(labels))
    assert len(names) <= dmarc.MOST_LABELS
    assert names[0] == ".".join(labels)
    assert names[-1] == labels[-1]
    assert all(above.endswith(f".{name}") for above, name in itertools.pairwise(names))


_TAGS = st.dictionaries(
    st.sampled_from(["p", "sp", "adkim", "aspf", "t", "rua", "pct", "fo"]),
    st.sampled_from(["none", "quarantine", "reject", "r", "s", "y", "n", "mailto:a@example.org", "0"]),
)


@given(_TAGS)
def test_the_record_to_publish_mends_what_is_wrong(found: dict[str, str]) -> None:
    for one in _judge(tags.write({"v": "DMARC1", **found})):
        if one.record is not None:
            again = _judge(one.record.value)
            assert _verdicts(again) <= {Verdict.WELL, Verdict.DMARC_WATCHES_ONLY, Verdict.DMARC_SPF_UNALIGNED}


@given(st.text(max_size=80))
def test_whatever_is_published_is_judged(text: str) -> None:
    assert _judge(f"v=DMARC1;{text}")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True),
        st.from_regex(r"[!-:<-~]{0,9}", fullmatch=True),
        min_size=1,
    )
)
def test_tags_are_read_as_they_were_written(found: dict[str, str]) -> None:
    assert tags.read(tags.write(found)) == found
    assert tags.read(tags.write(found) + " ; ") == found
