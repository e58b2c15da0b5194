"""What comes back about a caught mail: the reports and replies that mail servers and people would write."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, make_msgid, parseaddr
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from consent_service.demo.catcher import CaughtMail

PROVIDER = "provider.example"
NULL_SENDER = ""
MAILTO = re.compile(r"<(mailto:[^<>\s]+)>", re.IGNORECASE)


class Reaction(StrEnum):
    """What comes back about a mail."""

    GONE = "gone"
    FULL = "full"
    COMPLAINT = "complaint"
    AWAY = "away"
    QUESTION = "question"
    WISH = "wish"
    MAILTO = "mailto"


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail on its way to the service, with its envelope, and the recipient whose it is or whom it is about."""

    about: str
    sender: str
    recipient: str
    message: "Message[str, str]"


def compose(reaction: Reaction, mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    """What this recipient, or their mail server, sends back; `at` is aware. Raises ValueError for a mailto without."""
    return _COMPOSERS[reaction](mail, recipient, at)


def mailto(mail: CaughtMail) -> str:
    """The mailto of List-Unsubscribe, or an empty string."""
    found = MAILTO.search(mail.header("List-Unsubscribe"))
    return found[1] if found else ""


def _gone(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    return _bounce(mail, recipient, at, "5.1.1", f"550 5.1.1 <{recipient}>: User unknown in virtual mailbox table")


def _full(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    return _bounce(mail, recipient, at, "5.2.2", f"552 5.2.2 <{recipient}>: Quota exceeded (mailbox is full)")


def _bounce(mail: CaughtMail, recipient: str, at: datetime, status: str, said: str) -> Answer:
    """A report to the envelope sender, from the null sender (RFC 3464)."""
    report = MIMEMultipart("report", report_type="delivery-status")
    _address(report, f"MAILER-DAEMON@{PROVIDER}", mail.envelope_sender, "Undelivered Mail Returned to Sender", at)
    report["Auto-Submitted"] = "auto-replied"
    report.attach(
        MIMEText(f"Your mail could not be delivered.\n\n<{recipient}>: host mx.{PROVIDER} said: {said}\n", "plain")
    )
    report.attach(
        _fields(
            "delivery-status",
            {"Reporting-MTA": f"dns; mx.{PROVIDER}", "Arrival-Date": format_datetime(mail.received_at)},
            {
                "Final-Recipient": f"rfc822; {recipient}",
                "Action": "failed",
                "Status": status,
                "Diagnostic-Code": f"smtp; {said}",
            },
        )
    )
    report.attach(_returned_headers(mail))
    return Answer(recipient, NULL_SENDER, mail.envelope_sender, report)


def _complaint(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    """A feedback report (RFC 5965) to where the mail asks for it (RFC 9477), else to its author."""
    complaints_to = mail.header("CFBL-Address").partition(";")[0].strip() or parseaddr(mail.sender)[1]
    sender = f"feedback@{PROVIDER}"
    report = MIMEMultipart("report", report_type="feedback-report")
    _address(report, sender, complaints_to, f"FW: {mail.subject}", at)
    report.attach(MIMEText(f"A user of {PROVIDER} has marked this e-mail as unwanted.\n", "plain"))
    report.attach(
        _fields(
            "feedback-report",
            {
                "Feedback-Type": "abuse",
                "User-Agent": "ConsentServiceDemo/1.0",
                "Version": "1",
                "Original-Mail-From": f"<{mail.envelope_sender}>",
                "Original-Rcpt-To": f"<{recipient}>",
                "Arrival-Date": format_datetime(mail.received_at),
            },
        )
    )
    report.attach(_returned_headers(mail))
    return Answer(recipient, sender, complaints_to, report)


def _address(message: "Message[str, str]", sender: str, to: str, subject: str, at: datetime) -> None:
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"], message["Message-ID"] = format_datetime(at), make_msgid(domain=PROVIDER)


def _fields(subtype: str, *groups: dict[str, str]) -> "Message[str, str]":
    """A part of header-like fields, in groups (RFC 3464 section 2.1)."""
    part = Message()
    part["Content-Type"] = f"message/{subtype}"
    for group in groups:
        block = Message()
        for name, value in group.items():
            block[name] = value
        part.attach(block)
    return part


def _returned_headers(mail: CaughtMail) -> MIMEText:
    headers = mail.raw.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") + b"\n"
    return MIMEText(headers.decode("ascii", "replace"), "rfc822-headers")


@dataclass(frozen=True, slots=True)
class _Words:
    """A reply in German and English; {name} is the recipient's."""

    german: str
    english: str

    def to(self, mail: CaughtMail, name: str) -> str:
        return (self.german if '<html lang="de"' in mail.html else self.english).format(name=name)


_QUESTION = _Words(
    "Guten Tag,\n\nwann kommt die neue Kamera, und gibt es sie auch in Weiß?\n\nViele Grüße\n{name}\n",
    "Hello,\n\nwhen will the new camera be available, and does it come in white, too?\n\nBest regards\n{name}\n",
)
_WISH = _Words(
    "Guten Tag,\n\nbitte melden Sie mich vom Newsletter ab.\n\nMit freundlichen Grüßen\n{name}\n",
    "Hello,\n\nplease unsubscribe me from the newsletter.\n\nBest regards\n{name}\n",
)
_AWAY = _Words(
    "Guten Tag,\n\nich bin bis zum Monatsende nicht im Büro.\n\nViele Grüße\n{name}\n",
    "Hello,\n\nI am out of the office until the end of the month.\n\nBest regards\n{name}\n",
)
_AWAY_SUBJECT = _Words("Automatische Antwort", "Automatic reply")


def _question(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    return _reply(mail, recipient, at, _QUESTION)


def _wish(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    return _reply(mail, recipient, at, _WISH)


def _reply(mail: CaughtMail, recipient: str, at: datetime, words: _Words) -> Answer:
    """What a person writes, above a quoted copy of our mail."""
    name, to = _name(mail, recipient), parseaddr(mail.sender)[1]
    message = _written(name, recipient, to, f"Re: {mail.subject}", at)
    message["In-Reply-To"] = message["References"] = mail.header("Message-ID")
    quoted = "".join(f"> {line}\n" for line in mail.text.splitlines())
    message.set_content(f"{words.to(mail, name)}\n-----Original Message-----\n{quoted}")
    return Answer(recipient, recipient, to, message)


def _away(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    """A vacation reply: to the envelope sender, from the null sender (RFC 3834)."""
    name = _name(mail, recipient)
    subject = f"{_AWAY_SUBJECT.to(mail, name)}: {mail.subject}"
    message = _written(name, recipient, mail.envelope_sender, subject, at)
    message["Auto-Submitted"] = "auto-replied"
    message["In-Reply-To"] = mail.header("Message-ID")
    message.set_content(_AWAY.to(mail, name))
    return Answer(recipient, NULL_SENDER, mail.envelope_sender, message)


def _mailto(mail: CaughtMail, recipient: str, at: datetime) -> Answer:
    """What a mail program sends when the mailto of List-Unsubscribe is followed (RFC 2369)."""
    parts = urlsplit(mailto(mail))
    to = unquote(parts.path)
    if not to:
        raise ValueError("the mail has no mailto to unsubscribe")
    subject = parse_qs(parts.query).get("subject", [""])[0]
    message = _written(_name(mail, recipient), recipient, to, subject, at)
    message.set_content("\n")
    return Answer(recipient, recipient, to, message)


def _written(name: str, author: str, to: str, subject: str, at: datetime) -> EmailMessage:
    message = EmailMessage()
    _address(message, f"{name} <{author}>", to, subject, at)
    return message


def _name(mail: CaughtMail, recipient: str) -> str:
    """The name that the mail goes to, else one made of the address: anna.probst7@… is Anna Probst."""
    name, address = parseaddr(mail.to)
    if name and address == recipient:
        return name
    return " ".join(word.capitalize() for word in re.findall(r"[^\W\d_]+", recipient.partition("@")[0]))


_COMPOSERS: dict[Reaction, Callable[[CaughtMail, str, datetime], Answer]] = {
    Reaction.GONE: _gone,
    Reaction.FULL: _full,
    Reaction.COMPLAINT: _complaint,
    Reaction.AWAY: _away,
    Reaction.QUESTION: _question,
    Reaction.WISH: _wish,
    Reaction.MAILTO: _mailto,
}
