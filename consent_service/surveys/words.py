"""The words for what surveys are made of, in the language of who reads them."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.surveys.rules import Flaw, Kind, Mode, State

KIND: dict[Kind, LazyString] = {
    Kind.ONE_OF: _l("One of several answers"),
    Kind.SEVERAL_OF: _l("Several answers"),
    Kind.SHORT_TEXT: _l("Short text"),
    Kind.LONG_TEXT: _l("Long text"),
    Kind.NUMBER: _l("A number"),
    Kind.SCALE: _l("Scale"),
    Kind.RECOMMENDATION: _l("Recommendation, 0 to 10"),
    Kind.DATE: _l("Date"),
    Kind.MATRIX: _l("Table: the same answers for several lines"),
}

KIND_HINT: dict[Kind, LazyString] = {
    Kind.ONE_OF: _l("People tick exactly one."),
    Kind.SEVERAL_OF: _l("People tick as many as they like."),
    Kind.SHORT_TEXT: _l("One line, at most 300 characters."),
    Kind.LONG_TEXT: _l("Several lines, at most 10,000 characters."),
    Kind.NUMBER: _l("Whole or decimal, within bounds if you like."),
    Kind.SCALE: _l("Numbers from 0 or 1 up to 10, with names for both ends."),
    Kind.RECOMMENDATION: _l("“How likely are you to recommend us?” The score comes with the results."),
    Kind.DATE: _l("A day."),
    Kind.MATRIX: _l("One tick in each line, for example satisfied to dissatisfied."),
}

MODE: dict[Mode, LazyString] = {Mode.NAMED: _l("With names"), Mode.ANONYMOUS: _l("Anonymous")}

STATE: dict[State, LazyString] = {
    State.DRAFT: _l("Draft"),
    State.SCHEDULED: _l("Not open yet"),
    State.OPEN: _l("Open"),
    State.CLOSED: _l("Closed"),
}

FLAW: dict[Flaw, LazyString] = {
    Flaw.NO_QUESTION: _l("The survey has no question yet."),
    Flaw.CONDITION_NOT_BEFORE: _l("depends on a question that does not come on an earlier page."),
    Flaw.CONDITION_WITHOUT_CHOICE: _l("depends on an answer that there is no more."),
    Flaw.TOO_MUCH_TEXT: _l("The survey has more than ten questions for long texts."),
}
