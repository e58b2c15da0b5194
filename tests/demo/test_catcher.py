"""The catcher over real SMTP, the reading of its folder, and the page that shows it."""

import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from consent_service.clock import now
from consent_service.demo.catcher import Catcher, CaughtMail, caught, find
from consent_service.demo.caught_mail import create_app
from consent_service.demo.courier import Courier
from consent_service.demo.failures import Journal, Switch

SENDER = "bounce+abc@example.com"
RECIPIENT = "anna@example.org"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    return create_app(folder, Switch(), Courier("127.0.0.1", 1, Journal())).test_client()


@pytest.fixture
def smtp(folder: Path) -> Iterator[smtplib.SMTP]:
    """A connection to a running catcher."""
    catcher = Catcher(folder, "127.0.0.1", free_port())
    catcher.start()
    try:
        with smtplib.SMTP(catcher.hostname, catcher.port, local_hostname="localhost", timeout=60) as connection:
            yield connection
    finally:
        catcher.stop()


def a_mail(subject: str = "Bitte bestätigen Sie", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Müller GmbH <news@example.com>"
    message["To"] = RECIPIENT
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Guten Tag,\n\nhttp://localhost:5000/confirm/a.b-c_d?x=1&y=2\n<https://example.org/ü>\n")
    message.add_alternative('<p>Grüße <a href="http://localhost:5000/confirm/a">Weiter</a></p>', subtype="html")
    return message


def keep(folder: Path, content: bytes, number: int = 1, recipient: str = RECIPIENT) -> CaughtMail:
    """Puts a mail into the folder the way the catcher leaves it, for mails that smtplib would not send."""
    folder.mkdir(exist_ok=True)
    path = folder / f"20260503T120000.000000Z-{number:06}.eml"
    path.write_bytes(f"X-Envelope-To: {recipient}\r\nX-Envelope-From: {SENDER}\r\n".encode() + content)
    return CaughtMail(path)


# The server and its folder


def test_a_mail_sent_over_smtp_is_kept_byte_for_byte_with_its_envelope(smtp: smtplib.SMTP, folder: Path) -> None:
    content = a_mail().as_bytes(policy=SMTP)
    before = now()
    smtp.sendmail(SENDER, [RECIPIENT, "berta@example.org"], content)

    (mail,) = caught(folder)
    assert mail.raw == content
    assert mail.envelope_sender == SENDER
    assert mail.envelope_recipients == (RECIPIENT, "berta@example.org")
    assert mail.subject == "Bitte bestätigen Sie"
    assert mail.sender == "Müller GmbH <news@example.com>"
    assert mail.to == RECIPIENT
    assert mail.text.startswith("Guten Tag,\n\nhttp://localhost:5000/confirm/")
    assert "Grüße" in mail.html
    assert before <= mail.received_at <= before + timedelta(minutes=1)
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-\d+\.eml", mail.path.name)
    assert [path.suffix for path in folder.iterdir()] == [".eml"]


def test_lines_that_begin_with_a_dot_come_through(smtp: smtplib.SMTP, folder: Path) -> None:
    content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n"
    smtp.sendmail(SENDER, [RECIPIENT], content)
    assert caught(folder)[0].raw == content


def test_addresses_and_headers_outside_ascii_are_taken(smtp: smtplib.SMTP, folder: Path) -> None:
    message = a_mail("Grüße an 世界")
    content = message.as_bytes(policy=SMTPUTF8)
    smtp.sendmail(SENDER, ["jörg@bücher.example"], content, mail_options=["SMTPUTF8", "BODY=8BITMIME"])

    (mail,) = caught(folder)
    assert mail.envelope_recipients == ("jörg@bücher.example",)
    assert mail.subject == "Grüße an 世界"


def test_a_bounce_has_the_null_sender(smtp: smtplib.SMTP, folder: Path) -> None:
    smtp.sendmail("", [RECIPIENT], b"Subject: gone\r\n\r\n")
    assert caught(folder)[0].envelope_sender == "<>"


def test_a_mail_larger_than_the_usual_limit_is_taken(smtp: smtplib.SMTP, folder: Path) -> None:
    content = b"Subject: large\r\n\r\n" + (b"x" * 998 + b"\r\n") * 40_000
    smtp.sendmail(SENDER, [RECIPIENT], content)
    assert len(caught(folder)[0].raw) == len(content)


def test_many_mails_on_one_connection_are_listed_newest_first(smtp: smtplib.SMTP, folder: Path) -> None:
    for number in range(12):
        smtp.sendmail(SENDER, [RECIPIENT], f"Subject: {number}\r\n\r\n".encode())
    assert [mail.subject for mail in caught(folder)] == [str(number) for number in range(11, -1, -1)]


def test_the_folder_may_be_removed_while_the_server_runs(smtp: smtplib.SMTP, folder: Path) -> None:
    smtp.sendmail(SENDER, [RECIPIENT], b"Subject: one\r\n\r\n")
    caught(folder)[0].path.unlink()
    folder.rmdir()
    smtp.sendmail(SENDER, [RECIPIENT], b"Subject: two\r\n\r\n")
    assert [mail.subject for mail in caught(folder)] == ["two"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_ends_on_a_signal_even_with_a_client_connected(folder: Path, number: signal.Signals) -> None:
    port = free_port()
    program = "import sys, pathlib; from consent_service.demo.catcher import Catcher, run; "
    call = f"run(Catcher(pathlib.Path({str(folder)!r}), '127.0.0.1', {port}))"
    process = subprocess.Popen([sys.executable, "-c", program + call], cwd=Path(__file__).parents[2])
    try:
        with connected(port) as smtp:
            smtp.sendmail(SENDER, [RECIPIENT], b"Subject: kept\r\n\r\n")
            os.kill(process.pid, number)
            assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
    assert [mail.subject for mail in caught(folder)] == ["kept"]


def connected(port: int) -> "closing[smtplib.SMTP]":
    """Closed rather than quit: the server may be gone by then."""
    for _ in range(1200):
        try:
            return closing(smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=60))
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError


# Reading


def test_a_folder_that_is_not_there_holds_nothing(folder: Path) -> None:
    assert caught(folder) == []


def test_unfinished_and_foreign_files_are_no_mails(folder: Path) -> None:
    kept = keep(folder, b"Subject: kept\r\n\r\n")
    (folder / "20260503T120000.000000Z-000002.part").write_bytes(b"half")
    (folder / "notes.eml").write_bytes(b"Subject: foreign\r\n\r\n")
    assert caught(folder) == [kept]


def test_envelope_headers_of_the_mail_itself_are_not_believed(folder: Path) -> None:
    content = b"X-Envelope-To: forged@example.org\r\nX-Envelope-From: forged@example.org\r\n\r\nhello\r\n"
    mail = keep(folder, content)
    assert mail.envelope_recipients == (RECIPIENT,)
    assert mail.envelope_sender == SENDER
    assert mail.raw == content


@pytest.mark.parametrize("identifier", ["../secret", "secret", "20260503T120000.000000Z-9", ""])
def test_only_kept_mails_are_found(folder: Path, identifier: str) -> None:
    mail = keep(folder, b"")
    (folder.parent / "secret.eml").write_bytes(b"secret")
    (folder / "secret.eml").write_bytes(b"secret")
    assert find(folder, mail.identifier) == mail
    assert find(folder, identifier) is None


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?IGFu?= dich", "Grüße an dich"),
        (b"=?no-such-charset?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"=?idna?q?xn--=FF?= x", "xn--� x"),
        ("roh übertragen".encode(), "roh übertragen"),
        (b"\xff\xfe", "��"),
        (b"\r\n folded\r\n over lines", "folded over lines"),
        (b"", ""),
    ],
)
def test_headers_are_decoded_as_far_as_they_can_be(folder: Path, header: bytes, shown: str) -> None:
    assert keep(folder, b"Subject: " + header + b"\r\n\r\n").subject == shown


@pytest.mark.parametrize(
    ("content_type", "encoding", "body", "text"),
    [
        (b"text/plain; charset=iso-8859-1", b"8bit", b"gr\xfcn", "grün"),
        (b"text/plain; charset=utf-8", b"8bit", b"gr\xfcn", "gr�n"),
        (b"text/plain; charset=no-such-charset", b"8bit", "grün".encode(), "grün"),
        (b"text/plain; charset=utf-8", b"base64", b"Z3LDvG4", "grün"),
        (b"text/plain; charset=utf-8", b"no-such-encoding", b"plain", "plain"),
        (b"multipart/mixed", b"7bit", b"no boundary", ""),
        (b"image/png", b"base64", b"AAAA", ""),
    ],
)
def test_broken_bodies_are_read_as_far_as_they_can_be(
    folder: Path, content_type: bytes, encoding: bytes, body: bytes, text: str
) -> None:
    head = b"Content-Type: " + content_type + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    assert keep(folder, head + body).text == text


def test_an_attached_text_is_not_the_mails_text(folder: Path) -> None:
    message = EmailMessage()
    message.add_attachment("attached", filename="note.txt")
    message.add_attachment("<p>attached</p>", subtype="html", filename="note.html")
    mail = keep(folder, message.as_bytes(policy=SMTP))
    assert (mail.text, mail.html) == ("", "")


# The pages


def test_an_empty_folder_says_what_to_do(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "No mail yet" in page
    assert "Sign up" in page


def test_the_list_shows_the_newest_first_and_links_each_mail(client: FlaskClient, folder: Path) -> None:
    keep(folder, b"Subject: older\r\n\r\n", 1)
    newest = keep(folder, b"\r\n", 2, "berta@example.org")
    page = client.get("/").text
    assert "2 mails" in page
    assert page.index("(no subject)") < page.index("older")
    assert f'href="/mail/{newest.identifier}"' in page
    assert "berta@example.org" in page


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("BERTA", {"Umfrage"}),
        (" umfrage ", {"Umfrage"}),
        ("grüße", {"Grüße"}),
        ("", {"Umfrage", "Grüße"}),
        ("nobody", set()),
    ],
)
def test_the_search_looks_at_recipients_and_subjects(
    client: FlaskClient, folder: Path, query: str, subjects: set[str]
) -> None:
    keep(folder, b"Subject: Umfrage\r\n\r\n", 1, "berta@example.org")
    keep(folder, b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n", 2)
    page = client.get("/", query_string={"q": query}).text
    assert set(re.findall(r'href="/mail/[^"]+">([^<]+)<', page)) == subjects
    assert ("Nothing matches" in page) == (not subjects)


def test_only_the_first_page_without_search_refreshes(client: FlaskClient, folder: Path) -> None:
    for number in range(51):
        keep(folder, b"", number)
    refresh = '<meta http-equiv="refresh" content="5">'
    assert refresh in client.get("/").text
    for address in ("/?page=2", "/?q=", "/?q=anna", "/mail/20260503T120000.000000Z-000001"):
        assert refresh not in client.get(address).text


def test_pages_lead_through_all_found_mails(client: FlaskClient, folder: Path) -> None:
    for number in range(120):
        keep(folder, f"Subject: mail {number}\r\n\r\n".encode(), number)
    seen: list[str] = []
    address: str | None = "/?q=mail"
    while address:
        page = client.get(address).text
        seen += re.findall(r"mail (\d+)</a>", page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older[1].replace("&amp;", "&") if older else None
    assert seen == [str(number) for number in range(119, -1, -1)]


def test_of_ten_thousand_mails_only_those_of_the_page_are_read(
    client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        keep(folder, b"Subject: x\r\n\r\n", number)
    read: list[Path] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), read_bytes(path))[1])
    page = client.get("/").text
    assert "10,000 mails" in page
    assert len([path for path in read if path.suffix == ".eml"]) <= 51


def test_a_mails_page_shows_its_headers_its_frame_and_its_text(client: FlaskClient, folder: Path) -> None:
    message = a_mail(List_Id="<newsletter.example.com>", Message_ID="<1@example.com>")
    mail = keep(folder, message.as_bytes(policy=SMTP))
    page = client.get(f"/mail/{mail.identifier}").text
    for shown in (SENDER, "&lt;newsletter.example.com&gt;", "&lt;1@example.com&gt;", "Bitte bestätigen Sie"):
        assert shown in page
    assert re.search(r'sandbox="allow-popups allow-popups-to-escape-sandbox"', page)
    assert 'href="http://localhost:5000/confirm/a.b-c_d?x=1&amp;y=2"' in page
    assert 'href="https://example.org/ü"' in page


def test_the_source_is_downloaded_as_it_was_sent(client: FlaskClient, folder: Path) -> None:
    content = a_mail().as_bytes(policy=SMTP)
    mail = keep(folder, content)
    response = client.get(f"/mail/{mail.identifier}/raw")
    assert response.data == content
    assert response.mimetype == "message/rfc822"
    assert response.headers["Content-Disposition"] == f"attachment; filename={mail.identifier}.eml"


@pytest.mark.parametrize("address", ["/mail/nothing", "/mail/nothing/html", "/mail/nothing/raw", "/nothing"])
def test_what_is_not_there_is_answered_with_a_page(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "not here" in response.text


def test_a_mail_that_vanishes_while_its_page_is_made_is_answered_with_a_page(
    client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = keep(folder, b"")
    monkeypatch.setattr("consent_service.demo.caught_mail.find", lambda *_: mail)
    mail.path.unlink()
    assert client.get(f"/mail/{mail.identifier}").status_code == 404


# One-click


def one_click_shown(client: FlaskClient, mail: CaughtMail) -> str | None:
    found = re.search(r"<textarea[^>]*>(.*)</textarea>", client.get(f"/mail/{mail.identifier}").text)
    return found[1] if found else None


def test_the_curl_line_of_a_mail_with_one_click(client: FlaskClient, folder: Path) -> None:
    message = a_mail(
        List_Unsubscribe="<mailto:u@example.com?subject=x>, <http://localhost:5000/u/a.b-c_d>",
        List_Unsubscribe_Post="List-Unsubscribe=One-Click",
    )
    mail = keep(folder, message.as_bytes(policy=SMTP))
    line = "curl -X POST -d &#39;List-Unsubscribe=One-Click&#39; http://localhost:5000/u/a.b-c_d"
    assert one_click_shown(client, mail) == line


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"List-Unsubscribe: <https://example.org/u>\r\n",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"List-Unsubscribe: <mailto:u@example.org>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"List-Unsubscribe: <https://example.org/u>\r\nList-Unsubscribe-Post: '; rm -rf ~\r\n",
    ],
)
def test_no_curl_line_without_both_headers(client: FlaskClient, folder: Path, headers: bytes) -> None:
    assert one_click_shown(client, keep(folder, headers + b"\r\n")) is None


def test_the_curl_line_cannot_run_a_command(client: FlaskClient, folder: Path) -> None:
    link = b"List-Unsubscribe: <https://example.org/';$(reboot)`reboot`>\r\n"
    mail = keep(folder, link + b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n")
    line = one_click_shown(client, mail)
    assert line is not None
    assert line.endswith(" &#39;https://example.org/&#39;&#34;&#39;&#34;&#39;;$(reboot)`reboot`&#39;")


# A hostile mail

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def hostile(folder: Path) -> CaughtMail:
    """Script in every part and header, a charset that is none, and no subject."""
    return keep(
        folder,
        f"From: {SCRIPT}\r\nX-Other: \"'{SCRIPT}\r\n".encode()
        + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        + f"--b\r\nContent-Type: text/plain; charset=no\r\n\r\njavascript:alert(1) {SCRIPT} \xff\r\n".encode("latin-1")
        + f'--b\r\nContent-Type: text/html\r\n\r\n<base href="//evil.example">{SCRIPT}\xff\r\n--b--'.encode("latin-1"),
        recipient=f"{SCRIPT}@example.org",
    )


def test_a_hostile_mail_is_only_text_on_the_pages(client: FlaskClient, hostile: CaughtMail) -> None:
    for address in ("/", "/?q=script", f"/mail/{hostile.identifier}"):
        response = client.get(address)
        assert response.status_code == 200
        assert "(no subject)" in response.text
        assert "&lt;script&gt;" in response.text
        assert "<script" not in response.text
        assert 'href="javascript' not in response.text


def test_a_hostile_search_is_only_text(client: FlaskClient) -> None:
    assert "<script" not in client.get("/", query_string={"q": f'">{SCRIPT}'}).text


def test_a_mails_html_is_sandboxed_by_its_own_answer(client: FlaskClient, hostile: CaughtMail) -> None:
    response = client.get(f"/mail/{hostile.identifier}/html")
    policy = directives(response.headers["Content-Security-Policy"])
    assert policy["sandbox"] == {"allow-popups", "allow-popups-to-escape-sandbox"}
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == {"'none'"}
    assert policy["style-src"] == {"'unsafe-inline'"}
    assert "script-src" not in policy
    assert policy["frame-ancestors"] == {"'self'"}
    # Links must open in a tab, whatever base the mail brings.
    assert response.text.startswith('<!doctype html><base target="_blank">')
    assert response.text.index('target="_blank"') < response.text.index("evil.example")


def test_no_page_allows_script_or_inline_style(client: FlaskClient, hostile: CaughtMail) -> None:
    for address in ("/", f"/mail/{hostile.identifier}", f"/mail/{hostile.identifier}/raw", "/nothing"):
        response = client.get(address)
        policy = directives(response.headers["Content-Security-Policy"])
        assert policy["default-src"] == policy["frame-ancestors"] == {"'none'"}
        assert "unsafe" not in str(policy)
        assert "script-src" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"


def directives(policy: str) -> dict[str, set[str]]:
    parts = [part.split() for part in policy.split(";")]
    return {name: set(values) for name, *values in parts}
