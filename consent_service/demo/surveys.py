"""Two example surveys, one of each mode, under way: some have answered, some have only registered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from consent_service.domain.identifiers import PublicId, SubjectId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.surveys import keys, mixing, queries, rules, service, taking_part
from consent_service.surveys.models import SurveyParticipant
from consent_service.surveys.queries import Text
from consent_service.surveys.rules import Answers, Code, Kind, Mode, Option, Question, Value
from consent_service.surveys.service import Draft
from consent_service.surveys.taking_part import Sealing

AGE, OPEN_FOR = timedelta(days=9), timedelta(days=30)
ACTOR = "marketing@beispiel.example"
ANSWERED_ANONYMOUSLY = 23
SEED = 8


def _words(german: str, english: str) -> dict[Language, str]:
    return {Language.GERMAN: german, Language.ENGLISH: english}


def _options(letter: str, *pairs: tuple[str, str]) -> tuple[Option, ...]:
    return tuple(Option(f"{letter}{number}", _words(*pair)) for number, pair in enumerate(pairs, start=1))


_NEW = Code("")
_TRAINING = (
    Question(
        _NEW,
        Kind.ONE_OF,
        _words("An welcher Schulung haben Sie teilgenommen?", "Which training did you attend?"),
        is_required=True,
        options=_options("o", ("Einführung", "Introduction"), ("Für Fortgeschrittene", "Advanced")),
    ),
    Question(
        _NEW,
        Kind.SCALE,
        _words("Wie zufrieden waren Sie insgesamt?", "How satisfied were you altogether?"),
        is_required=True,
        lowest=1,
        highest=5,
        options=(
            Option("1", _words("gar nicht zufrieden", "not at all satisfied")),
            Option("5", _words("sehr zufrieden", "very satisfied")),
        ),
    ),
    Question(
        _NEW,
        Kind.LONG_TEXT,
        _words("Was hat Ihnen gefehlt?", "What did you miss?"),
        begins_page=True,
        show_if={Code("q2"): frozenset({"1", "2", "3"})},
    ),
    Question(
        _NEW,
        Kind.MATRIX,
        _words("Wie beurteilen Sie im Einzelnen …", "In detail, how do you rate …"),
        begins_page=True,
        rows=_options(
            "r", ("die Trainerin", "the trainer"), ("den Raum", "the room"), ("das Material", "the material")
        ),
        options=_options("o", ("gut", "good"), ("mittel", "fair"), ("schlecht", "poor")),
    ),
    Question(
        _NEW,
        Kind.SEVERAL_OF,
        _words("Welche Themen wünschen Sie sich noch?", "Which further topics would you like?"),
        _words("Kreuzen Sie an, was Sie mögen.", "Tick as many as you like."),
        options=_options("o", ("Moderation", "Moderating"), ("Technik", "Technology"), ("Recht", "Law")),
    ),
    Question(
        _NEW,
        Kind.NUMBER,
        _words("Wie viele Kolleginnen und Kollegen haben Sie?", "How many colleagues do you have?"),
        lowest=0,
    ),
    Question(
        _NEW,
        Kind.DATE,
        _words("Wann passt Ihnen der nächste Termin?", "When would the next date suit you?"),
        begins_page=True,
    ),
    Question(_NEW, Kind.SHORT_TEXT, _words("Ihre Funktion", "Your role")),
)
_MOOD = (
    Question(
        _NEW,
        Kind.RECOMMENDATION,
        _words("Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?", "How likely are you to recommend us?"),
        is_required=True,
    ),
    Question(
        _NEW,
        Kind.ONE_OF,
        _words("Wie oft nutzen Sie unser Produkt?", "How often do you use our product?"),
        options=_options("o", ("Täglich", "Daily"), ("Wöchentlich", "Weekly"), ("Seltener", "More rarely")),
    ),
    Question(_NEW, Kind.LONG_TEXT, _words("Was sollen wir ändern?", "What should we change?"), begins_page=True),
)
_TRAINING_TITLES = ("Wie war unsere Schulung?", "How was our training?")
_MOOD_TITLES = ("Wie zufrieden sind Sie mit uns?", "How satisfied are you with us?")
_REMARKS = ("Mehr Übungen.", "Kürzere Pausen, bitte.", "Alles bestens!", "Die Technik hat gehakt.", "Weiter so.")


def seed(session: Session, people: Sequence[SubjectId], now: datetime) -> None:
    """Adds both, answered by some of these people during the last days; `now` is aware."""
    random = Random(SEED)
    _seed_named(session, people, now, random)
    _seed_anonymous(session, people[:ANSWERED_ANONYMOUSLY], now, random)


def _seed_named(session: Session, people: Sequence[SubjectId], now: datetime, random: Random) -> None:
    survey = _publish(session, Mode.NAMED, _TRAINING_TITLES, _TRAINING, now)
    for number, person in enumerate(people):
        at = now - AGE + timedelta(hours=number * 5)
        participant = _register(session, survey, person, at)
        if number % 6:
            language = Language.ENGLISH if number % 5 == 0 else Language.GERMAN
            answers = _example(survey.questions, random, at)
            for page in rules.shown_pages(survey.questions, answers):
                given = {one.code: answers[one.code] for one in page.questions if one.code in answers}
                taking_part.save_page(session, participant, page.number, given, language, at)
            taking_part.finish(session, participant, language, at)


def _seed_anonymous(session: Session, people: Sequence[SubjectId], now: datetime, random: Random) -> None:
    survey = _publish(session, Mode.ANONYMOUS, _MOOD_TITLES, _MOOD, now)
    for number, person in enumerate(people):
        at = now - AGE + timedelta(hours=number * 7)
        participant = _register(session, survey, person, at)
        batch = queries.batch(session, survey.id, Language.GERMAN)
        if batch is not None:
            answers, sealing = _example(survey.questions, random, at), Sealing(batch, keys.obtain(batch))
            taking_part.answer_anonymously(session, participant, answers, Language.GERMAN, sealing, at)
        mixing.mix_next(session, at, random)


def _publish(
    session: Session, mode: Mode, titles: tuple[str, str], questions: Sequence[Question], now: datetime
) -> queries.Details:
    intro = _words(
        "Wir möchten besser werden. Es dauert etwa drei Minuten.", "We want to get better. It takes some three minutes."
    )
    closing = _words("Vielen Dank, dass Sie sich die Zeit genommen haben.", "Thank you for taking the time.")
    texts = {
        language: Text(title, intro[language], closing[language])
        for language, title in zip(Language, titles, strict=True)
    }
    at = now - AGE
    public_id = service.create(session, Draft(mode, None, now + OPEN_FOR, texts), ACTOR, at)
    for question in questions:
        service.put_question(session, public_id, question, ACTOR, at)
    service.publish(session, public_id, ACTOR, at)
    return queries.survey(session, public_id, now)


def _register(session: Session, survey: queries.Details, person: SubjectId, at: datetime) -> PublicId:
    public_id = new_public_id()
    session.add(
        SurveyParticipant(
            public_id=public_id, survey_id=survey.id, subject_id=person, registered_at=at, is_reminded=False
        )
    )
    session.flush()
    return public_id


def _example(questions: Sequence[Question], random: Random, at: datetime) -> Answers:
    """Somebody's answers; the later choices of a question are chosen more often."""
    return rules.kept(questions, {question.code: _value(question, random, at) for question in questions})


def _value(question: Question, random: Random, at: datetime) -> Value:
    choices = question.choices
    match question.kind:
        case Kind.SEVERAL_OF:
            return sorted(random.sample(choices, random.randint(1, len(choices))))
        case Kind.MATRIX:
            return {row.value: random.choices(choices, range(len(choices), 0, -1))[0] for row in question.rows}
        case Kind.NUMBER:
            return str(random.randint(0, 15))
        case Kind.DATE:
            return (at + timedelta(days=random.randint(30, 60))).date().isoformat()
        case Kind.SHORT_TEXT | Kind.LONG_TEXT:
            return random.choice(_REMARKS)
        case _:
            return random.choices(choices, range(1, len(choices) + 1))[0]
