"""The comparable form of addresses: frozen, because suppression digests are made from it."""

import unicodedata
from contextlib import suppress

import idna
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from consent_service.domain.addresses import deliverable, mailbox, normalise
from consent_service.domain.errors import InvalidAddress

LOCAL_PARTS = st.text(st.sampled_from("abzABZ019.+-_äÖßéİıſΣς\u0345\u0301"), min_size=1, max_size=20)
DOMAINS = st.sampled_from(["example.org", "EXAMPLE.org", "müller.example", "MÜLLER.example", "straße.example"])
PLAIN = st.text(st.sampled_from("aZ09.+-_"), min_size=1, max_size=8)
LABELS = st.text(st.sampled_from("aZ09-"), min_size=1, max_size=5)
LONG = st.integers(60, 260).map(lambda length: ("a" * 60 + ".") * (length // 61) + "b" * (length % 61))
ADDRESSES = st.builds(
    "{}@{}{}".format,
    PLAIN | st.text(st.sampled_from("a.'\"@< ä\u212aſ"), max_size=8) | st.integers(60, 70).map("a".__mul__),
    LABELS | LABELS | LONG | st.text(st.sampled_from("axnXN-.@> ä\u212aſ"), max_size=5),
    st.sampled_from(["", ".org", ".org", ".ORG", ".xn--mller-kva.org", ".test", ".local", ".example\n", ".org."]),
)
LONGER_WRITTEN_OUT = f"{idna.encode('中' * 40).decode()}.{idna.encode('中' * 40).decode()}.org"


@given(st.text())
def test_garbage_raises_nothing_but_invalid_address(text: str) -> None:
    with suppress(InvalidAddress):
        mailbox(text, normalise(text))


@given(LOCAL_PARTS, DOMAINS)
def test_normalising_again_changes_nothing(local: str, domain: str) -> None:
    once = normalise(f"{local}@{domain}")
    assert normalise(once) == once
    assert normalise(mailbox(f"{local}@{domain}", once)) == once


@given(LOCAL_PARTS, DOMAINS)
def test_one_address_in_every_composition_and_with_margins(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    once = normalise(address)
    assert normalise(f" {address}\n") == once
    assert normalise(unicodedata.normalize("NFD", address)) == once


@pytest.mark.parametrize(
    ("written", "comparable"),
    [
        ("Anna.Beispiel@Example.ORG", "anna.beispiel@example.org"),
        ("anna+tag@example.org", "anna+tag@example.org"),
        ("anna@MÜLLER.example", "anna@xn--mller-kva.example"),
        ("anna@xn--mller-kva.example", "anna@xn--mller-kva.example"),
        ("anna@example。org", "anna@example.org"),
        ("JÜRGEN@example.org", "jürgen@example.org"),
    ],
)
def test_the_form_is_frozen(written: str, comparable: str) -> None:
    assert normalise(written) == comparable


@pytest.mark.parametrize(
    "garbage",
    ["", "@", "anna", "anna@", "@example.org", "a b@example.org", "a@b@example.org", "anna@example.org.",
     "anna@example。org。", "anna@exa mple.org", "anna@-example.org", "anna@example..org", "<anna>@example.org",
     "anna\r\nBcc: x@example.org", "an\0na@example.org", "anna@[127.0.0.1]", "anna,bernd@example.org",
     "a" * 65 + "@example.org", "anna@" + "a." * 130 + "org", "an\ud800na@example.org", "an\u202ena@example.org"],
)  # fmt: skip
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(InvalidAddress):
        normalise(garbage)


@given(ADDRESSES)
@example("anna@example.org")
@example(f"{'a' * 64}@{'a.' * 93}org")
@example(f"aaaaaaaa@{LONGER_WRITTEN_OUT}")
@example(f"aaaaaaaaa@{LONGER_WRITTEN_OUT}")
def test_deliverable_is_what_email_validator_says_and_can_be_compared(address: str) -> None:
    assert _outcome(address) == _outcome(address) == _outcome_without_shortcuts(address)


def _outcome(address: str) -> str | None:
    try:
        return deliverable(address)
    except InvalidAddress:
        return None


def _outcome_without_shortcuts(address: str) -> str | None:
    try:
        validate_email(address, check_deliverability=False, allow_smtputf8=False)
        return normalise(address)
    except (EmailNotValidError, InvalidAddress):
        return None
