"""A test mail and its copy: sent, signed as a relay does it, taken by `inbound`, and verified."""

import json
import re
import subprocess
import sys
import threading
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.application import create_app
from consent_service.cli import commands
from consent_service.config import from_environment
from consent_service.database import reading, transaction
from consent_service.deliverability import checking, seeds
from consent_service.deliverability.rules.copy import verify_copy
from consent_service.deliverability.rules.findings import Check, Verdict
from consent_service.dns_lookup.zone import Zone
from consent_service.extensions import database
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.parsing import Envelope, Mail
from consent_service.inbound.rules import InboundState
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.rules import Lane
from consent_service.signing import queries as signing_keys
from consent_service.signing import service as signing
from consent_service.signing.rules import Algorithm
from tests.conftest import environment, free_port, run_command
from tests.deliverability.conftest import variables
from tests.deliverability.zones import KEY, in_zone_file, key_record, private_pem, zone
from tests.dns_lookup.dns_server import Names
from tests.driving import Mailbox, Worker
from tests.mailing.campaigning import service
from tests.mailing.servers import Recorder, serving

AUTHOR = "beispiel.example"
SEED = "seed@beispiel.example"
HEADERS = [
    b"From",
    b"To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"List-Unsubscribe",
    b"List-Unsubscribe-Post",
    b"List-Id",
]
RESULTS = b"Authentication-Results: mx.beispiel.example; dkim=pass header.d=beispiel.example; spf=pass; dmarc=pass\r\n"
KEYS: Zone = zone(
    {
        ("s1._domainkey.beispiel.example", "TXT"): [key_record(KEY)],
        ("s1._domainkey.relay.example", "TXT"): [key_record(KEY)],
        ("_dmarc.beispiel.example", "TXT"): ["v=DMARC1; p=reject"],
    }
)


def take(session: Session, data: bytes) -> bool:
    """As `inbound` does with each mail that comes in."""
    return seeds.take(session, Mail.read(Envelope(None, ()), data).header, data, clock.now())


def _signed(raw: bytes, headers: list[bytes] = HEADERS, domain: bytes = b"beispiel.example") -> bytes:
    signature: bytes = dkim.sign(raw, b"s1", domain, private_pem(KEY), include_headers=headers)
    return signature + raw


@pytest.fixture
def sent(app: Flask, worker: Worker, mailbox: Mailbox) -> bytes:
    """A test mail as the relay got it."""
    with transaction() as session:
        seeds.send(session, SEED, clock.now())
    worker.work()
    return mailbox.latest(SEED).raw


def _verdicts(raw: bytes) -> set[Verdict]:
    return {one.verdict for one in verify_copy(raw, AUTHOR, KEYS)}


def test_a_copy_is_worth_what_arrived(sent: bytes) -> None:
    good = RESULTS + _signed(sent)
    assert _verdicts(good) == {Verdict.WELL}
    assert _verdicts(b"Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n" + good) == {Verdict.WELL}
    assert _verdicts(RESULTS + sent) == {Verdict.COPY_UNSIGNED}
    assert _verdicts(_signed(sent)) == {Verdict.COPY_NOT_JUDGED}
    assert _verdicts(good.replace(b"spf=pass", b"spf=softfail")) == {Verdict.COPY_JUDGED_BAD}
    assert _verdicts(RESULTS.replace(b"dkim=pass", b"dkim=fail") + RESULTS + _signed(sent)) == {Verdict.COPY_JUDGED_BAD}
    forged_below = RESULTS + RESULTS.replace(b"dkim=pass", b"dkim=fail") + _signed(sent)
    assert _verdicts(forged_below) == {Verdict.WELL}


def test_what_happened_to_it_on_its_way(sent: bytes) -> None:
    good = RESULTS + _signed(sent)
    assert _verdicts(good.replace(b"tests whether", b"doubts whether")) == {Verdict.COPY_SIGNATURE_FAILS}
    assert Verdict.COPY_SIGNATURE_FAILS in _verdicts(good.replace(b"Subject: ", b"Subject: [extern] "))
    assert _verdicts(RESULTS + _signed(sent, domain=b"relay.example")) == {Verdict.COPY_SIGNED_BY_OTHERS}
    few = RESULTS + _signed(sent, [b"From", b"Subject"])
    assert _verdicts(few) == {Verdict.COPY_WAY_OUT_UNSIGNED}
    twice = re.sub(rb"(?m)^(Date: .*\r\n)", rb"\1\1", sent, count=1)
    assert _verdicts(RESULTS + _signed(twice)) == {Verdict.COPY_HEADER}
    for gone in (rb"List-Unsubscribe-Post: .*\r\n", rb"List-Unsubscribe: .*\r\n .*\r\n"):
        stripped = re.sub(rb"(?m)^" + gone, b"", sent)
        assert stripped != sent
        assert Verdict.COPY_WAY_OUT in _verdicts(RESULTS + _signed(stripped))
    in_header, in_text, in_html = sent.split(b"/unsubscribe/", 3)[:3]
    rest = sent.removeprefix(b"/unsubscribe/".join([in_header, in_text, in_html]))
    for hidden in ((b"/elsewhere/", b"/unsubscribe/"), (b"/unsubscribe/", b"/elsewhere/")):
        altered = (
            in_header + b"/unsubscribe/" + in_text + hidden[0] + in_html + rest.replace(b"/unsubscribe/", hidden[1])
        )
        assert _verdicts(RESULTS + _signed(altered)) == {Verdict.COPY_WAY_OUT}


@given(st.binary(max_size=400), st.sampled_from([b"", b"DKIM-Signature: v=1; a=rsa-sha256; d=x; s=y; b=", RESULTS]))
@settings(max_examples=200)
def test_whatever_comes_in_is_judged(raw: bytes, before: bytes) -> None:
    assert verify_copy(before + raw, AUTHOR, KEYS)


def test_it_asks_for_complaints_as_a_campaign_does(sqlite_url: str) -> None:
    port = free_port()
    with service(sqlite_url, port, COMPLAINTS_TO="fbl@beispiel.example"), serving(Recorder(), port) as server:
        with transaction() as session:
            seeds.send(session, SEED, clock.now())
        with Carrier(Lane.SINGLE, threading.Event()) as carrier:
            carrier.carry_batch()
    mail = message_from_bytes(server.taken[0].data)
    assert mail["CFBL-Address"] == "fbl@beispiel.example; report=arf"
    assert mail["CFBL-Feedback-ID"]


def test_only_the_first_copy_of_a_test_mail_is_taken(app: Flask, sent: bytes, mailbox: Mailbox) -> None:
    other = re.sub(rb"[0-9a-f]{32}", b"f" * 32, sent)
    folded = re.sub(rb"Message-ID: ", b"message-id:\r\n ", sent)
    with transaction() as session:
        assert not take(session, other)
        assert not take(session, b"\xff\x00 no mail")
        assert not take(session, b"")
        assert take(session, folded)
        assert not take(session, sent)
    found = re.search(rb"Message-ID: <(\w{32})@", sent)
    assert found is not None
    with reading() as session:
        assert seeds.copy_of(session, found[1].decode()) == folded  # type: ignore[arg-type]


def test_sent_awaited_and_verified_at_the_command_line(
    app: Flask, names: Names, worker: Worker, mailbox: Mailbox
) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    command = [
        str(Path(sys.executable).with_name("consent-service")),
        "check",
        "--seed",
        SEED,
        "--wait",
        "300",
        "--json",
    ]
    values = {"PATH": "/usr/bin:/bin", **environment(url, mailbox.port, **variables(names))}
    with subprocess.Popen(command, env=values, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert "waiting 300 s" in running.stderr.readline()
        worker.work()
        copy = RESULTS + _signed(mailbox.latest(SEED).raw)
        with transaction() as session:
            assert take(session, copy)
        stdout, stderr = running.communicate(timeout=90)
    assert running.returncode == 0, stderr
    assert [one["verdict"] for one in json.loads(stdout)] == ["well"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_copy_is_said_and_a_saved_one_is_verified(app: Flask, names: Names, sent: bytes, tmp_path: Path) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    late = run_command(url, "check", "--seed", SEED, "--wait", "0")
    assert late.returncode == 1
    assert "no copy came back within 0 s" in late.stderr
    saved = tmp_path / "copy.eml"
    saved.write_bytes(RESULTS + sent)
    verify, runner = ["check", "--copy", str(saved)], app.test_cli_runner()
    unsigned = runner.invoke(commands, verify)
    assert unsigned.exit_code == 1
    assert "has no DKIM signature" in " ".join(unsigned.stdout.replace("│", " ").split())
    saved.write_bytes(RESULTS + _signed(sent))
    assert runner.invoke(commands, verify).exit_code == 0


def test_a_relay_may_write_a_message_id_of_its_own(app: Flask, sent: bytes) -> None:
    renamed = re.sub(rb"Message-ID: <[0-9a-f]{32}@localhost>", b"Message-ID: <0100018f-000000@relay.example>", sent)
    assert renamed != sent
    with transaction() as session:
        assert take(session, renamed)


def test_signed_by_the_service_and_back_through_inbound(
    database_url: str, names: Names, worker: Worker, mailbox: Mailbox
) -> None:
    more = {**variables(names), "DKIM": "service", "DKIM_SELECTORS": ""}
    app = create_app(from_environment(environment(database_url, mailbox.port, **more)))
    with app.app_context():
        with transaction() as session:
            signing.create(session, AUTHOR, tuple(Algorithm), clock.now())
            keys = signing_keys.keys(session, AUTHOR)
            signing.activate(session, AUTHOR, [key.selector for key in keys], clock.now())
        unpublished = [one for one in checking.look(checking.zone()) if one.check is Check.DKIM]
        assert [one.verdict for one in unpublished] == [Verdict.DKIM_MISSING] * 2
        for one in unpublished:
            assert one.record is not None
            names.table[one.record.name, "TXT"] = [in_zone_file(one.record.value)]
        published = [one for one in checking.look(checking.zone()) if one.check is Check.DKIM]
        assert [one.verdict for one in published] == [Verdict.WELL] * 2
        with transaction() as session:
            public_id = seeds.send(session, SEED, clock.now())
        worker.work()
        arrived = RESULTS.decode() + mailbox.latest(SEED).raw.decode("ascii")
        receive = ("inbound", "receive", "--sender", "b@bounces.beispiel.example", "--recipient", SEED)
        assert run_command(database_url, *receive, stdin=arrived, **more).returncode == 0
        worker.work()
        with reading() as session:
            copy = seeds.copy_of(session, public_id)
            states = session.execute(sa.select(InboundMessage.state)).scalars().all()
        assert copy is not None
        assert [one.verdict for one in verify_copy(copy, AUTHOR, checking.zone())] == [Verdict.WELL]
        assert states == [InboundState.HANDLED]
        database.engine.dispose()
