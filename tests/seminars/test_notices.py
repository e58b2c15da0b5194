"""Messages to all of a seminar: each goes out once, to those whom it concerns."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.kinds import Channel, Language
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MailKind
from consent_service.seminars import notices, queries, seating
from consent_service.seminars.models import SeminarNoticeCopy
from consent_service.seminars.planning import DraftDate
from consent_service.seminars.rules import Lead, SeatState
from consent_service.subjects import service as subjects
from tests.driving import Mailbox, Worker, hidden, path_in
from tests.seminars.driving import change, confirm, details, published

ANNA, BERT, CLARA = "anna@example.org", "bert@example.org", "clara@example.org"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def seated(public_id: str, count: int, at: datetime) -> None:
    """Gives so many people a place, past the form."""
    with transaction() as session:
        seminar_id = queries.seminar_id(session, public_id)  # type: ignore[arg-type]
        people = [
            subjects.find_or_add(session, f"p{n}@example.org", language=Language.GERMAN, name=None, at=at)
            for n in range(count)
        ]
        seminar = seating.lock(session, seminar_id)
        for person in people:
            seating.take(session, seminar, person, SeatState.PLACE, at, language=Language.GERMAN, channel=Channel.LINK)


def copies() -> Sequence[tuple[int, int]]:
    """Notice and seat of every copy."""
    with reading() as session:
        return [
            tuple(row) for row in session.execute(sa.select(SeminarNoticeCopy.notice_id, SeminarNoticeCopy.seat_id))
        ]


def mails() -> int:
    """How many mails about seminars there are."""
    with reading() as session:
        condition = Message.kind == MailKind.SEMINAR
        return session.execute(sa.select(sa.func.count()).select_from(Message).where(condition)).scalar_one()


def round_of(now: datetime) -> None:
    """What the worker's timetable does about notices."""
    with transaction() as session:
        notices.plan_reminders(session, now)
    more = True
    while more:
        with transaction() as session:
            more = notices.send_next(session, now, portion=3)


def test_a_reminder_to_those_with_a_place_and_not_after_cancelling(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    soon = clock.now() + 20 * HOUR
    with time_machine.travel(clock.now() - DAY):
        seminar = published(capacity=2, dates=[DraftDate(None, soon, soon + HOUR)], leads=[Lead.DAY])
        for address in (ANNA, BERT, CLARA):
            confirm(visitor, worker, mailbox, seminar, address)
        visitor.post(f"{path_in(mailbox.latest(BERT), 'seminar-registration')}/cancel")
        worker.work()
    worker.work()
    for _ in range(3):
        worker.work()
    reminders = [mail for mail in mailbox.mails() if "We remind you" in mail.text]
    assert sorted(mail.envelope_recipients[0] for mail in reminders) == [ANNA, CLARA]
    (mail,) = [mail for mail in reminders if mail.envelope_recipients[0] == ANNA]
    assert path_in(mail, "seminar-registration")
    assert "https://meet.beispiel.example" in mail.text
    assert b"List-Unsubscribe" not in mail.raw


def next_change_of_the_clocks(step: timedelta) -> datetime:
    """Nine o'clock, in local time, on the next day on which they go forward (an hour) or back (minus an hour)."""
    nine = clock.now().astimezone(ZoneInfo("Europe/Berlin")).replace(hour=9) + 3 * DAY
    while (nine.utcoffset() or HOUR) - ((nine - DAY).utcoffset() or HOUR) != step:
        nine += DAY
    return nine


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_one_reminder_over_the_change_of_the_clocks(app: Flask, step: timedelta) -> None:
    day = next_change_of_the_clocks(step)
    begins, moment = day.astimezone(UTC), (day - DAY).astimezone(UTC)
    assert begins - moment == DAY - step
    seminar = published(dates=[DraftDate(None, begins, begins + HOUR)], leads=[Lead.DAY])
    seated(seminar, 4, clock.now())
    round_of(moment - timedelta(seconds=1))
    assert mails() == 0
    for hours in range(30):  # also across the hour that is left out, and the one that comes twice
        round_of(moment + hours * HOUR)
    assert mails() == 4
    assert len(set(copies())) == 4


def test_several_workers_and_one_that_dies_send_each_reminder_once(app: Flask) -> None:
    now = clock.now()
    begins = now + 10 * HOUR
    seminar = published(capacity=None, dates=[DraftDate(None, begins, begins + HOUR)], leads=[Lead.DAY, Lead.TWO_DAYS])
    seated(seminar, 20, now - 3 * DAY)
    with transaction() as session:
        notices.plan_reminders(session, now)

    def die() -> None:
        with transaction() as session:
            notices.send_next(session, now, portion=5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert copies() == []

    def work() -> None:
        with app.app_context():
            round_of(now)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    round_of(now)
    assert (len(copies()), mails()) == (40, 40)


def test_who_registers_after_it_was_due_gets_none_and_a_moved_date_is_reminded_of_anew(app: Flask) -> None:
    now = clock.now()
    begins = now + 10 * HOUR
    seminar = published(dates=[DraftDate(None, begins, begins + HOUR)], leads=[Lead.DAY])
    seated(seminar, 1, now)
    round_of(now)
    assert mails() == 0
    (date,) = details(seminar).dates
    change(seminar, dates=[DraftDate(date.public_id, begins + 2 * DAY, begins + 2 * DAY + HOUR)])
    round_of(now + timedelta(seconds=1))
    assert mails() == 1  # that it has changed
    round_of(now + 2 * DAY)
    assert mails() == 2
    round_of(begins + 2 * DAY)
    assert mails() == 2


def test_material_goes_to_those_who_were_there(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    with time_machine.travel(clock.now() - 3 * DAY):
        begins = clock.now() + 2 * DAY
        seminar = published(dates=[DraftDate(None, begins, begins + HOUR)], leads=[])
        for address in (ANNA, BERT):
            confirm(visitor, worker, mailbox, seminar, address)
    page = f"/staff/seminars/{seminar}/participants/"
    listed = staff_client.get(page).text
    seat = listed.partition(f"{ANNA}")[0].rpartition('id="seat-')[2][:32]
    staff_client.post(f"{page}{seat}/attended", data={"csrf_token": hidden(listed, "csrf_token"), "attended": "yes"})
    path = f"/staff/seminars/{seminar}/follow-up"
    fields = {
        "csrf_token": hidden(staff_client.get(path).text, "csrf_token"),
        "subject_de": "Die Folien",
        "body_de": "[Folien](https://beispiel.example/folien)",
        "subject_en": "The slides =?utf-8?q?x?=",
        "body_en": "[Slides](https://beispiel.example/slides) <script>alert(1)</script>",
        "attended_only": "y",
    }
    assert staff_client.post(path, data=fields).status_code == 303
    before = len(mailbox.mails(BERT))
    worker.work()
    mail = mailbox.latest(ANNA)
    assert mail.subject == "The slides =?utf-8?q?x?="
    assert "https://beispiel.example/slides" in mail.text
    assert "<script" not in (mail.html or "")
    assert len(mailbox.mails(BERT)) == before
