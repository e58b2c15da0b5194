"""Mails a second, stored and handled, against parsing the same mails with the standard library only (ratio of rates).

A third each are bounces (RFC 3464), one-click tokens by mail, and replies of people; each is of another person, each
stored and each handled in a durable transaction of its own.
"""

import argparse
import time
from email import message_from_bytes, policy

from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import prepared
from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId, SubjectId, new_public_id
from consent_service.inbound import handling, queries, receiving
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.queries import Filter, Show
from consent_service.inbound.receiving import Arrival
from consent_service.inbound.rules import Way
from consent_service.ledger import queries as ledger
from consent_service.mailing.addresses import envelope_sender, message_id
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MailKind, MessageState
from consent_service.notice import queries as notice

MAILS = 600
ROUNDS = 5
AIM = ">= 0.3"
MAILBOX = "newsletter@beispiel.example"
BODY = "Neues im Mai: hier steht, was es Neues gibt, und wie Sie den Newsletter wieder abbestellen.\r\n" * 60


def main() -> None:
    """Measures both in turn; the first round warms up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=1, help=f"multiplies the {MAILS} mails of a round")
    mails = MAILS * parser.parse_args().scale
    ours, bare = [], []
    with prepared() as (folder, _app):
        fill(folder / "consent.db", mails * (ROUNDS + 1))
        for round_number in range(ROUNDS + 1):
            arrivals = _arrivals(round_number * mails, mails)
            our_rate, bare_rate = _ours(arrivals), _bare(arrivals)
            if round_number > 0:
                ours.append(our_rate)
                bare.append(bare_rate)
    report("inbound", ours, bare, "mails/s", AIM)


def _arrivals(first: int, count: int) -> list[Arrival]:
    """So many mails of people from this number on, of the three kinds in turn."""
    make = (_bounce, _unsubscribe, _reply)
    now = clock.now()
    found = []
    with transaction() as session:
        purpose_id = notice.purpose(session, "newsletter", now).purpose_id
        for number in range(first + 1, first + count + 1):
            message = new_public_id()
            session.add(
                Message(
                    public_id=message,
                    kind=MailKind.WELCOME,
                    state=MessageState.SENT,
                    created_at=now,
                    not_before=now,
                    handed_over_at=now,
                    attempts=1,
                    subject_id=SubjectId(number),
                )
            )
            link = ledger.unsubscribe_link(session, SubjectId(number), purpose_id)
            sender = "" if make[number % 3] is _bounce else f"person{number}@example.org"
            recipient, text = make[number % 3](f"person{number}@example.org", message, link)
            data = text.replace("\n", "\r\n").replace("\r\r", "\r").encode()
            found.append(Arrival(Way.LMTP, Envelope(sender, (recipient,)), data, len(data)))
    return found


def _bounce(address: str, message: PublicId, link: PublicId) -> tuple[str, str]:
    recipient = envelope_sender(message)
    return (
        recipient,
        f"""From: MAILER-DAEMON@relay.example (Mail Delivery System)
To: {recipient}
Subject: Undelivered Mail Returned to Sender
Date: Sun, 3 May 2026 10:01:00 +0200
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.relay.example.

<{address}>: host mx.example.org[192.0.2.25] said: 550 5.1.1 User unknown

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.relay.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b1
Content-Type: message/rfc822

From: newsletter@beispiel.example
To: {address}
Subject: Neues im Mai
Message-ID: {message_id(message)}

{BODY}
--b1--
""",
    )


def _unsubscribe(address: str, message: PublicId, link: PublicId) -> tuple[str, str]:
    return MAILBOX, _from_person(address, f"unsubscribe {links.sign(links.Use.UNSUBSCRIBE, link)}", "", message)


def _reply(address: str, message: PublicId, link: PublicId) -> tuple[str, str]:
    words = "Vielen Dank, sehr interessant! Gilt das Angebot noch?"
    return MAILBOX, _from_person(address, "AW: Neues im Mai", f"{words}\n\n> {BODY}", message)


def _from_person(address: str, subject: str, text: str, message: PublicId) -> str:
    return f"""From: Anna Beispiel <{address}>
To: {MAILBOX}
Subject: {subject}
Date: Sun, 3 May 2026 11:00:00 +0200
Message-ID: <{new_public_id()}@mail.example>
In-Reply-To: {message_id(message)}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

{text}
--b1
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<html><body><p>{text}</p></body></html>
--b1--
"""


def _ours(arrivals: list[Arrival]) -> float:
    began = time.perf_counter()
    for arrival in arrivals:
        with transaction() as session:
            receiving.store(session, arrival, clock.now())
    more = True
    while more:
        with transaction() as session:
            more = handling.handle_next(session, clock.now())
    elapsed = time.perf_counter() - began
    _check(len(arrivals))
    return len(arrivals) / elapsed


def _check(count: int) -> None:
    """That each was handled as what it is: of this round, a third stopped an address, and a third left."""
    with reading() as session:
        latest = queries.page(session, Filter(Show.EVERYTHING), None).mails
    kinds = {mail.mail_class.value if mail.mail_class else mail.state.value for mail in latest}
    if count >= 3 and kinds != {"bounce", "unsubscribe", "reply"}:
        raise RuntimeError(f"the mails were taken for {kinds}")


def _bare(arrivals: list[Arrival]) -> float:
    """What reading them takes at least: parts, texts, and the headers that say what it is."""
    began = time.perf_counter()
    for arrival in arrivals:
        message = message_from_bytes(arrival.data, policy=policy.default)
        for name in ("From", "To", "Subject", "Auto-Submitted", "In-Reply-To"):
            str(message[name])
        for part in message.walk():
            if part.get_content_maintype() == "text":
                part.get_content()
    return len(arrivals) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
