"""Campaigns that pause by themselves: too many complaints or bounces, or nothing got out for too long."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from consent_service import clock
from consent_service.campaigns import service as campaigns
from consent_service.campaigns.rules import Act, Words
from consent_service.campaigns.service import Draft
from consent_service.config.thresholds import Threshold
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.limits import steering
from consent_service.mailing import claiming, watching
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.rules import Lane, MailingState, MailKind, MessageState, Verdict, is_tail, verdict
from tests.conftest import sign_in
from tests.driving import Worker, add_people, hidden, text_of
from tests.mailing.campaigning import change_messages, states

COMPLAINTS = Threshold(alarm=0.001, pause=0.003, least_messages=1000)


class TestRules:
    @pytest.mark.parametrize(
        ("share", "accepted", "means"),
        [
            (0.0009, 0, None),
            (0.001, 0, Verdict.ALARM),
            (0.003, 0, Verdict.PAUSE),
            (0.0035, 0.0035, None),
            (0.0066, 0.0035, Verdict.PAUSE),
        ],
    )
    def test_verdict(self, share: float, accepted: float, means: Verdict | None) -> None:
        assert verdict(share, COMPLAINTS, accepted) is means

    @given(share=st.floats(0, 1), accepted=st.floats(0, 1))
    def test_what_was_accepted_never_pauses_again(self, share: float, accepted: float) -> None:
        assert verdict(min(share, accepted), COMPLAINTS, accepted) is None

    @pytest.mark.parametrize(
        ("waiting", "untried", "sent", "is_so"), [(5, 0, 100, True), (6, 0, 100, False), (1, 1, 100, False)]
    )
    def test_tail(self, waiting: int, untried: int, sent: int, is_so: bool) -> None:
        assert is_tail(waiting, untried, sent) == is_so


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "shared_now", lambda _: clock.now())  # PostgreSQL's clock does not travel with us


@pytest.fixture
def campaign(staff_client: FlaskClient, worker: Worker) -> PublicId:
    """A campaign to five people, filled and not yet sent."""
    add_people(None, 5)
    with transaction() as session:
        draft = Draft("newsletter", {Language.GERMAN: Words("Neues", "Hallo")})
        public_id = campaigns.create(session, draft, "anna", clock.now())
    page = staff_client.get(f"/staff/campaigns/{public_id}/check").text
    press(staff_client, page, f"/staff/campaigns/{public_id}/send", checked=hidden(page, "checked"))
    worker.settle()
    return public_id


def press(client: FlaskClient, page: str, path: str, **more: str) -> None:
    assert client.post(path, data={"csrf_token": hidden(page, "csrf_token"), **more}).status_code == 303


def resume(client: FlaskClient, campaign: PublicId) -> None:
    page = client.get(f"/staff/campaigns/{campaign}").text
    press(client, page, f"/staff/campaigns/{campaign}/resume")


def handed_over(number: int, **by_state: int) -> None:
    """As if the campaign had gone to so many more, some of whom complained or whose mail came back."""
    with transaction() as session:
        mailing = session.execute(sa.select(Mailing.id)).scalar_one()
        all_states = [state for state, count in by_state.items() for _ in range(count)]
        session.execute(
            sa.insert(Message),
            [
                {
                    "public_id": new_public_id(),
                    "kind": MailKind.CAMPAIGN,
                    "state": MessageState(state),
                    "created_at": clock.now(),
                    "not_before": clock.now(),
                    "attempts": 1,
                    "mailing_id": mailing,
                }
                for state in [*all_states, *["sent"] * (number - len(all_states))]
            ],
        )


def state() -> MailingState:
    with reading() as session:
        return session.execute(sa.select(Mailing.state)).scalar_one()


def seen(client: FlaskClient, path: str = "/staff/") -> str:
    return text_of(client.get(path).text)


class TestReturns:
    @pytest.mark.parametrize("came_back", [{"complained": 3}, {"bounced": 30, "failed": 20}], ids=str)
    def test_pause_it_until_a_person_has_seen_them(
        self, staff_client: FlaskClient, campaign: PublicId, came_back: dict[str, int]
    ) -> None:
        handed_over(1000, **came_back)
        watching.watch()
        assert state() is MailingState.PAUSED
        for path in ("/staff/", f"/staff/campaigns/{campaign}"):
            assert "was paused" in seen(staff_client, path)
        assert ("0.3%" if "complained" in came_back else "5%") in seen(staff_client)
        resume(staff_client, campaign)
        assert "was paused" not in seen(staff_client)
        watching.watch()
        assert state() is MailingState.RUNNING

    def test_pause_it_again_once_there_are_as_many_more(self, staff_client: FlaskClient, campaign: PublicId) -> None:
        handed_over(1000, complained=3)
        watching.watch()
        resume(staff_client, campaign)
        handed_over(1000, complained=10)
        watching.watch()
        assert state() is MailingState.PAUSED

    @pytest.mark.parametrize("came_back", [{"complained": 1}, {"bounced": 20}], ids=str)
    def test_that_are_fewer_are_an_alarm(
        self, staff_client: FlaskClient, campaign: PublicId, came_back: dict[str, int]
    ) -> None:
        handed_over(1000, **came_back)
        watching.watch()
        watching.watch()
        assert state() is MailingState.RUNNING
        assert "was paused" not in seen(staff_client)
        assert ("complain" if "complained" in came_back else "come back") in seen(staff_client)

    @pytest.mark.parametrize(
        ("number", "came_back"),
        [(999, {"complained": 9}), (99, {"bounced": 99}), (1001, {"complained": 1}), (1000, {"bounced": 19})],
    )
    def test_that_say_nothing_are_not_mentioned(
        self, staff_client: FlaskClient, campaign: PublicId, number: int, came_back: dict[str, int]
    ) -> None:
        handed_over(number, **came_back)
        watching.watch()
        assert state() is MailingState.RUNNING
        page = staff_client.get("/staff/").text
        assert "notice warning" not in page
        assert "notice danger" not in page

    def test_of_one_that_has_ended_are_an_alarm(
        self, staff_client: FlaskClient, campaign: PublicId, worker: Worker
    ) -> None:
        worker.work()
        handed_over(1000, complained=9)
        watching.watch()
        assert state() is MailingState.DONE
        assert "complain" in seen(staff_client)


class TestStale:
    def test_waits_for_a_persons_word(self, staff_client: FlaskClient, campaign: PublicId, worker: Worker) -> None:
        with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1)):
            carry()
            assert states() == {"queued": 5}
            watching.watch()
            assert state() is MailingState.PAUSED
            sign_in(staff_client)
            page = seen(staff_client, f"/staff/campaigns/{campaign}")
            assert "could not go out for more than 24 hours" in page
            resume(staff_client, campaign)
            worker.work()
        assert states() == {"sent": 5}

    def test_goes_out_before(self, campaign: PublicId) -> None:
        with time_machine.travel(clock.now() + timedelta(hours=23, minutes=59)):
            watching.watch()
            carry()
        assert states() == {"sent": 5}

    def test_is_not_what_something_went_out_of(self, campaign: PublicId) -> None:
        now = clock.now()
        with transaction() as session:
            session.execute(
                sa.update(Message).where(Message.subject_id > 1).values(not_before=now + timedelta(hours=30))
            )
        with time_machine.travel(now + timedelta(hours=20)):
            carry()
        with time_machine.travel(now + timedelta(hours=40)):
            watching.watch()
            assert state() is MailingState.RUNNING
            carry()
        assert states() == {"sent": 5}

    def test_is_not_the_rest_that_is_tried_again(self, campaign: PublicId) -> None:
        change_messages(attempts=5, state="deferred")
        handed_over(100)
        with time_machine.travel(clock.now() + timedelta(hours=25)):
            watching.watch()
            assert state() is MailingState.RUNNING
            carry()
        assert states() == {"sent": 105}

    def test_is_not_what_waits_for_the_next_day_of_a_warm_up(self, campaign: PublicId) -> None:
        now = clock.now()
        with transaction() as session:
            steering.warm_up(session, "beispiel.example", 2, 100, "anna", now)
        for hours in (0, 26):
            with time_machine.travel(now + timedelta(hours=hours, seconds=1)):
                watching.watch()
                carry()
        assert states() == {"sent": 5}

    def test_is_settled_when_it_is_cancelled(self, staff_client: FlaskClient, campaign: PublicId) -> None:
        with time_machine.travel(clock.now() + timedelta(hours=25)):
            watching.watch()
            with transaction() as session:
                campaigns.steer(session, campaign, Act.CANCEL, "anna", clock.now())
            sign_in(staff_client)
            page = seen(staff_client)
        assert "Cancelled" in page
        assert "was paused" not in page


def carry() -> None:
    carrier = Carrier(Lane.BULK, threading.Event())
    with carrier:
        while carrier.carry_batch():
            pass
