"""Mails that are filled per person must be what the standard library would have built whole."""

import email
import re
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_service.domain.addresses import deliverable
from consent_service.domain.errors import InvalidAddress
from consent_service.domain.names import tidy
from consent_service.mailing.composition import (
    MailingText,
    Person,
    Sender,
    Slot,
    Template,
    Text,
    WayOut,
    feedback_id,
    fill_text,
    single,
    slot_values,
    template,
)

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
PLAIN = "{{greeting}}\n.\n..two dots\nFrom here on: {{name}}{{name}} ü = 👍\n\n{{unsubscribe}}\n-- \nEnd {{settings}}"
HTML = (
    '<!doctype html>\n<p title="{{name}}">{{greeting}} &amp; more</p>\n<a href="{{unsubscribe}}">out</a>'
    + "x" * 2000
    + '<a href="{{settings}}">settings</a>'
)
TEXT = Text("{{greeting}}: news for {{name}}", PLAIN, HTML)
HOSTILE = {
    "nobody": "",
    "umlauts": "Jürgen Müßig-Øre",
    "emoji": "Zoë 👩‍👩‍👧‍👦🏳️‍🌈",
    "quotes": 'Anna "the boss" O\'Neil',
    "backslashes": "back\\slash \\\\ \\",
    "line_break": "Anna\r\nBcc: victim@example.org\r\n\r\n<h1>body</h1>",
    "nul": "Anna\0NUL\x01\x1b\x7f",
    "five_hundred": "Änne " * 100,
    "right_to_left": "Anna\u202egnp.exe",
    "spaces": " \t \u2003 ",
    "encoded_word": "=?utf-8?q?x?=",
    "encoded_line_break": "=?utf-8?q?=0D=0ABcc:_victim@example.org?=",
    "dots": ".\r\n.\r\n..",
    "placeholder": "{{name}} {{unsubscribe}}",
    "slot": "\0Pname\0 SLOT0123456789abcdefPname",
    "long_word": "w" * 500,
    "markup": "<script>alert(1)</script> & \"'",
    "address": "Anna <other@example.org>, b@example.org; c:",
    "equals": "=3D = =0A",
    "line_separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
}


def mailing(text: Text = TEXT) -> MailingText:
    """A mailing with this text."""
    sender = Sender("Beispiel GmbH", "news@beispiel.example")
    return MailingText(sender, "Größe & Neues", "news.localhost", feedback_id("c" * 32, "newsletter", sender), text)


def person(name: str | None, address: str = "anna@example.org") -> Person:
    """A recipient of this name."""
    return Person(
        address=address,
        name=name,
        greeting=f"Hallo {tidy(name)}" if tidy(name) else "Hallo",
        settings_url="http://localhost/settings/" + "s" * 70 + "?lang=de&x=1",
        way_out=WayOut(
            "http://localhost/unsubscribe/" + "t" * 120,
            "mailto:out@beispiel.example?subject=unsubscribe%20" + "t" * 120,
        ),
        message_id="<0123@localhost>",
    )


def filled(name: str | None, text: Text = TEXT, address: str = "anna@example.org") -> bytes:
    """The whole mail to a recipient of this name."""
    return Template.parse(text.subject, template(mailing(text))).fill(person(name, address), AT)


def parsed(data: bytes) -> EmailMessage:
    """The mail as the standard library reads it."""
    message = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def recipient(data: bytes) -> tuple[str, str]:
    """Display name and address of To. The newer parser puts spaces between encoded words, against RFC 2047 6.2."""
    name, address = parseaddr(email.message_from_bytes(data)["To"])
    return _decoded(name), address


def subject(data: bytes) -> str:
    """The decoded Subject."""
    return _decoded(email.message_from_bytes(data)["Subject"])


def _decoded(value: str) -> str:
    return str(make_header(decode_header("".join(value.splitlines())))).strip()


def whole(name: str | None, text: Text = TEXT) -> bytes:
    """The same mail, built by the standard library alone."""
    values = slot_values(person(name))
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address("Beispiel GmbH", addr_spec="news@beispiel.example")
    message["To"] = Address(tidy(name) or "", addr_spec="anna@example.org")
    message["Subject"] = tidy(fill_text(text.subject, values.__getitem__)) or ""
    message["Date"] = format_datetime(AT)
    message["Message-ID"] = "<0123@localhost>"
    message.set_content(fill_text(text.plain, values.__getitem__))
    message.add_alternative(fill_text(text.html, lambda slot: escape(values[slot])), subtype="html")
    # Unfolded: where the standard library folds encoded words of differing kinds, it loses spaces between them.
    return message.as_bytes(policy=policy.SMTP.clone(max_line_length=None))


def body(message: EmailMessage, kind: str) -> str:
    """One part's text, with newlines between its lines."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def check_form(data: bytes) -> None:
    """No defect, seven bits, no line too long or with a dot first, no header that is there twice or was smuggled in."""
    assert data.isascii()
    assert b"\0" not in data
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", data) is None
    head, _, rest = data.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, rest.split(b"\r\n"))) <= 76
    assert b"\r\n." not in data
    message = parsed(data)
    names = [key.lower() for key in message]
    assert len(names) == len(set(names))
    assert "bcc" not in names
    for part in message.walk():
        assert not part.defects
        for header in part.values():
            assert not header.defects, header  # type: ignore[attr-defined]


def check_same(name: str, text: Text = TEXT) -> None:
    """The filled mail reads like the one that was built whole."""
    our_data, their_data = filled(name, text), whole(name, text)
    check_form(our_data)
    ours, theirs = parsed(our_data), parsed(their_data)
    for header in ("From", "Date", "Message-ID"):
        assert ours[header] == theirs[header]
    assert recipient(our_data) == (tidy(name) or "", "anna@example.org")
    assert subject(our_data) == tidy(fill_text(text.subject, slot_values(person(name)).__getitem__))
    # The standard library takes `=?…?=` for encoded already; there the name itself is what must arrive.
    if "=?" not in name + text.subject:
        assert recipient(our_data) == recipient(their_data)
        assert subject(our_data) == subject(their_data)
    assert body(ours, "plain") == body(theirs, "plain")
    assert body(ours, "html") == body(theirs, "html")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_change_nothing_but_the_name(name: str) -> None:
    check_same(name)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_name_reads_like_the_mail_built_whole(name: str) -> None:
    check_same(name)


@given(st.integers(0, 400), st.integers(0, 160), st.sampled_from(["x", "=", " ", "ü", ".", "👍"]))
@settings(max_examples=300, deadline=None)
def test_no_line_is_too_long_wherever_a_slot_stands(before: int, length: int, character: str) -> None:
    line = character * before + "{{name}}{{greeting}}" + character * (before % 80) + "{{unsubscribe}}"
    check_same(character.strip() + "n" + character * length + "n", Text("s", line, "<p>" + line))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")))
@settings(max_examples=200, deadline=None)
def test_any_text_reads_as_it_was_written(written: str) -> None:
    text = written + " {{name}} SLOT0123456789abcdefPname\n{{unsubscribe}}"
    check_same("Anna", Text("subject", text, text))


LOCAL_PARTS = st.lists(
    st.sampled_from(["=?utf-8?q?", "=0d=0a", "?=", "=?", "?b?DQo=", ".", "a", "+", "'"])
    | st.characters(min_codepoint=33, max_codepoint=126),
    min_size=1,
    max_size=25,
).map("".join)


@given(LOCAL_PARTS)
@settings(max_examples=300, deadline=None)
def test_whatever_address_is_taken_can_be_written_to(local: str) -> None:
    address = f"{local}@example.org"
    try:
        deliverable(address)
    except InvalidAddress:
        return
    text = Text("Subject", "plain", "<p>html</p>")
    sender = Sender("Beispiel GmbH", "news@beispiel.example")
    head = single(sender, address, text, "<0@example.org>", AT).partition(b"\r\n\r\n")[0].decode("ascii")
    assert f"To: {address}\r\n" in head
    assert [line.partition(":")[0] for line in head.splitlines() if not line.startswith(" ")].count("To") == 1


def test_plain_names_and_subjects_stay_readable() -> None:
    head = filled("Anna Beispiel", Text("News", PLAIN, HTML)).decode()
    assert 'To: "Anna Beispiel"\r\n <anna@example.org>\r\n' in head
    assert "\r\nSubject: News\r\n" in head
    assert "Hallo Anna Beispiel=\r\n" in head


def test_a_text_that_looks_encoded_arrives_as_it_is() -> None:
    data = filled("=?utf-8?q?x?=", Text("=?utf-8?q?y?= {{name}}", PLAIN, HTML))
    assert subject(data) == "=?utf-8?q?y?= =?utf-8?q?x?="
    assert recipient(data) == ("=?utf-8?q?x?=", "anna@example.org")


def test_a_text_that_begins_like_html_stays_plain() -> None:
    data = filled("<b>", Text("s", "<Anna> {{name}} {{unsubscribe}}", "{{name}} {{unsubscribe}}"))
    assert body(parsed(data), "plain").startswith("<Anna> <b> ")
    assert body(parsed(data), "html").startswith("&lt;b&gt; ")


@pytest.mark.parametrize(
    "address", ["anna@example.org\r\nBcc: b@example.org", "anna", "a,b@example.org", "a b@c.de", ""]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        filled("Anna", address=address)


def test_a_quoted_local_part_keeps_its_quotes() -> None:
    data = filled("Anna", address='"an \\" na"@example.org')
    check_form(data)
    assert parsed(data)["To"].addresses[0].addr_spec == '"an \\" na"@example.org'


def test_the_list_has_a_name_that_people_can_read() -> None:
    value = str(parsed(filled("Anna"))["List-Id"])
    assert value == "Größe & Neues <news.localhost>"


def test_every_header_for_leaving_is_there() -> None:
    message = parsed(filled("Anna"))
    way_out = person("Anna").way_out
    assert message["List-Unsubscribe"] == f"<{way_out.one_click_url}>, <{way_out.mailto}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Precedence"] == "bulk"
    assert message["Feedback-ID"] == f"{'c' * 32}:newsletter:beispiel-exampl"
    assert message["Auto-Submitted"] is None


@pytest.mark.parametrize("missing", ["plain", "html"])
def test_a_mailing_without_a_visible_way_out_cannot_be_built(missing: str) -> None:
    texts = {"plain": PLAIN, "html": HTML, missing: "nothing"}
    with pytest.raises(ValueError, match="way out"):
        mailing(Text("s", **texts))


def test_every_slot_is_filled() -> None:
    found = Template.parse(TEXT.subject, template(mailing()))
    assert {slot for slot, _ in found.slots} == set(Slot)


@pytest.mark.parametrize(
    ("purpose", "address", "expected"),
    [
        ("newsletter", "x@a.de", "1:newsletter:a-de-"),
        ("seminar:information", "x@BEISPIEL.example", "1:seminar-information:beispiel-exampl"),
        ("n" * 64, "x@a.example", f"1:{'n' * 64}:a-example"),
    ],
)
def test_a_feedback_id_has_three_plain_words_on_one_line(purpose: str, address: str, expected: str) -> None:
    sender = Sender("Beispiel GmbH", address)
    found = feedback_id("1", purpose, sender)
    assert found == expected
    mime = template(MailingText(sender, "News", "news.localhost", found, TEXT))
    assert f"\r\nFeedback-ID: {expected}\r\n".encode() in mime


@pytest.mark.parametrize("words", ["", "one", "a:b:c:d:e", "a:b@c.de:d", "a:b\r\nBcc: c", "a: b:c", "ü:b:c"])
def test_what_is_no_feedback_id_cannot_be_built(words: str) -> None:
    with pytest.raises(ValueError, match="Feedback-ID"):
        MailingText(mailing().sender, "News", "news.localhost", words, TEXT)
