"""The comparable form of addresses: frozen, because suppression digests are made from it."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.domain.addresses import mailbox, normalise
from consent_service.domain.errors import InvalidAddress

LOCAL_PARTS = st.text(st.sampled_from("abzABZ019.+-_äÖßéİıſΣς\u0345\u0301"), min_size=1, max_size=20)
DOMAINS = st.sampled_from(["example.org", "EXAMPLE.org", "müller.example", "MÜLLER.example", "straße.example"])


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
