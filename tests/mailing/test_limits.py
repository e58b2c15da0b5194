"""Limits and back-off over real SMTP: what a provider may not get now waits, and holds up nobody else."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa
import time_machine

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId
from consent_service.limits import steering
from consent_service.limits.models import Provider, ProviderDomain
from consent_service.limits.rules import Limits
from consent_service.mailing import claiming, retrying, returns
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import Message
from consent_service.mailing.outcomes import FailureKind
from consent_service.mailing.rules import BounceKind, Lane, MailKind
from consent_service.subjects.models import Subject
from tests.driving import add_people
from tests.mailing.campaigning import messages, service, start_mailing, states
from tests.mailing.servers import Recorder, serving

SENDER = "beispiel.example"


@pytest.fixture
def service_of_ours(database_url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(claiming, "shared_now", lambda _: clock.now())  # PostgreSQL's clock does not travel with us
    with service(database_url, port):
        yield


@pytest.fixture
def carrier(service_of_ours: None) -> Iterator[Carrier]:
    carrier = Carrier(Lane.BULK, threading.Event())
    with carrier:
        yield carrier


def mail_people(*addresses: str) -> MailingId:
    """A mailing to these, filled and not yet sent."""
    people = add_people(None, len(addresses))
    with transaction() as session:
        for person, address in zip(people, addresses, strict=True):
            session.execute(
                sa.update(Subject).where(Subject.id == person).values(address=address, normalised_address=address)
            )
    return start_mailing()


def at(domain: str, number: int) -> list[str]:
    return [f"person{one}@{domain}" for one in range(number)]


def limit(name: str, **limits: float) -> None:
    with transaction() as session:
        steering.limit_provider(session, name, Limits(**limits), "anna", clock.now())  # type: ignore[arg-type]


def provider(name: str) -> Provider:
    with reading() as session:
        return session.execute(sa.select(Provider).where(Provider.name == name)).scalar_one()


def carry(carrier: Carrier, later: timedelta = timedelta(0)) -> None:
    """Carries until nothing more may go."""
    with time_machine.travel(clock.now() + later, tick=False):
        while carrier.carry_batch():
            carrier.lines[0].failures = 0  # without the pause


class TestLimitedProvider:
    @pytest.mark.parametrize("is_limited_first", [True, False], ids=["before filling", "after filling"])
    def test_gets_its_rate_and_holds_up_nobody(self, carrier: Carrier, port: int, is_limited_first: bool) -> None:
        if is_limited_first:
            limit("Gmail", per_second=2)
        mail_people(*at("gmail.com", 3), *at("googlemail.com", 3), *at("example.net", 3))
        if not is_limited_first:
            limit("Gmail", per_second=2)
        now = clock.now()
        with serving(Recorder(), port) as server, time_machine.travel(now, tick=False) as traveller:
            carry(carrier)
            assert domains(server) == {"example.net": 3, "gmail": 2}
            traveller.move_to(now + timedelta(seconds=1))
            carry(carrier)
            assert domains(server) == {"example.net": 3, "gmail": 4}
            traveller.move_to(now + timedelta(seconds=60))
            carry(carrier)
        assert domains(server) == {"example.net": 3, "gmail": 6}
        assert {row.attempts for row in messages(Message.attempts)} == {1}

    def test_of_an_hour(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("example.net", 5))
        limit("example.net", per_hour=120)
        now = clock.now()
        with serving(Recorder(), port) as server, time_machine.travel(now, tick=False) as traveller:
            carry(carrier)
            assert len(server.taken) == 2
            traveller.move_to(now + timedelta(seconds=59))
            carry(carrier)
        assert len(server.taken) == 3

    def test_of_connections_is_left_to_those_that_have_it(self, service_of_ours: None) -> None:
        mail_people(*at("gmail.com", 4), *at("example.net", 4))
        limit("Gmail", connections=1)
        with transaction() as session:
            first = claiming.claim(session, Lane.BULK, 4)
        with transaction() as session:
            second = claiming.claim(session, Lane.BULK, 8)
        gmail = provider("Gmail").id
        assert gmail in {claim.provider for claim in first}
        assert {claim.provider for claim in second} == {0}
        with transaction() as session:
            claiming.release(session, first)
        with transaction() as session:
            assert gmail in {claim.provider for claim in claiming.claim(session, Lane.BULK, 8)}

    def test_never_concerns_single_mails(self, service_of_ours: None, port: int) -> None:
        limit("example.net", per_hour=1)
        with transaction() as session:
            for name in "abc":
                mailing.enqueue(session, MailKind.TEST, f"{name}@example.net", mail, clock.now())
        single = Carrier(Lane.SINGLE, threading.Event())
        with single, serving(Recorder(), port) as server:
            single.carry_batch()
        assert len(server.taken) == 3

    def test_whose_limit_is_lifted_goes_on_at_once(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("example.net", 5))
        limit("example.net", per_hour=1)
        with serving(Recorder(), port):
            carry(carrier)
            assert states() == {"sent": 1, "queued": 4}
            limit("example.net")
            carry(carrier)
        assert states() == {"sent": 5}

    def test_is_forgotten_once_no_mailing_is_under_way(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("example.net", 1))
        limit("example.net", per_hour=1)
        limit("example.net")
        with transaction() as session:
            mailing.reunite(session)
        assert provider("example.net").is_apart
        with serving(Recorder(), port):
            carry(carrier)
        with transaction() as session:
            mailing.finish(session, clock.now())
            mailing.reunite(session)
        assert not provider("example.net").is_apart

    def test_that_was_forgotten_gets_what_somebody_tries_again(self, carrier: Carrier, port: int) -> None:
        refused = mail_people(*at("example.net", 1))
        limit("example.net", per_second=5)
        with serving(Recorder(reply_to_recipient=lambda _: "550 5.2.0 no"), port):
            carry(carrier)
        limit("example.net")
        with transaction() as session:
            mailing.finish(session, clock.now())
            mailing.reunite(session)
            retrying.ask(session, refused, [FailureKind.REFUSED], clock.now())
            retrying.retry_next(session, clock.now())
        with serving(Recorder(), port):
            carry(carrier)
        assert states() == {"sent": 1}

    def test_does_not_starve_the_others_nor_them_it(self, service_of_ours: None) -> None:
        limit("Gmail", per_second=1000)
        mail_people(*at("gmail.com", 50), *at("example.net", 50))
        taken: list[int] = []
        for _ in range(10):
            with transaction() as session:
                taken += [claim.provider for claim in claiming.claim(session, Lane.BULK, 5)]
        assert len(taken) == 50
        assert 10 <= taken.count(0) <= 40

    def test_far_ahead_of_the_others_does_not_hide_them(self, service_of_ours: None) -> None:
        mail_people(*at("gmail.com", 60), "anna@example.net")
        with transaction() as session:
            steering.pause_provider(session, "Gmail", "anna", clock.now())
        with transaction() as session:
            claims = claiming.claim(session, Lane.BULK, 5)
        assert [claim.message_id for claim in claims] == [max(row.id for row in messages(Message.id))]
        with transaction() as session:
            assert claiming.claim(session, Lane.BULK, 5) == []


def mail(own: str) -> bytes:
    return f"Message-ID: {own}\r\n\r\n".encode()


def domains(server: Recorder) -> dict[str, int]:
    taken: dict[str, int] = {}
    for one in server.taken:
        domain = one.recipient.rpartition("@")[2]
        name = "gmail" if domain in ("gmail.com", "googlemail.com") else domain
        taken[name] = taken.get(name, 0) + 1
    return taken


class TestSender:
    def test_has_limits_of_its_own(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("example.net", 3), *at("gmail.com", 3))
        with transaction() as session:
            steering.limit_sender(session, SENDER, Limits(per_second=2), "anna", clock.now())
        now = clock.now()
        with serving(Recorder(), port) as server, time_machine.travel(now, tick=False) as traveller:
            carry(carrier)
            assert len(server.taken) == 2
            traveller.move_to(now + timedelta(seconds=1))
            carry(carrier)
        assert len(server.taken) == 4

    def test_of_connections(self, service_of_ours: None) -> None:
        mail_people(*at("example.net", 4))
        with transaction() as session:
            steering.limit_sender(session, SENDER, Limits(connections=1), "anna", clock.now())
        with transaction() as session:
            assert len(claiming.claim(session, Lane.BULK, 2)) == 2
        with transaction() as session:
            assert claiming.claim(session, Lane.BULK, 2) == []

    def test_is_warmed_up(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("example.net", 9))
        now = clock.now()
        with transaction() as session:
            steering.warm_up(session, SENDER, 2, 8, "anna", now)
        sent = []
        with serving(Recorder(), port) as server:
            for day in (0, 0.9, 1, 2, 3):
                with time_machine.travel(now + timedelta(days=day, seconds=1), tick=False):
                    carry(carrier)
                sent.append(len(server.taken))
        assert sent == [2, 2, 6, 9, 9]

    def test_loses_nothing_of_its_day_to_a_server_that_closes_after_each_mail(
        self, carrier: Carrier, port: int
    ) -> None:
        with transaction() as session:
            steering.warm_up(session, SENDER, 6, 100, "anna", clock.now())
        mail_people(*at("example.net", 10))
        with serving(Recorder(closes_after_each=True), port):
            carry(carrier)
        assert states() == {"sent": 6, "queued": 4}

    def test_loses_nothing_of_its_day_to_a_server_that_is_away(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("example.net", 9))
        with transaction() as session:
            steering.warm_up(session, SENDER, 5, 80, "anna", clock.now())
        for _ in range(3):
            carrier.carry_batch()
            carrier.lines[0].failures = 0
        with serving(Recorder(), port) as server:
            carry(carrier)
        assert len(server.taken) == 5


class TestBackOff:
    @pytest.mark.parametrize("reply", ["421 4.7.0 too fast", "450 4.7.1 slower, please"])
    def test_halves_and_grows_again(self, carrier: Carrier, port: int, reply: str) -> None:
        mail_people(*at("gmail.com", 6), *at("example.net", 6))
        turns = count()
        busy = Recorder(
            reply_to_recipient=lambda who: reply if who.endswith("@gmail.com") and next(turns) == 0 else None
        )
        now = clock.now()
        with serving(busy, port) as server, time_machine.travel(now, tick=False) as traveller:
            carry(carrier)
            assert provider("Gmail").slowed_to == 5
            assert provider("Gmail").said == reply[:9]
            assert domains(server) == {"example.net": 6, "gmail": 5}
            assert states() == {"sent": 11, "deferred": 1}
            traveller.move_to(now + timedelta(seconds=100))
            carry(carrier)
        assert states() == {"sent": 12}
        assert provider("Gmail").slowed_to == 6.25

    def test_leaves_others_of_the_same_batch_to_another_choice(self, carrier: Carrier, port: int) -> None:
        """What is claimed for the provider is put back rather than refused, one after the other."""
        limit("Gmail", per_second=1)
        limit("Gmail")
        mail_people(*at("gmail.com", 9))
        with serving(Recorder(reply_to_recipient=lambda _: "450 4.7.0 slower"), port) as server:
            carrier.carry_batch()
        assert len(server.begun) <= 2  # a pipelined one may already be under way


class TestPause:
    def test_keeps_what_was_refused_and_what_waits(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("gmail.com", 4), *at("example.net", 4))
        refusing = Recorder(
            reply_to_recipient=lambda who: "550 5.7.1 your reputation" if who.endswith("@gmail.com") else None
        )
        with serving(refusing, port) as server:
            carry(carrier)
            assert domains(server) == {"example.net": 4}
            assert states()["failed"] == 0
            assert states()["deferred"] >= 1
            assert len([who for who, _ in server.begun if who.endswith("@gmail.com")]) <= 2
            refusing.reply_to_recipient = lambda _: None
            carry(carrier, timedelta(days=1))
            assert domains(server) == {"example.net": 4}
            with transaction() as session:
                steering.lift(session, "Gmail", "anna", clock.now())
            carry(carrier)
        assert states() == {"sent": 8}

    @pytest.mark.parametrize(
        ("status", "is_paused"), [("5.7.1", True), ("5.1.1", False), (None, False)], ids=["policy", "gone", "no status"]
    )
    def test_follows_reports_of_two_recipients_as_well(
        self, carrier: Carrier, port: int, status: str | None, is_paused: bool
    ) -> None:
        mail_people("anna@gmail.com", "bernd@googlemail.com")
        with serving(Recorder(), port):
            carry(carrier)
        bounce(0, status)
        assert not found_paused("Gmail")
        bounce(1, status)
        assert found_paused("Gmail") == is_paused

    def test_follows_reports_about_a_provider_of_thousands_of_domains(self, carrier: Carrier, port: int) -> None:
        with transaction() as session:
            steering.assign(session, "firma.example", "Gmail", "anna", clock.now())
            theirs = session.execute(sa.select(Provider.id).where(Provider.name == "Gmail")).scalar_one()
            domains = [{"domain": f"firma{number}.example", "provider_id": theirs} for number in range(2000)]
            session.execute(sa.insert(ProviderDomain), domains)
        mail_people("anna@gmail.com", "bernd@firma.example")
        with serving(Recorder(), port):
            carry(carrier)
        bounce(0, "5.7.1")
        assert not found_paused("Gmail")
        bounce(1, "5.7.1")
        assert found_paused("Gmail")

    def test_does_not_follow_one_recipients_reports(self, carrier: Carrier, port: int) -> None:
        """Who has got a mail can write as many as they like."""
        mail_people("anna@gmail.com", "bernd@example.net")
        start_mailing()
        with serving(Recorder(), port):
            carry(carrier)
        for number in range(4):
            bounce(number, "5.7.1")
        assert not found_paused("Gmail")

    def test_does_not_follow_reports_that_have_nothing_to_do_with_each_other(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("gmail.com", 2))
        with serving(Recorder(), port):
            carry(carrier)
        bounce(0, "5.7.1")
        bounce(1, "5.7.1", timedelta(hours=1, seconds=1))
        assert not found_paused("Gmail")

    def test_is_not_repeated_for_mail_that_was_sent_before_it_was_lifted(self, carrier: Carrier, port: int) -> None:
        mail_people(*at("gmail.com", 3))
        with serving(Recorder(), port):
            carry(carrier)
        bounce(0, "5.7.1")
        bounce(1, "5.7.1")
        with transaction() as session:
            steering.lift(session, "Gmail", "anna", clock.now())
        bounce(2, "5.7.1")
        assert not found_paused("Gmail")


def bounce(number: int, status: str | None, later: timedelta = timedelta(0)) -> None:
    """A report about one of the messages."""
    with transaction() as session:
        message = returns.find(session, messages(Message.public_id)[number].public_id)
        assert message is not None
        kind = BounceKind.POLICY if status != "5.1.1" else BounceKind.GONE
        returns.bounced(session, message, returns.Bounce(kind, status, "words"), clock.now() + later)


def found_paused(name: str) -> bool:
    return provider(name).paused_at is not None
