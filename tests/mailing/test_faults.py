"""What goes wrong between us and the mail server, over real SMTP."""

import select
import ssl
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP
from flask import Flask
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from consent_service import clock, worker
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId
from consent_service.domain.kinds import SuppressionReason
from consent_service.mailing import claiming, handover, smtp
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.claiming import Claim
from consent_service.mailing.models import MailingTemplate, Message
from consent_service.mailing.opening import CannotConnect
from consent_service.mailing.rules import Lane, MailingState, MailKind
from consent_service.mailing.smtp import Connection
from consent_service.subjects.models import Subject, Suppression
from tests.driving import add_people
from tests.mailing import certificates
from tests.mailing.campaigning import (
    IMPATIENT,
    change_messages,
    messages,
    service,
    start_mailing,
    states,
    wait_for,
)
from tests.mailing.servers import Recorder, scripted, serving


@pytest.fixture
def mailing_of_five(database_url: str, port: int) -> Iterator[MailingId]:
    """A mailing to five people, filled and not yet sent, in the context of its service."""
    with service(database_url, port):
        add_people(None, 5)
        yield start_mailing()


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    carrier = Carrier(Lane.BULK, threading.Event())
    with carrier:
        yield carrier


@pytest.mark.usefixtures("mailing_of_five")
class TestServerThatIsAway:
    def test_puts_all_back_and_counts_no_attempt(self, carrier: Carrier, port: int) -> None:
        assert carrier.carry_batch()
        assert states() == {"queued": 5}
        assert {(row.attempts, row.lease_token) for row in messages(Message.attempts, Message.lease_token)} == {
            (0, None)
        }
        assert carrier.lines[0].failures == 1
        with serving(Recorder(), port) as server:
            carrier.carry_batch()
        assert len(server.taken) == 5
        assert carrier.lines[0].failures == 0

    def test_puts_all_back_before_it_pauses(self, carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []
        monkeypatch.setattr(carrier.stop, "wait", lambda seconds: seen.append((states(), seconds)))
        for _ in range(4):
            carrier.carry_batch()
        assert all(counted == {"queued": 5} for counted, _ in seen)
        assert seen[0][1] <= 1 < 4 <= seen[3][1]

    def test_says_why(self, carrier: Carrier) -> None:
        with capture_logs() as logged:
            carrier.carry_batch()
        assert [(entry["event"], "refused" in entry["reason"]) for entry in logged] == [
            ("mail server not reached", True)
        ]


@pytest.mark.usefixtures("mailing_of_five")
class TestRefusals:
    def test_for_now_is_tried_again_with_the_same_message_id(self, carrier: Carrier, port: int) -> None:
        refused = count()
        greylisting = Recorder(reply_to_recipient=lambda _: "450 4.2.0 later" if next(refused) < 5 else None)
        with serving(greylisting, port) as server:
            before = clock.now()
            carrier.carry_batch()
            after = clock.now()
            assert states() == {"deferred": 5}
            rows = messages(Message.not_before, Message.created_at, Message.reply, Message.public_id)
            earliest, latest = before + timedelta(seconds=40), after + timedelta(seconds=75)
            assert all(earliest < row.not_before < latest for row in rows)
            assert len({row.not_before for row in rows}) == 5
            assert rows[0].reply == "450 4.2.0 later"
            assert not carrier.carry_batch()
            change_messages(not_before=clock.now())
            carrier.carry_batch()
        assert states() == {"sent": 5}
        assert {one.message_id for one in server.taken} == {f"<{row.public_id}@localhost>" for row in rows}
        assert len(server.connections) == 1

    def test_for_good_fails(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(reply_to_data=lambda _: "554 5.6.0 not this"), port):
            carrier.carry_batch()
            assert states() == {"failed": 5}
            assert not carrier.carry_batch()
        assert {row.reply for row in messages(Message.reply)} == {"554 5.6.0 not this"}
        with reading() as session:
            assert session.execute(sa.select(Suppression)).first() is None

    @pytest.mark.parametrize("reply", [b"250 2.0.0 Taken\0as 1", b"554 5.6.0 not\0this"])
    def test_is_written_down_whatever_characters_it_has(self, carrier: Carrier, port: int, reply: bytes) -> None:
        with scripted(port, lambda line: reply if line == b".\r\n" else None):
            carrier.carry_batch()
            carrier.lines[0].connection.close()
        assert {row.reply for row in messages(Message.reply)} == {reply.decode().replace("\0", "\ufffd")}

    @pytest.mark.parametrize("code", ["5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
    def test_address_that_is_gone_is_suppressed(self, carrier: Carrier, port: int, code: str) -> None:
        gone = Recorder(
            reply_to_recipient=lambda address: f"550 {code} unknown" if address == "person3@example.org" else None
        )
        with serving(gone, port):
            carrier.carry_batch()
        assert states() == {"sent": 4, "failed": 1}
        with reading() as session:
            digest = session.execute(
                sa.select(Subject.suppression_digest).where(Subject.address == "person3@example.org")
            ).scalar_one()
            suppression = session.execute(sa.select(Suppression)).scalar_one()
        assert (suppression.digest, suppression.reason) == (digest, SuppressionReason.BOUNCED)
        assert suppression.purpose_id is None

    def test_policy_suppresses_nobody(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(reply_to_recipient=lambda _: "550 5.7.1 we do not like you"), port):
            carrier.carry_batch()
        with reading() as session:
            assert session.execute(sa.select(Suppression)).first() is None

    def test_refusal_stands_where_the_server_then_hangs_up(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(reply_to_recipient=lambda _: "550 5.2.0 go away"), port) as server:

            async def hang_up(smtp_server: SMTP, session: object, envelope: object) -> str:
                server.connections.clear()
                smtp_server.transport.abort()
                return "421 never seen"

            server.handle_RSET = hang_up
            carrier.carry_batch()
        assert states() == {"failed": 1, "queued": 4}


@pytest.mark.usefixtures("mailing_of_five")
class TestServerThatHangsUp:
    def test_in_the_middle_of_data(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(hang_up_in_data=1), port) as server:
            carrier.carry_batch()
            assert states() == {"deferred": 1, "queued": 4}
            carrier.carry_batch()
            assert states() == {"deferred": 1, "sent": 4}
            change_messages(not_before=clock.now())
            carrier.carry_batch()
        assert states() == {"sent": 5}
        assert set(server.recipients().values()) == {1}
        assert len(server.connections) == 2

    def test_with_421_in_the_middle_of_a_session(self, carrier: Carrier, port: int) -> None:
        turns = count(1)
        full = Recorder(
            reply_to_recipient=lambda _: "421 4.7.0 enough for one connection" if next(turns) == 3 else None
        )
        with serving(full, port) as server:
            carrier.carry_batch()
            assert states() == {"sent": 2, "deferred": 1, "queued": 2}
            carrier.carry_batch()
            assert states() == {"sent": 4, "deferred": 1}
        assert len(server.connections) == 2

    def test_while_we_were_idle(self, carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(smtp, "CHECK_AFTER_IDLE_SECONDS", 0)
        with serving(Recorder(), port, seconds_idle=0.3):
            carrier.lines[0].connection.open()
            wait_for(lambda: is_closed(carrier.lines[0].connection))
        with serving(Recorder(), port) as server:
            carrier.carry_batch()
        assert states() == {"sent": 5}
        assert {row.attempts for row in messages(Message.attempts)} == {1}
        assert len(server.connections) == 1


def test_slow_server_runs_into_the_timeout(database_url: str, port: int) -> None:
    with service(database_url, port, **IMPATIENT), serving(Recorder(seconds_per_mail=1.5), port):
        add_people(None, 5)
        start_mailing()
        with Carrier(Lane.BULK, threading.Event()) as carrier:
            carrier.carry_batch()
        assert states() == {"deferred": 1, "queued": 4}
        assert "connection lost" in str(messages(Message.reply)[0].reply)


def is_closed(connection: Connection) -> bool:
    """Whether the server has ended it: without our asking it says nothing else."""
    server = connection._server
    assert server is not None
    assert server.sock is not None
    return bool(select.select([server.sock], [], [], 0)[0])


@pytest.mark.usefixtures("mailing_of_five")
class TestKeptOpenConnection:
    def test_serves_many_batches_and_outlives_a_lull(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(), port) as server:
            carrier.carry_batch()
            change_messages(state="queued")
            assert carrier.carry_batch()
            assert not carrier.carry_batch()
            assert carrier.lines[0].connection.is_open
        assert len(server.taken) == 10
        assert len(server.connections) == 1

    def test_is_closed_after_a_while(self, carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(Recorder(), port):
            carrier.carry_batch()
            monkeypatch.setattr(smtp, "CLOSE_AFTER_IDLE_SECONDS", 0)
            assert not carrier.carry_batch()
            wait_for(lambda: not carrier.lines[0].connection.is_open)


class TestDatabaseThatFails:
    def test_outcome_survives_a_failed_next_step(
        self, mailing_of_five: MailingId, carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decide, turns = handover.step, count(1)

        def fails_at_third(*arguments: object) -> object:
            if next(turns) == 3:
                raise sa.exc.OperationalError("step", {}, Exception("the database went away"))
            return decide(*arguments)

        monkeypatch.setattr(handover, "step", fails_at_third)
        with serving(Recorder(), port) as server:
            with pytest.raises(sa.exc.OperationalError):
                carrier.run()
            assert not carrier.lines[0].connection.is_open
            assert states() == {"sent": 2, "claimed": 1, "queued": 2}
            change_messages(lease_until=clock.now() - timedelta(seconds=1))
            with transaction() as session:
                claiming.take_up_abandoned(session)
            carrier.carry_batch()
        assert set(server.recipients().values()) == {1}
        assert states() == {"sent": 5}

    def test_outcome_is_written_when_the_database_is_back(
        self, mailing_of_five: MailingId, carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even after the lease has ended, as long as nobody else has begun with the message."""

        def fails(*_: object) -> None:
            raise sa.exc.OperationalError("record", {}, Exception("the database is away"))

        record, step, turns = handover.record, handover.step, count(1)
        with serving(Recorder(), port) as server:
            monkeypatch.setattr(handover, "record", fails)
            monkeypatch.setattr(handover, "step", lambda *given: step(*given) if next(turns) == 1 else fails())
            with pytest.raises(sa.exc.OperationalError):
                carrier.run()
            monkeypatch.setattr(handover, "record", record)
            monkeypatch.setattr(handover, "step", step)
            change_messages(lease_until=clock.now() - timedelta(seconds=1))
            with transaction() as session:
                assert claiming.take_up_abandoned(session) == 5
            carrier.carry_batch()
        assert set(server.recipients().values()) == {1}
        assert states() == {"sent": 5}


class TestMailThatCannotBeComposed:
    def test_without_way_out_is_refused_by_delivery(
        self, mailing_of_five: MailingId, carrier: Carrier, port: int
    ) -> None:
        self._spoil_template(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
        self._all_fail(carrier, port)

    def test_without_a_visible_way_out_is_refused_by_delivery(
        self, mailing_of_five: MailingId, carrier: Carrier, port: int
    ) -> None:
        self._spoil_template(b"\0Punsubscribe\0")
        self._all_fail(carrier, port)

    def _spoil_template(self, missing: bytes) -> None:
        with transaction() as session:
            template = session.execute(sa.select(MailingTemplate)).scalar_one()
            assert missing in template.mime
            template.mime = template.mime.replace(missing, b"")

    def _all_fail(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(), port) as server:
            carrier.carry_batch()
        assert states() == {"failed": 5}
        assert {row.reply for row in messages(Message.reply)} == {"cannot be composed: NoWayOut"}
        assert server.begun == []

    def test_is_not_for_a_named_unsubscribe_mailbox(self, sqlite_url: str, port: int) -> None:
        named = {"UNSUBSCRIBE_MAILBOX": "Leave <leave@example.org>"}
        with service(sqlite_url, port, **named), Carrier(Lane.BULK, threading.Event()) as carrier:
            add_people(None, 1)
            start_mailing()
            with serving(Recorder(), port) as server:
                carrier.carry_batch()
            assert states() == {"sent": 1}
        assert b"<mailto:leave@example.org?subject=" in server.taken[0].data.replace(b"\r\n ", b"")

    def test_does_not_stop_its_lane(self, database_url: str, port: int) -> None:
        with service(database_url, port), serving(Recorder(), port) as server:
            with transaction() as session:
                for address in ("anna@example.org", "ä@example.org", "bert@example.org"):
                    mailing.enqueue(
                        session, MailKind.TEST, address, lambda own: f"Message-ID: {own}\r\n\r\n".encode(), clock.now()
                    )
                broken = session.execute(sa.select(Message).order_by(Message.id).limit(1)).scalar_one()
                broken.content = b"a key that is gone" + broken.content
            single = Carrier(Lane.SINGLE, threading.Event())
            with single, capture_logs() as logged:
                single.carry_batch()
            assert [row.reply for row in messages(Message.reply)] == [
                "cannot be composed: CannotDecrypt",
                "cannot be composed: ValueError",
                "250 2.0.0 Taken",
            ]
            assert [one.recipient for one in server.taken] == ["bert@example.org"]
        assert [entry["log_level"] for entry in logged if entry["event"] == "mail cannot be composed"] == ["error"] * 2
        assert "@example.org" not in str(logged)


class TestLinesThatBeginWithADot:
    """(RFC 5321 section 4.5.2)"""

    LINES = b"\r\n.\r\n..two\r\n.\r\n"

    @pytest.mark.usefixtures("mailing_of_five")
    def test_in_a_template_that_was_stored_with_them(self, carrier: Carrier, port: int) -> None:
        with transaction() as session:
            template = session.execute(sa.select(MailingTemplate)).scalar_one()
            template.mime = template.mime.replace(b"\r\n\r\n", b"\r\n" + self.LINES, 2)
        with serving(Recorder(), port) as server:
            carrier.carry_batch()
        assert [one.data.count(self.LINES) for one in server.taken] == [2] * 5

    def test_in_a_single_mail(self, database_url: str, port: int) -> None:
        with service(database_url, port), serving(Recorder(), port) as server:
            with transaction() as session:
                mailing.enqueue(
                    session,
                    MailKind.TEST,
                    "anna@example.org",
                    lambda own: f"Message-ID: {own}\r\n".encode() + self.LINES,
                    clock.now(),
                )
            with Carrier(Lane.SINGLE, threading.Event()) as single:
                single.carry_batch()
        assert [one.data.endswith(self.LINES) for one in server.taken] == [True]


class TestPausedAndCancelled:
    @pytest.mark.parametrize("state", [MailingState.PAUSED, MailingState.CANCELLED])
    def test_after_the_claim(
        self,
        mailing_of_five: MailingId,
        carrier: Carrier,
        port: int,
        monkeypatch: pytest.MonkeyPatch,
        state: MailingState,
    ) -> None:
        claim = claiming.claim

        def claim_and_change(session: Session, lane: Lane, count: int) -> list[Claim]:
            claims = claim(session, lane, count)
            mailing.change(session, mailing_of_five, state, clock.now())
            return claims

        monkeypatch.setattr(claiming, "claim", claim_and_change)
        with serving(Recorder(), port) as server:
            carrier.carry_batch()
        assert server.taken == []
        assert states() == ({"queued": 5} if state is MailingState.PAUSED else {"suppressed": 5})

    def test_a_cancelled_mailing_is_emptied_by_chunks(self, mailing_of_five: MailingId) -> None:
        with transaction() as session:
            claiming.claim(session, Lane.BULK, 1)
            mailing.change(session, mailing_of_five, MailingState.CANCELLED, clock.now())
        emptied = []
        while not emptied or emptied[-1]:
            with transaction() as session:
                emptied.append(mailing.finish(session, clock.now(), chunk=3))
        assert emptied == [3, 1, 0]
        assert states() == {"suppressed": 4, "claimed": 1}

    def test_resumed_mailing_that_rested_long_still_retries(
        self, mailing_of_five: MailingId, carrier: Carrier, port: int
    ) -> None:
        change_messages(created_at=clock.now() - timedelta(days=10))
        with serving(Recorder(reply_to_recipient=lambda _: "450 later"), port):
            carrier.carry_batch()
        assert states() == {"deferred": 5}


class TestTls:
    @pytest.fixture
    def files(self, tmp_path: Path) -> certificates.Files:
        return certificates.make(tmp_path)

    @pytest.mark.parametrize("scheme", ["smtp", "smtps"])
    def test_sends_with_sign_in(
        self, sqlite_url: str, port: int, files: certificates.Files, monkeypatch: pytest.MonkeyPatch, scheme: str
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
        with self._service(sqlite_url, port, scheme), self._serving(port, files, scheme) as server:
            add_people(None, 3)
            start_mailing()
            carrier = Carrier(Lane.BULK, threading.Event())
            with carrier:
                carrier.carry_batch()
            assert states() == {"sent": 3}
        assert (server.signed_in, server.over_tls) == (3, 3)

    @pytest.mark.parametrize("scheme", ["smtp", "smtps"])
    def test_refuses_a_certificate_that_nobody_vouches_for(
        self, sqlite_url: str, port: int, files: certificates.Files, scheme: str
    ) -> None:
        untrusted = pytest.raises(CannotConnect, match="certificate verify failed")
        with self._service(sqlite_url, port, scheme), self._serving(port, files, scheme), untrusted:
            Connection().open()

    def test_refuses_a_server_without_starttls(self, sqlite_url: str, port: int) -> None:
        unprotected = pytest.raises(CannotConnect, match="STARTTLS")
        with self._service(sqlite_url, port, "smtp"), serving(Recorder(), port), unprotected:
            Connection().open()

    def test_says_that_sign_in_was_refused(
        self, sqlite_url: str, port: int, files: certificates.Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
        refused = pytest.raises(CannotConnect, match=r"^535 ")
        with self._service(sqlite_url, port, "smtps", "wrong"), self._serving(port, files, "smtps"), refused:
            Connection().open()

    def _service(self, url: str, port: int, scheme: str, password: str = "secret") -> AbstractContextManager[Flask]:
        security = {} if scheme == "smtps" else {"SMTP_SECURITY": "starttls"}
        return service(url, port, SMTP_URL=f"{scheme}://user:{password}@127.0.0.1:{port}", **security)

    def _serving(self, port: int, files: certificates.Files, scheme: str) -> AbstractContextManager[Recorder]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(files.certificate, files.key)
        recorder = Recorder(user=(b"user", b"secret"))
        if scheme == "smtps":
            return serving(recorder, port, implicit_tls=context)
        return serving(recorder, port, starttls=context)


class TestWorkerLoops:
    def test_go_on_after_the_database_was_away(
        self, database_url: str, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        claim, turns = claiming.claim, count(1)

        def fails_at_first(*arguments: object) -> object:
            if next(turns) <= 3:
                raise sa.exc.OperationalError("claim", {}, Exception("the database is away"))
            return claim(*arguments)

        monkeypatch.setattr(claiming, "claim", fails_at_first)
        monkeypatch.setattr(worker, "RESTART_SECONDS", 0.05)
        with service(database_url, port) as app, serving(Recorder(), port), running(app):
            add_people(None, 5)
            start_mailing()
            wait_for(lambda: states() == {"sent": 5})

    @pytest.mark.parametrize("rests_seconds", [0, 3600])
    def test_a_failing_task_does_not_keep_the_others_from_their_turn(
        self, sqlite_url: str, port: int, monkeypatch: pytest.MonkeyPatch, rests_seconds: int
    ) -> None:
        """It is tried again after its rest, which the others have nothing to do with."""
        turns: list[str] = []

        def fail(_: object) -> None:
            turns.append("fails")
            raise LookupError("for ever")

        tasks = (worker.Task("fails", fail, 1), worker.Task("works", lambda _: turns.append("works"), 1))
        monkeypatch.setattr(worker, "TIMETABLE", tasks)
        monkeypatch.setattr(worker, "RESTART_SECONDS", rests_seconds)
        with service(sqlite_url, port) as app, running(app):
            wait_for(lambda: turns.count("works") >= 2)
        assert turns[:4] == (["fails", "works", "works"] if rests_seconds else ["fails", "works"] * 2)[:4]


@contextmanager
def running(app: Flask) -> Iterator[None]:
    """The whole worker in threads of the test's own process."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(app, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
