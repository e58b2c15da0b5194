"""Calendar entries: what mails bring, and the feed; read by icalendar and by a second parser, vobject."""

from datetime import timedelta
from email import message_from_bytes, policy

import icalendar
import vobject
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.demo.catcher import CaughtMail
from consent_service.seminars.planning import DraftDate
from consent_service.seminars.rules import Venue
from tests.driving import Mailbox, Worker, path_in
from tests.seminars.driving import change, confirm, details, published

ANNA = "anna@example.org"


def entries(mail: CaughtMail) -> list[icalendar.Event]:
    """The events that a mail brings; each part is an iTIP message of its own (RFC 6047)."""
    found = []
    for part in message_from_bytes(mail.raw, policy=policy.default).walk():
        if part.get_content_type() == "text/calendar":
            data = part.get_content()
            calendar = icalendar.Calendar.from_ical(data)
            assert calendar["METHOD"] == part.get_param("method")
            (event,) = calendar.walk("VEVENT")
            second = vobject.readOne(data)
            assert second.vevent.uid.value == event["UID"]
            assert second.vevent.dtstart.value == event.decoded("DTSTART")
            event["METHOD"] = calendar["METHOD"]
            found.append(event)
    return found


def test_place_change_and_cancellation_in_ones_calendar(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    starts = (clock.now() + timedelta(days=20)).replace(microsecond=0)
    two = [DraftDate(None, starts + timedelta(days=n), starts + timedelta(days=n, hours=2)) for n in (0, 7)]
    seminar = published(dates=two, venue=Venue.BOTH, address="Musterweg 1; Raum 2, links")
    confirm(visitor, worker, mailbox, seminar, ANNA)
    first = entries(mailbox.latest(ANNA))
    dates = details(seminar).dates
    assert [event["UID"] for event in first] == [f"{date.public_id}@localhost" for date in dates]
    assert [event["METHOD"] for event in first] == ["REQUEST", "REQUEST"]
    assert [event["SEQUENCE"] for event in first] == [0, 0]
    assert first[0].decoded("DTSTART") == starts
    assert first[0]["SUMMARY"] == "Good meetings"
    assert first[0]["ATTENDEE"] == f"mailto:{ANNA}"
    assert first[0]["ORGANIZER"] == "mailto:seminare@beispiel.example"
    assert first[0]["LOCATION"] == "Musterweg 1; Raum 2, links, https://meet.beispiel.example/gute-besprechungen"

    moved = DraftDate(dates[0].public_id, starts + timedelta(hours=1), starts + timedelta(hours=3))
    change(seminar, dates=[moved])
    worker.work()
    changed = entries(mailbox.latest(ANNA))
    assert [(e["METHOD"], e["UID"], e["SEQUENCE"]) for e in changed] == [
        ("REQUEST", first[0]["UID"], 1),
        ("CANCEL", first[1]["UID"], 1),
    ]
    assert changed[0].decoded("DTSTART") == moved.starts_at

    visitor.post(f"{path_in(mailbox.latest(ANNA), 'seminar-registration')}/cancel")
    worker.work()
    (gone,) = entries(mailbox.latest(ANNA))
    assert (gone["METHOD"], gone["UID"], gone["STATUS"]) == ("CANCEL", first[0]["UID"], "CANCELLED")
    assert gone["SEQUENCE"] > changed[0]["SEQUENCE"]

    confirm(visitor, worker, mailbox, seminar, ANNA)
    (again,) = entries(mailbox.latest(ANNA))
    assert again["METHOD"] == "REQUEST"
    assert again["SEQUENCE"] > gone["SEQUENCE"]


def test_the_feed_has_what_is_coming_and_no_link_to_join(client: FlaskClient) -> None:
    seminar = published()
    for path in ("/seminars.ics?lang=en", f"/seminars/{seminar}/calendar.ics?lang=en"):
        answer = client.get(path)
        assert answer.content_type == "text/calendar; charset=utf-8"
        calendar = icalendar.Calendar.from_ical(answer.data)
        assert calendar["METHOD"] == "PUBLISH"
        (event,) = calendar.walk("VEVENT")
        assert event["SUMMARY"] == "Good meetings"
        assert event["URL"] == f"http://localhost/seminars/{seminar}?lang=en"
        assert b"meet.beispiel" not in answer.data
        assert vobject.readOne(answer.text).vevent.summary.value == "Good meetings"
