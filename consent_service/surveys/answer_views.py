"""Behind a participant's link: answering, seeing, changing and deleting.

With names each page is saved; without, the answers travel in the form until they are sent. A link from an
old mail can only go on answering; what was answered is shown to who holds a fresh one (design I7).
"""

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.errors import FreshLinkNeeded, NotFound
from consent_service.domain.kinds import Language
from consent_service.extensions import staff_forms
from consent_service.localisation import current_language
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited
from consent_service.surveys import answer_forms, flow, keys, queries, registration, rules, taking_part, words
from consent_service.surveys.answer_forms import AnswerForm, answer_form
from consent_service.surveys.flow import Asked, Sent
from consent_service.surveys.queries import Participation
from consent_service.surveys.rules import Answers, State
from consent_service.surveys.taking_part import Outcome, Sealing

blueprint = PublicBlueprint("survey", __name__, url_prefix="/survey")
staff_forms.exempt(blueprint)  # the signed link stands in for a form's token

LONGEST_FORM_BYTES = 4 * 1024 * 1024
"""Ten long texts, each letter of which takes a dozen bytes in a form."""

Answer = str | Response | tuple[str, int]


def take_long_texts() -> None:
    """Lets this request's form be as long as answers may be; to be called before the form is read."""
    request.max_form_memory_size = LONGEST_FORM_BYTES


class _Holder:
    """Who came by which link, and in which language the survey is shown."""

    def __init__(self, token: str) -> None:
        link = links.read_survey(token)
        self.token = token
        self.is_fresh = link.is_fresh
        with reading() as session:
            self.who: Participation = queries.participation(session, link.identifier, clock.now())
        self.survey = self.who.survey
        self.language: Language = self.survey.language(current_language())

    @property
    def answers(self) -> Answers:
        """What was saved so far."""
        return self.who.response.answers if self.who.response else {}

    @property
    def next_page(self) -> int | None:
        """The first page that is shown and not saved yet; None where all are."""
        saved = self.who.response.saved_pages if self.who.response else frozenset()
        shown = rules.shown_pages(self.survey.questions, self.answers)
        return next((page.number for page in shown if page.number not in saved), None)

    def may_see(self, number: int) -> bool:
        """Whether this page may be shown: with an old link not once there are answers on it."""
        saved = self.who.response.saved_pages if self.who.response else frozenset()
        return self.is_fresh or number not in saved

    def url(self, endpoint: str, **values: Any) -> str:
        """The address of one of the pages behind this link."""
        return url_for(f"survey.{endpoint}", token=self.token, **values)

    def render(self, template: str, **values: object) -> str:
        return render_template(
            template,
            holder=self,
            survey=self.survey,
            text=self.survey.text(self.language),
            text_language=self.language.value,
            words=words,
            **values,
        )


@blueprint.get("/<token>")
def start(token: str) -> Answer:
    """What the survey is about, and the way on; or what became of it."""
    holder = _Holder(token)
    return holder.render("surveys/start.html", done=request.args.get("done"))


@blueprint.post("/<token>/fresh")
@limited
def fresh(token: str) -> str:
    """Has a fresh link mailed to the participant, whoever asks."""
    check_origin()
    holder = _Holder(token)
    with transaction() as session:
        registration.ask_for_fresh_link(session, holder.who.public_id, holder.language, request_evidence(), clock.now())
    return holder.render("surveys/fresh_on_its_way.html")


# --- With names ----------------------------------------------------------------------------------------------------


@blueprint.get("/<token>/page/<int:number>")
def page(token: str, number: int) -> Answer:
    """A page of questions, with what was answered before."""
    holder = _named(token)
    if holder.survey.state is not State.OPEN:
        return redirect(holder.url("start"), 303)
    shown = _shown(holder, number)
    if shown is None or not holder.may_see(number):
        return _onward(holder)
    return _page(holder, number, answer_form(shown.questions, holder.language, holder.answers))


@blueprint.post("/<token>/page/<int:number>")
def save(token: str, number: int) -> Answer:
    """Saves a page, and leads to the next one."""
    check_origin()
    take_long_texts()
    holder = _named(token)
    shown = _shown(holder, number)
    if shown is None:
        return _onward(holder)
    form = answer_form(shown.questions, holder.language, typed=request.form)
    given = form.read()
    if request.form.get(flow.GO) == flow.BACK and form.errors:
        return _back(holder, number)
    if not holder.may_see(number):
        form.form_errors = [_("This page was saved already. To change it, have a fresh link mailed to you.")]
    if form.errors:
        return _page(holder, number, form), 400
    with transaction() as session:
        outcome = taking_part.save_page(session, holder.who.public_id, number, given, holder.language, clock.now())
    if outcome is not Outcome.DONE:
        return redirect(holder.url("start"), 303)
    if request.form.get(flow.GO) == flow.BACK:
        return _back(_Holder(token), number)
    return _after(_Holder(token), number)


def _named(token: str) -> _Holder:
    holder = _Holder(token)
    if holder.survey.is_anonymous:
        raise NotFound("anonymous answers have no pages of their own")
    return holder


def _shown(holder: _Holder, number: int) -> rules.Page | None:
    shown = rules.shown_pages(holder.survey.questions, holder.answers)
    return next((page for page in shown if page.number == number), None)


def _page(holder: _Holder, number: int, form: AnswerForm) -> str:
    return holder.render(
        "surveys/page.html",
        form=form,
        action=holder.url("save", number=number),
        hidden=[],
        place=place(holder.survey.questions, holder.answers, number),
        can_go_back=holder.is_fresh,
    )


def place(questions: Sequence[rules.Question], answers: Answers, number: int) -> tuple[int, int]:
    """Which of how many pages this is, as far as the answers tell."""
    numbers = [page.number for page in rules.shown_pages(questions, answers)]
    return numbers.index(number) + 1, len(numbers)


def _after(holder: _Holder, number: int) -> Response:
    """The next page; behind the last one, what is still open, then the review."""
    following = rules.page_after(holder.survey.questions, holder.answers, number)
    if following is not None and holder.may_see(following):
        return redirect(holder.url("page", number=following), 303)
    return _onward(holder)


def _back(holder: _Holder, number: int) -> Response:
    before = rules.page_before(holder.survey.questions, holder.answers, number)
    return redirect(holder.url("start") if before is None else holder.url("page", number=before), 303)


def _onward(holder: _Holder) -> Response:
    number = holder.next_page
    return redirect(holder.url("review") if number is None else holder.url("page", number=number), 303)


@blueprint.get("/<token>/review")
def review(token: str) -> Answer:
    """What was answered, to look at and to send; with an old link only to send."""
    holder = _named(token)
    if holder.survey.state is not State.OPEN and not holder.is_fresh:
        return redirect(holder.url("start"), 303)
    if holder.who.response is None:
        return _onward(holder)
    return holder.render(
        "surveys/review.html", answered=answered(holder.survey.questions, holder.answers, holder.language), hidden=None
    )


@blueprint.post("/<token>/review")
def send(token: str) -> Answer:
    """Sends what was saved."""
    check_origin()
    holder = _named(token)
    with transaction() as session:
        outcome = taking_part.finish(session, holder.who.public_id, holder.language, clock.now())
    if outcome is Outcome.INCOMPLETE:
        missing = rules.incomplete_page(holder.survey.questions, holder.answers)
        return redirect(holder.url("page", number=missing or 0), 303)
    return redirect(url_for("survey.start", token=token, done="sent"), 303)


@blueprint.post("/<token>/delete")
def delete(token: str) -> Response:
    """Deletes all that the participant has answered."""
    check_origin()
    holder = _named(token)
    if not holder.is_fresh:
        raise FreshLinkNeeded("deleting needs a link that was just mailed")
    with transaction() as session:
        taking_part.delete_answers(session, holder.who.public_id, clock.now())
    return redirect(url_for("survey.start", token=token, done="deleted"), 303)


def answered(
    questions: Sequence[rules.Question], answers: Answers, language: Language
) -> list[tuple[int, str, list[str]]]:
    """Page, question and answer, in words."""
    return [
        (
            page.number,
            rules.said(question.label, language),
            rules.in_words(question, answers[question.code], language) if question.code in answers else [],
        )
        for page in rules.shown_pages(questions, answers)
        for question in page.questions
    ]


# --- Without names -------------------------------------------------------------------------------------------------


@blueprint.post("/<token>/answer")
def answer(token: str) -> Answer:
    """One step through an anonymous survey. Nothing is kept before the last, and nothing of who sent it with it."""
    check_origin()
    take_long_texts()
    holder = _Holder(token)
    if not holder.survey.is_anonymous:
        raise NotFound("answers with names have pages of their own")
    if holder.survey.state is not State.OPEN or holder.who.took_part_on is not None:
        return redirect(holder.url("start"), 303)
    step = _step(holder)
    if isinstance(step, Sent):
        return _send_anonymously(holder, step.answers)
    return _show_step(holder, step)


def _step(holder: _Holder) -> flow.Step:
    if flow.GO not in request.form:
        return flow.first(holder.survey.questions, holder.language)
    return flow.step(holder.survey.questions, holder.language, request.form)


def _show_step(holder: _Holder, step: flow.Step) -> Answer:
    questions = holder.survey.questions
    if isinstance(step, Asked):
        others = step.others
        page = holder.render(
            "surveys/page.html",
            form=step.form,
            action=holder.url("answer"),
            hidden=[(flow.PAGE, str(step.number)), *answer_forms.hidden_fields(questions, others)],
            place=place(questions, others, step.number),
            can_go_back=rules.page_before(questions, others, step.number) is not None,
        )
        return page, 400 if step.form.errors else 200
    return holder.render(
        "surveys/review.html",
        answered=answered(questions, step.answers, holder.language),
        hidden=answer_forms.hidden_fields(questions, step.answers),
        action=holder.url("answer"),
    )


def _send_anonymously(holder: _Holder, answers: Answers) -> Response:
    outcome = Outcome.MOVED_ON
    while outcome is Outcome.MOVED_ON:
        with reading() as session:
            batch = queries.batch(session, holder.survey.id, holder.language)
        if batch is None:
            break
        sealing = Sealing(batch, keys.obtain(batch))
        with transaction() as session:
            outcome = taking_part.answer_anonymously(
                session, holder.who.public_id, answers, holder.language, sealing, clock.now()
            )
    return redirect(holder.url("start", done="sent" if outcome is Outcome.DONE else None), 303)
