"""Signatures as a receiver sees them: dkimpy verifies what we signed, and nothing that was changed."""

import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_service.signing.dkim import COVERED, signed
from tests.mailing.test_composition import HOSTILE, Text, filled
from tests.signing.verifying import ED25519, RSA, SIGNERS, ZONE, verdicts

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
WORDS = Text("News for {{name}}", "{{greeting}} {{unsubscribe}}", "<p>{{greeting}} {{unsubscribe}}</p>")
FROM = b"From: Beispiel GmbH <news@beispiel.example>\r\n"
LEAST = FROM + b"Subject: s\r\n\r\n"


def mailing(name: str = "Anna Beispiel") -> bytes:
    """A signed copy of a mailing."""
    return signed(filled(name, WORDS), SIGNERS, AT)


def tag(data: bytes, name: str) -> str:
    """A tag's value in the uppermost signature, without spaces."""
    field = re.match(rb"DKIM-Signature:((?:[^\r\n]|\r\n[ \t])*)", data)
    assert field
    tags = dict(part.partition("=")[::2] for part in "".join(field[1].decode().split()).split(";"))
    return tags[name]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(name: str) -> None:
    assert verdicts(mailing(name), ZONE) == [True, True]


@pytest.mark.parametrize(("signer", "algorithm"), [(RSA, "rsa-sha256"), (ED25519, "ed25519-sha256")])
def test_one_key_makes_one_signature(signer: object, algorithm: str) -> None:
    data = signed(filled("Anna", WORDS), {"beispiel.example": [signer]}, AT)
    assert verdicts(data, ZONE) == [True]
    assert tag(data, "a") == algorithm
    assert tag(data, "d") == "beispiel.example"
    assert tag(data, "t") == str(int(AT.timestamp()))
    assert tag(data, "c") == "relaxed/simple"
    assert "l=" not in data.partition(b"\r\n\r\n")[0].decode().replace(" ", "").split("b=")[0]


def test_everything_that_must_be_covered_is_and_once_more_than_it_is_there() -> None:
    covered = tag(mailing(), "h").lower().split(":")
    for name in (
        *("from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
        *("list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id"),
    ):
        assert covered.count(name) == 2, name
    assert set(covered) <= {name.lower() for name in COVERED}


CHANGES = {
    "a word of the body": (b"<p>=\r\nHallo", b"<p>=\r\nHolla"),
    "the end of the body": (b"--\r\n", b"--\r\nmore\r\n"),
    "the list's way out": (b"List-Unsubscribe: <http://localhost/", b"List-Unsubscribe: <http://localhost.example/"),
    "one-click": (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click", b"List-Unsubscribe-Post: none"),
    "one-click gone": (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
    "another From": (b"news@beispiel.example", b"boss@beispiel.example"),
    "a second From above": (FROM, b"From: x@evil.example\r\n" + FROM),
    "a second From below": (FROM, FROM + b"From: x@evil.example\r\n"),
    "a second To": (b"To: ", b"To: victim@example.org\r\nTo: "),
    "a second Subject": (b"Subject: ", b"Subject: win\r\nSubject: "),
    "a second List-Unsubscribe": (b"List-Id: ", b"List-Unsubscribe: <http://evil.example/>\r\nList-Id: "),
    "a second Content-Type": (FROM, b"Content-Type: text/html\r\n" + FROM),
    "another list": (b"<news.localhost>", b"<other.localhost>"),
    "another campaign": (b"Feedback-ID: c", b"Feedback-ID: d"),
    "another date": (b"Date: Mon, 04", b"Date: Mon, 11"),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(before: bytes, after: bytes) -> None:
    data = mailing()
    assert data.count(before) == 1 or before == b"--\r\n", data
    changed = after.join(data.rsplit(before, 1))
    assert verdicts(data, ZONE) == [True, True]
    assert verdicts(changed, ZONE) == [False, False]


def test_what_a_relay_may_do_is_none() -> None:
    data = (
        mailing()
        .replace(b"\r\n <anna@example.org>", b"   <anna@example.org>  ")
        .replace(b"\r\nSubject:", b"\r\nSUBJECT:\t")
    )
    assert verdicts(b"Received: by relay\r\n" + data, ZONE) == [True, True]


def test_lines_are_short() -> None:
    head = mailing().partition(b"\r\nTo:")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_the_mail_itself_is_left_as_it_is() -> None:
    data = filled("Anna", WORDS)
    assert signed(data, SIGNERS, AT).endswith(b"\r\n" + data)


@pytest.mark.parametrize("sender", ["x@other.example", "beispiel.example <x@other.example>", "x@sub.beispiel.example"])
def test_nobody_signs_for_another_domain(sender: str) -> None:
    data = f"From: {sender}\r\n\r\n".encode()
    assert signed(data, SIGNERS, AT) is data


@pytest.mark.parametrize(
    "sender",
    ["x@beispiel.example", "X <x@BEISPIEL.example>", '"a@b.c"\r\n <x@beispiel.example>', '"x@y"@beispiel.example'],
)
def test_the_domain_of_from_is_found(sender: str) -> None:
    assert verdicts(signed(f"From: {sender}\r\n\r\n".encode(), SIGNERS, AT), ZONE) == [True, True]


@pytest.mark.parametrize("data", [b"Subject: s\r\n\r\nbody", b"From: x@beispiel.example\r\n", b""])
def test_what_is_no_mail_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any)
        signed(data, SIGNERS, AT)


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n\r\n", b"a", b"a\r\n", b"a\r\n\r\n", b"\r\na", b" \r\n", b"a \t\r\n \r\n\r\n"]
)
def test_ends_of_bodies(body: bytes) -> None:
    assert verdicts(signed(LEAST + body, SIGNERS, AT), ZONE) == [True, True]


lines = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(st.lists(lines), lines, st.lists(st.sampled_from(["\t", " ", "  \t"]), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_mail_of_seven_bits(body: list[str], subject: str, spaces: list[str]) -> None:
    folded = "x" + "".join(f"\r\n{space}{subject}y" for space in spaces)
    head = f"From: a@beispiel.example\r\nSubject:{folded}\r\nTo: b@example.org\r\n\r\n"
    data = (head + "".join(f"{line}\r\n" for line in body)).encode()
    assert verdicts(signed(data, SIGNERS, AT), ZONE) == [True, True]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=100, deadline=None)
def test_any_mail_of_the_standard_library(subject: str, text: str) -> None:
    message = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    message["From"] = "news@beispiel.example"
    message["Subject"] = subject
    message.set_content(text, cte="quoted-printable")
    assert verdicts(signed(message.as_bytes(), SIGNERS, AT), ZONE) == [True, True]
