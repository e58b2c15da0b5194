"""What nobody should send: a clear record, no crash, and little memory."""

import io
import subprocess
import sys
import time
import tracemalloc

import pytest
from flask import Flask

from consent_service import clock
from consent_service.database import transaction
from consent_service.inbound import handling, receiving
from consent_service.inbound.parsing import Envelope, Mail
from consent_service.inbound.rules import InboundState, MailClass
from tests.conftest import environment
from tests.inbound.arriving import Inbox, rows

HEAD = b"From: Anna Beispiel <person0@example.org>\r\nTo: newsletter@beispiel.example\r\nSubject: Hello\r\n"
MEGABYTE = 1024 * 1024


def nested(levels: int, kind: bytes = b"multipart/mixed") -> bytes:
    opened = b"".join(b'Content-Type: %s; boundary="%d"\r\n\r\n--%d\r\n' % (kind, n, n) for n in range(levels))
    return HEAD + opened + b"\r\nabmelden\r\n"


def in_messages(levels: int) -> bytes:
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * levels + b"\r\nabmelden\r\n"


def flat(parts: int) -> bytes:
    return HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * parts + b"--b--\r\n"


def html(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html\r\n\r\n" + body


HOSTILE = {
    "1,000 levels": nested(1000),
    "1,000 digests": nested(1000, b"multipart/digest"),
    "1,000 mails in mails": in_messages(1000),
    "1,000 parts": flat(1000),
    "100,000 headers": b"X-A: b\r\n" * 100_000 + HEAD + b"\r\n",
    "one long header": HEAD + b"X-A: " + b"a" * MEGABYTE + b"\r\n\r\n",
    "one long line": HEAD + b"\r\n" + b"a" * MEGABYTE,
    "blank lines": HEAD + b"\r\n" + b"\r\n" * 500_000,
    "dashes": HEAD + b"\r\n" + b"-" * MEGABYTE,
    "quotes": HEAD + b"\r\n" + b">" * MEGABYTE,
    "at signs": HEAD + b"\r\n" + b"a@" * 500_000,
    "tags": html(b"<b><p>" * 100_000),
    "divs": html(b"<div>" * 200_000),
    "broken tags": html(b"<" * MEGABYTE),
    "nothing": b"",
    "zeros": b"\0" * 10_000,
    "every octet": HEAD + b"\r\n" + bytes(range(256)) * 100,
    "only headers": HEAD,
    "no such charset": HEAD + b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe",
    "punycode": HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-b-" * 100_000,
    "broken base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n!!!!====" * 100,
    "broken encoded words": HEAD.replace(b"Hello", b"=?utf-8?b?" + b"!" * 9000 + b"?=") + b"\r\n",
    "line separators": HEAD.replace(b"Hello", "a\u2028b\x85c".encode()) + b"\r\n",
    "many addresses": b"From: " + b"a@b.example, " * 50_000 + b"\r\n\r\n",
    "boundary whole and in pieces": HEAD + b"Content-Type: multipart/mixed; boundary*=a; boundary*0=b\r\n\r\n--a\r\n",
    "charset whole and in pieces": HEAD + b"Content-Type: text/plain; charset*=a; charset*0=b\r\n\r\nx",
    "charset in a language": HEAD + b"Content-Type: text/plain; charset*=us-ascii'en'utf-8\r\n\r\n\xff",
    "file name whole and in pieces": HEAD + b"Content-Disposition: attachment; filename*=a; filename*0=b\r\n\r\nx",
    "nested comments": b"From: " + b"(" * 50_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("sender", ["", "person0@example.org"])
@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_read_in_a_moment_and_waits_for_a_person(name: str, sender: str) -> None:
    began = time.thread_time()
    mail = Mail.read(Envelope(sender, ("newsletter@beispiel.example",)), HOSTILE[name])
    found = handling.recognise(mail, _ours())
    assert found.mail_class in (MailClass.REPLY, MailClass.UNCLEAR, MailClass.AUTOMATIC)
    assert found.link is None
    for text in (mail.text, mail.subject, *mail.author, *mail.attachments):
        text.encode()
    assert time.thread_time() - began < 30  # quadratic reading would take hours


def _ours() -> handling.Ours:
    address = "newsletter@beispiel.example"
    return handling.Ours(address, address, lambda _: None, lambda _: None, lambda _: None)


def test_each_is_stored_handled_and_listed(inbox: Inbox) -> None:
    with transaction() as session:
        for data in HOSTILE.values():
            arrival = receiving.read(io.BytesIO(data), Envelope("person0@example.org", ()), 10 * MEGABYTE)
            receiving.store(session, arrival, clock.now())
    inbox.worker.work()
    assert len(rows()) == len(HOSTILE)
    assert {row.state for row in rows()} <= {InboundState.OPEN, InboundState.HANDLED}
    assert [row.error for row in rows()] == [None] * len(HOSTILE)


def test_a_mail_nested_too_deeply_is_named_so(inbox: Inbox, staff_client: object) -> None:
    row = inbox.take_bytes(nested(900), "person0@example.org", "newsletter@beispiel.example")
    page = staff_client.get(f"/staff/inbox/{row.public_id}").text  # type: ignore[attr-defined]
    assert "nested too deeply" in page


LIMIT = 10 * MEGABYTE


@pytest.mark.parametrize("size", [LIMIT - 1, 50 * MEGABYTE], ids=["kept whole", "cut"])
def test_what_is_kept_of_a_mail_is_in_memory_twice_at_most(app: Flask, size: int) -> None:
    """As it came and encrypted; what is too much of it never."""

    class Pipe(io.RawIOBase):
        """Its bytes are made as they are read, so that only what we keep is counted."""

        left = size

        def read(self, count: int = -1) -> bytes:
            given = min(self.left, count)
            self.left -= given
            return (b"x" * 75 + b"\r\n") * (given // 77) + b"x" * (given % 77)

    tracemalloc.start()
    with transaction() as session:
        receiving.store(session, receiving.read(Pipe(), Envelope("", ()), LIMIT), clock.now())  # type: ignore[arg-type]
    _, to_store = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    with transaction() as session:
        assert handling.handle_next(session, clock.now())
    _, to_handle = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(to_store, to_handle) < 2 * LIMIT + 4 * MEGABYTE
    (row,) = rows()
    assert (row.size, row.is_cut) == (size, size > LIMIT)
    assert row.state is InboundState.OPEN


def test_fifty_megabytes_by_the_command(sqlite_url: str) -> None:
    """The whole process, with what SQLite takes for a row: by what is kept (ten megabytes), not by what came."""
    small, large = (_peak(sqlite_url, size) for size in (1, 50))
    assert large - small < 5 * LIMIT // 1024


def _peak(url: str, megabytes: int) -> int:
    """The most memory that the command took for a mail of this size, in KiB."""
    program = (
        "import resource, subprocess, sys\n"
        f"data = {HEAD!r} + b'\\r\\n' + b'x' * {megabytes * MEGABYTE}\n"
        "answer = subprocess.run([sys.argv[1], 'inbound', 'receive'], input=data)\n"
        "assert answer.returncode == 0\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    command = str(sys.executable).rpartition("/")[0] + "/consent-service"
    answer = subprocess.run(
        [sys.executable, "-c", program, command],
        env=environment(url),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(answer.stdout)
