"""What a mail is, by the files beside it (their README says where they come from), and by anything at all."""

import re
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent_service.domain.identifiers import PublicId
from consent_service.inbound.parsing import Envelope, Mail
from consent_service.inbound.recognising import wishes
from consent_service.inbound.recognising.bounces import Action
from consent_service.inbound.recognising.recognise import Ours, Recognised, recognise
from consent_service.inbound.rules import MailClass
from consent_service.mailing.addresses import message_of_message_id
from consent_service.mailing.diagnosis import classify, status_in
from consent_service.mailing.rules import BounceKind
from tests.inbound.reading import mail, names

MESSAGE, LINK = PublicId("a" * 32), PublicId("c" * 32)
SENDER, TOKEN = (
    "b-genuine@beispiel.example",
    "ImFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Ng.Zm9vYmFyYmF6cXV4cXV1eA0KDQoN",
)
MAILBOX = "newsletter@beispiel.example"
IN_BRACES = {
    "recipient": "anna@example.org",
    "envelope_sender": SENDER,
    "message_id": f"<{MESSAGE}@localhost>",
    "public_id": MESSAGE,
    "token": TOKEN,
}
OURS = Ours(
    unsubscribe_mailbox=MAILBOX,
    sender=MAILBOX,
    message_of_envelope_sender=lambda address: MESSAGE if address == SENDER else None,
    message_of_message_id=message_of_message_id,
    link_of_token=lambda token: LINK if token == TOKEN else None,
)

Gone, Full, Policy, Temporary, Unknown = BounceKind
BOUNCES = {
    "bounce-by-message-id": (Action.FAILED, Gone, "5.1.1"),
    "bounce-exchange-full": (Action.FAILED, Full, "5.2.2"),
    "bounce-exim-gone": (Action.FAILED, Gone, "5.1.1"),
    "bounce-exim-local": (Action.FAILED, Gone, None),
    "bounce-exim-warning": (Action.DELAYED, Temporary, None),
    "bounce-forged": (Action.FAILED, Gone, "5.1.1"),
    "bounce-german-free": (Action.FAILED, Gone, None),
    "bounce-gmail-full": (Action.FAILED, Full, "5.2.2"),
    "bounce-gmail-gone": (Action.FAILED, Gone, "5.1.1"),
    "bounce-gmx-gone": (Action.FAILED, Gone, None),
    "bounce-outlook365-gone": (Action.FAILED, Gone, "5.1.10"),
    "bounce-outlook365-policy": (Action.FAILED, Policy, "5.7.1"),
    "bounce-postfix-delayed": (Action.DELAYED, Temporary, "4.4.1"),
    "bounce-postfix-delivered": (Action.ARRIVED, Unknown, "2.1.5"),
    "bounce-postfix-expired": (Action.FAILED, Temporary, "4.4.1"),
    "bounce-postfix-full": (Action.FAILED, Full, "5.2.2"),
    "bounce-postfix-generic-status": (Action.FAILED, Gone, "5.0.0"),
    "bounce-postfix-gone": (Action.FAILED, Gone, "5.1.1"),
    "bounce-postfix-policy": (Action.FAILED, Policy, "5.7.1"),
    "bounce-qmail-full": (Action.FAILED, Full, None),
    "bounce-qmail-gone": (Action.FAILED, Gone, "5.1.1"),
    "bounce-rfc3464-simple": (Action.FAILED, Temporary, "4.0.0"),
    "bounce-sendmail-gone": (Action.FAILED, Gone, "5.1.1"),
    "bounce-two-recipients": (Action.FAILED, Gone, "5.2.1"),
    "bounce-webde-policy": (Action.FAILED, Policy, None),
    "bounce-yahoo-disabled": (Action.FAILED, Gone, None),
}


def read(name: str) -> Mail:
    return Mail.read(Envelope(None, ()), mail(name, **IN_BRACES))


def recognised(name: str) -> Recognised:
    return recognise(read(name), OURS)


def test_every_bounce_file_has_its_expectation() -> None:
    assert sorted(BOUNCES) == names("bounce-")


@pytest.mark.parametrize("name", BOUNCES)
def test_bounces_are_recognised_classified_and_matched(name: str) -> None:
    found = recognised(name)
    assert found.mail_class is MailClass.BOUNCE
    assert found.report is not None
    assert (found.report.action, found.report.kind, found.report.status) == BOUNCES[name]
    assert found.report.text
    assert found.message == MESSAGE


@pytest.mark.parametrize("name", names("automatic-"))
def test_no_automatic_answer_is_a_wish(name: str) -> None:
    found = recognised(name)
    assert (found.mail_class, found.link, found.may_be_wish) == (MailClass.AUTOMATIC, None, False)


@pytest.mark.parametrize("name", names("group-", "newsletter-"))
def test_what_a_list_passes_on_is_no_clear_wish(name: str) -> None:
    found = recognised(name)
    assert (found.mail_class, found.may_be_wish) == (MailClass.UNCLEAR, False)
    assert found.may_be_newsletter is name.startswith(("newsletter-", "group-answer"))


@pytest.mark.parametrize("name", names("complaint-"))
def test_complaints(name: str) -> None:
    found = recognised(name)
    assert found.mail_class is MailClass.COMPLAINT
    expected = {
        "complaint-by-token": (None, LINK),
        "complaint-unmatched": (PublicId("0" * 32), None),
    }.get(name, (MESSAGE, None))
    assert (found.message, found.link) == expected


@pytest.mark.parametrize("name", names("unsubscribe-"))
def test_a_genuine_token_unsubscribes(name: str) -> None:
    assert recognised(name) == Recognised(MailClass.UNSUBSCRIBE, None, LINK)


@pytest.mark.parametrize("name", names("wish-"))
def test_clear_wishes(name: str) -> None:
    assert recognised(name).mail_class is MailClass.UNCLEAR
    assert wishes.is_clear_wish(read(name), "Anna Beispiel", OURS.addresses)


@pytest.mark.parametrize(
    ("author", "name", "address"),
    [
        ("=?utf-8?q?anna=40example=2Eorg=2C?= <eve@example.net>", "anna@example.org,", "eve@example.net"),
        (
            "=?utf-8?q?Anna_=3Canna=40example=2Eorg=3E=2C?= <eve@example.net>",
            "Anna <anna@example.org>,",
            "eve@example.net",
        ),
        ("=?utf-8?q?M=C3=BCller=2C_Anna?= <anna@example.org>", "Müller, Anna", "anna@example.org"),
        ("=?utf-8?b?QQBiDQpj?= <anna@example.org>", "A\ufffdb c", "anna@example.org"),
    ],
)
def test_an_encoded_name_is_nobodys_address(author: str, name: str, address: str) -> None:
    assert Mail.read(Envelope("", ()), f"From: {author}\r\n\r\n".encode()).author == (name, address)


def test_who_writes_in_two_names_has_no_clear_wish() -> None:
    data = mail("wish-german-plain", **IN_BRACES)
    both = re.sub(rb"(?m)^From: (.*)\r$", rb"From: \1, Eve <eve@example.net>\r", data)
    assert wishes.is_clear_wish(Mail.read(Envelope("", (MAILBOX,)), data), None, OURS.addresses)
    assert not wishes.is_clear_wish(Mail.read(Envelope("", (MAILBOX,)), both), None, OURS.addresses)


@pytest.mark.parametrize("name", sorted({*names("unclear-"), *names("reply-")} - {"unclear-stranger"}))
def test_what_is_not_clear_is_no_wish(name: str) -> None:
    found = recognised(name)
    assert found.link is None
    assert found.mail_class in (MailClass.UNCLEAR, MailClass.REPLY)
    assert not wishes.is_clear_wish(read(name), None, OURS.addresses)


@pytest.mark.parametrize("name", names("reply-"))
def test_replies_name_the_mail_that_they_answer(name: str) -> None:
    assert recognised(name) == Recognised(MailClass.REPLY, MESSAGE)


def test_html_is_read_as_words_alone() -> None:
    found = read("reply-html-attachment")
    assert found.text.split() == ["Guten", "Tag,", "siehe", "Anlage."]
    assert found.attachments == ("Angebot.pdf",)
    assert found.author == ("Jörg Beispiel", "anna@example.org")
    assert found.subject == "Rückfrage"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("smtp; 550 5.1.1 User unknown", "5.1.1"),
        ("550-5.1.1 one\n550 5.1.10 two", "5.1.10"),
        ("Sorry, no mailbox here by that name. (#5.1.1)", "5.1.1"),
        ("550 5.0.350 Remote server said -> 550 5.7.511 banned", "5.7.511"),
        ("550 5.01.001 padded", "5.1.1"),
        ("connect to 198.5.1.1 failed", None),
        ("version 15.1.1 of 5.1.1.2", None),
        ("554 refused", None),
    ],
)
def test_a_status_in_words(text: str, status: str | None) -> None:
    assert status_in(text) == status


@given(st.sampled_from("245"), st.integers(0, 9), st.integers(0, 999), st.text(max_size=200))
def test_only_a_status_of_the_list_is_gone_whatever_the_words(first: str, second: int, third: int, text: str) -> None:
    status = f"{first}.{second}.{third}"
    kind = classify(status, text)
    if status in {"5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}:
        assert kind is Gone
    elif second == 7:
        assert kind is Policy
    elif (second, third) != (0, 0):
        assert kind is not Gone


HEADER = st.sampled_from(
    ["Subject", "From", "To", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "Return-Path", "X-A"]
)
LINES = st.lists(
    st.one_of(
        st.tuples(HEADER, st.text(max_size=60)).map(lambda pair: f"{pair[0]}: {pair[1]}".encode("utf-8", "replace")),
        st.sampled_from(
            [
                b"",
                b"--b",
                b"--b--",
                b"Content-Type: multipart/report; boundary=b",
                b"Content-Type: message/delivery-status",
                b"Content-Type: message/feedback-report",
                b"Content-Type: message/rfc822",
                b"Content-Type: text/html; charset=utf-7",
                b"Content-Transfer-Encoding: base64",
                b"Action: failed",
                b"Status: 5.1.1",
                b"Feedback-Type: abuse",
                b"X-Failed-Recipients: a@example.org",
                b"This is the Postfix program at host a.",
            ]
        ),
        st.binary(max_size=80),
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(LINES, st.sampled_from([None, "", "a@example.org"]))
@example([b"Content-Type: text/plain; charset=punycode", b"", b"a-b-" * 20000], None)
@example([b"Subject: =?unicode_escape?q?=5Cud800?=", b"", b""], None)
@example([b"Content-Type: text/plain; charset=\xff\xfe", b"", b"\xff"], "")
def test_whatever_comes_is_something(lines: list[bytes], sender: str | None) -> None:
    found = Mail.read(Envelope(sender, ()), b"\r\n".join(lines))
    what = recognise(found, OURS)
    assert what.mail_class in MailClass
    assert what.link is None
    for text in (found.text, found.subject, *found.author, *found.attachments, *found.recipients):
        assert text.encode("utf-8") is not None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["auto-replied", "auto-replied (vacation)"]), st.booleans())
def test_no_words_make_a_vacation_reply_or_a_bounce_unsubscribe(body: str, submitted: str, null_sender: bool) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "Anna Beispiel <anna@example.org>", MAILBOX
    message["Subject"] = f"unsubscribe {TOKEN}"
    if not null_sender:
        message["Auto-Submitted"] = submitted
    message.set_content(f"{body}\nunsubscribe {TOKEN}\n")
    found = recognise(Mail.read(Envelope("" if null_sender else "a@example.org", ()), message.as_bytes()), OURS)
    assert found.mail_class is not MailClass.UNSUBSCRIBE
    assert found.link is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("abcXYZ019-_"))
def test_a_token_with_one_letter_changed_is_none(at: int, letter: str) -> None:
    changed = TOKEN[:at] + letter + TOKEN[at + 1 :]
    data = mail("unsubscribe-thunderbird", **{**IN_BRACES, "token": changed})
    found = recognise(Mail.read(Envelope("a@example.org", ()), data), OURS)
    assert (found.link == LINK) is (changed == TOKEN)


def test_the_same_signature_in_a_quoted_copy_is_nobodys_word() -> None:
    copies = (
        f"> unsubscribe {TOKEN}",
        f"-----Original Message-----\nunsubscribe {TOKEN}",
    )
    for quote in copies:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "anna@example.org", MAILBOX, "Re: News"
        message.set_content(f"Thank you!\n\n{quote}\n")
        assert recognise(Mail.read(Envelope(None, ()), message.as_bytes()), OURS).mail_class is MailClass.REPLY


def test_our_own_words_copied_by_a_program_that_marks_no_quote_are_no_wish() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Anna Beispiel <anna@example.org>", MAILBOX, "Re: News"
    message.set_content(f"Thank you!\n\nUnsubscribe: http://localhost/unsubscribe/{TOKEN}\n")
    found = Mail.read(Envelope(None, ()), message.as_bytes())
    assert recognise(found, OURS) == Recognised(MailClass.UNCLEAR, may_be_wish=True)
    assert not wishes.is_clear_wish(found, "Anna Beispiel", OURS.addresses)


def test_no_file_names_a_real_domain() -> None:
    domains = set()
    for name in names(""):
        domains |= set(re.findall(r"@([a-z0-9.-]+\.[a-z]+)", mail(name, **IN_BRACES).decode().lower()))
    allowed = ("example", "example.org", "example.net", "example.com")
    assert {domain for domain in domains if not domain.endswith(allowed)} == set()
