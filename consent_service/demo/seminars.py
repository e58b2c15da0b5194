"""The example organisation's seminars: one on site that is nearly full, and one online."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Channel, Language
from consent_service.seminars import planning, queries, seating
from consent_service.seminars.planning import Draft, DraftDate, DraftQuestion
from consent_service.seminars.queries import SeminarWords
from consent_service.seminars.rules import Lead, QuestionKind, QuestionWords, SeatState, Venue
from consent_service.subjects.models import Subject

ZONE = "Europe/Berlin"
TUESDAY = 1  # as datetime.weekday() counts
CONTACT = "seminare@beispiel.example"
PLACES, TAKEN, CANCELLED = 12, 11, 2
ONLINE_PLACES = 100

_MEETINGS = {
    Language.GERMAN: SeminarWords(
        "Besprechungen, die etwas bringen",
        "Ein Vormittag im kleinen Kreis: Wie bereitet man eine Besprechung vor, wie leitet man sie, und wann lässt man "
        "sie besser ausfallen?\n\n- Mit Übungen aus Ihrem Alltag\n- Unterlagen zum Mitnehmen\n"
        "- Mittagessen inbegriffen",
    ),
    Language.ENGLISH: SeminarWords(
        "Meetings that get somewhere",
        "A morning in a small group: how to prepare a meeting, how to lead it, and when to do without.\n\n"
        "- With exercises from your own work\n- Material to take home\n- Lunch included",
    ),
}
_VIDEO = {
    Language.GERMAN: SeminarWords(
        "Webinar: Gutes Bild, guter Ton",
        "In einer Stunde zeigen wir, wie man vor der Kamera **gut zu sehen und gut zu hören** ist, ohne neue Geräte. "
        "Danach beantworten wir Ihre Fragen.",
    ),
    Language.ENGLISH: SeminarWords(
        "Webinar: good picture, good sound",
        "In one hour we show how to be **well seen and well heard** on camera without new equipment. "
        "Afterwards we answer your questions.",
    ),
}
_LUNCH = DraftQuestion(
    key=None,
    kind=QuestionKind.CHOICE,
    required=True,
    words={
        Language.GERMAN: QuestionWords(
            "Was möchten Sie zu Mittag essen?", "Damit wir das Essen bestellen können.", ("Vegetarisch", "Mit Fleisch")
        ),
        Language.ENGLISH: QuestionWords(
            "What would you like for lunch?", "So that we can order the meals.", ("Vegetarian", "With meat")
        ),
    },
)


def seed(session: Session, actor: str, now: datetime) -> None:
    """Plans and publishes both, and fills most of the places of the first; people must be there already."""
    people = list(
        session.execute(
            sa.select(Subject.id).where(Subject.erased_at.is_(None)).order_by(Subject.id).limit(TAKEN + CANCELLED)
        ).scalars()
    )
    _on_site(session, people, actor, now)
    online(session, ONLINE_PLACES, actor, now)


def _on_site(session: Session, people: Sequence[SubjectId], actor: str, now: datetime) -> None:
    draft = Draft(
        texts=_MEETINGS,
        venue=Venue.ON_SITE,
        address="Beispiel GmbH, Musterweg 1, 12345 Musterstadt",
        join_url=None,
        time_zone=ZONE,
        dates=[_date(now, weeks=3, hour=9, hours=4)],
        capacity=PLACES,
        waiting_capacity=5,
        opens_at=None,
        closes_at=None,
        cut_off_hours=12,
        leads=[Lead.WEEK, Lead.DAY],
        contact=CONTACT,
        questions=[_LUNCH],
    )
    public_id = planning.create(session, draft, actor, now)
    planning.publish(session, public_id, actor, now)
    seminar = seating.lock(session, queries.seminar_id(session, public_id))
    (question,) = queries.details(session, seminar, now).questions
    choices = question.words[Language.GERMAN].choices
    for number, person in enumerate(people):
        seat = seating.take(
            session,
            seminar,
            person,
            SeatState.PLACE,
            now - timedelta(days=5) + timedelta(hours=number),
            language=Language.GERMAN,
            channel=Channel.LINK,
            answers={question.key: choices[number % len(choices)]},
        )
        if number < CANCELLED:
            seat.state, seat.cancelled_at = SeatState.CANCELLED, now - timedelta(days=1)


def online(session: Session, places: int, actor: str, now: datetime) -> PublicId:
    """A published webinar on two evenings, with so many places."""
    draft = Draft(
        texts=_VIDEO,
        venue=Venue.ONLINE,
        address=None,
        join_url="https://meet.beispiel.example/gutes-bild-guter-ton",
        time_zone=ZONE,
        dates=[_date(now, weeks=2, hour=17, hours=1), _date(now, weeks=4, hour=17, hours=1)],
        capacity=places,
        waiting_capacity=0,
        opens_at=None,
        closes_at=None,
        cut_off_hours=1,
        leads=[Lead.DAY, Lead.HOUR],
        contact=CONTACT,
        questions=[],
    )
    public_id = planning.create(session, draft, actor, now)
    planning.publish(session, public_id, actor, now)
    return public_id


def _date(now: datetime, *, weeks: int, hour: int, hours: int) -> DraftDate:
    there = now.astimezone(ZoneInfo(ZONE)) + timedelta(weeks=weeks)
    there += timedelta(days=(TUESDAY - there.weekday()) % 7)
    begins = there.replace(hour=hour, minute=0, second=0, microsecond=0)
    return DraftDate(None, begins, begins + timedelta(hours=hours))
