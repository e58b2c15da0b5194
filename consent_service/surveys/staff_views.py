"""Surveys for staff: build, preview, check, publish, close, copy, remind."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.localisation import current_language
from consent_service.staff.guard import actor, staff_blueprint
from consent_service.surveys import answer_forms, flow, inviting, queries, rules, service, words
from consent_service.surveys.answer_views import answered, place, take_long_texts
from consent_service.surveys.flow import Asked
from consent_service.surveys.forms import QuestionForm, SurveyForm, question_form, survey_form
from consent_service.surveys.queries import PER_PAGE, Details
from consent_service.surveys.rules import Code, Kind, Mode, State

blueprint = staff_blueprint("surveys_staff", __name__, "/surveys")
Answer = str | Response | tuple[str, int]


blueprint.before_request(take_long_texts)


@blueprint.get("/")
def index() -> str:
    """All surveys, newest first."""
    number = max(request.args.get("page", 1, type=int), 1)
    with reading() as session:
        listing = queries.page(session, number, clock.now())
    return render_template(
        "surveys/staff/index.html",
        listing=listing,
        number=number,
        pages=max(-(-listing.total // PER_PAGE), 1),
        words=words,
        page_language=current_language(),
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """A new draft."""
    form = survey_form(None)
    if not form.is_submitted():
        return _edit_page(form, None)
    if not _is_valid(form):
        return _edit_page(form, None), 400
    with transaction() as session:
        public_id = service.create(session, form.draft, actor(), clock.now())
    flash(_("The draft is saved. Now add the questions."), "success")
    return redirect(url_for("surveys_staff.show", public_id=public_id), 303)


@blueprint.route("/<public_id>/edit", methods=["GET", "POST"])
def edit(public_id: PublicId) -> Answer:
    """Changes words and times."""
    survey = _survey(public_id)
    if survey.state is State.CLOSED:
        return _moved_on(public_id)
    form = survey_form(survey)
    if survey.state is not State.DRAFT:
        form.mode.data = survey.mode.value
    if not form.is_submitted():
        return _edit_page(form, survey)
    if not _is_valid(form):
        return _edit_page(form, survey), 400
    try:
        with transaction() as session:
            service.change(session, public_id, form.draft, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The changes are saved."), "success")
    return redirect(url_for("surveys_staff.show", public_id=public_id), 303)


def _edit_page(form: SurveyForm, survey: Details | None) -> str:
    return render_template(
        "surveys/staff/edit.html",
        form=form,
        survey=survey,
        can_be_anonymous=settings().survey_keys is not None,
        zone=settings().time_zone.key,
    )


def _is_valid(form: SurveyForm) -> bool:
    is_valid: bool = form.validate()
    if is_valid and form.mode.data == Mode.ANONYMOUS.value and settings().survey_keys is None:
        form.mode.errors = [_("Anonymous surveys need the setting CONSENT_SURVEY_KEYS: a folder for their keys")]
        return False
    return is_valid


@blueprint.get("/<public_id>")
def show(public_id: PublicId) -> str:
    """One survey: its questions, how it goes, and what can be done now."""
    with reading() as session:
        survey = queries.survey(session, public_id, clock.now())
        numbers = queries.numbers(session, survey.id)
        is_frozen = survey.state is State.CLOSED or queries.is_answered(session, survey.id)
        is_anybody_invited = inviting.is_anybody_invited(session, public_id)
        reminder = inviting.reminder(session, public_id)
    return _render(
        "show", survey, numbers=numbers, is_frozen=is_frozen, is_anybody_invited=is_anybody_invited, reminder=reminder
    )


def _survey(public_id: PublicId) -> Details:
    with reading() as session:
        return queries.survey(session, public_id, clock.now())


def _render(template: str, survey: Details, **values: object) -> str:
    language = current_language()
    return render_template(
        f"surveys/staff/{template}.html",
        survey=survey,
        text=survey.text(language),
        page_language=language,
        words=words,
        **values,
    )


# --- Questions -----------------------------------------------------------------------------------------------------


@blueprint.get("/<public_id>/questions/new")
def choose_kind(public_id: PublicId) -> str:
    """Which kind of question?"""
    return _render("choose_kind", _survey(public_id))


@blueprint.route("/<public_id>/questions/new/<kind>", methods=["GET", "POST"])
def new_question(public_id: PublicId, kind: str) -> Answer:
    """A question of this kind, at the end."""
    if kind not in list(Kind):
        raise NotFound("there is no such kind of question")
    survey = _survey(public_id)
    return _question(survey, question_form(survey, Kind(kind), None, current_language()), Code(""))


@blueprint.route("/<public_id>/questions/<code>", methods=["GET", "POST"])
def question(public_id: PublicId, code: Code) -> Answer:
    """Changes a question."""
    survey = _survey(public_id)
    found = survey.question(code)
    return _question(survey, question_form(survey, found.kind, found, current_language()), code)


def _question(survey: Details, form: QuestionForm, code: Code) -> Answer:
    if not form.is_submitted():
        return _render("question", survey, form=form, code=code)
    if not form.validate():
        return _render("question", survey, form=form, code=code), 400
    try:
        with transaction() as session:
            service.put_question(session, survey.public_id, form.question(code), actor(), clock.now())
    except Refused:
        return _moved_on(survey.public_id)
    flash(_("The question is saved."), "success")
    return redirect(url_for("surveys_staff.show", public_id=survey.public_id, _anchor="questions"), 303)


@blueprint.post("/<public_id>/questions/<code>/move")
def move_question(public_id: PublicId, code: Code) -> Response:
    """Moves a question up or down."""
    by = -1 if request.form.get("to") == "up" else 1
    try:
        with transaction() as session:
            service.move_question(session, public_id, code, by, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    return redirect(url_for("surveys_staff.show", public_id=public_id, _anchor=code), 303)


@blueprint.post("/<public_id>/questions/<code>/delete")
def delete_question(public_id: PublicId, code: Code) -> Response:
    """Takes a question out."""
    try:
        with transaction() as session:
            service.delete_question(session, public_id, code, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The question is deleted."), "success")
    return redirect(url_for("surveys_staff.show", public_id=public_id, _anchor="questions"), 303)


# --- Preview -------------------------------------------------------------------------------------------------------


@blueprint.route("/<public_id>/preview", methods=["GET", "POST"])
def preview(public_id: PublicId) -> Answer:
    """The survey as a participant walks through it; nothing is saved."""
    survey = _survey(public_id)
    if not survey.questions:
        return redirect(url_for("surveys_staff.show", public_id=public_id), 303)
    language = survey.language(_wanted_language())
    if request.method == "GET" or flow.GO not in request.form:
        step = flow.first(survey.questions, language)
    else:
        step = flow.step(survey.questions, language, request.form)
    values = {
        "survey": survey,
        "text": survey.text(language),
        "text_language": language.value,
        "preview": url_for("surveys_staff.show", public_id=public_id),
        "action": url_for("surveys_staff.preview", public_id=public_id, language=language.value),
    }
    if isinstance(step, Asked):
        hidden = answer_forms.hidden_fields(survey.questions, step.others)
        page = render_template(
            "surveys/page.html",
            form=step.form,
            hidden=[(flow.PAGE, str(step.number)), *hidden],
            place=place(survey.questions, step.others, step.number),
            can_go_back=rules.page_before(survey.questions, step.others, step.number) is not None,
            **values,
        )
        return page, 400 if step.form.errors else 200
    hidden = answer_forms.hidden_fields(survey.questions, step.answers)
    shown = answered(survey.questions, step.answers, language)
    return render_template("surveys/review.html", hidden=hidden, answered=shown, **values)


def _wanted_language() -> Language:
    wanted = request.args.get("language", "")
    return Language(wanted) if wanted in list(Language) else current_language()


# --- What becomes of it --------------------------------------------------------------------------------------------


@blueprint.get("/<public_id>/check")
def check(public_id: PublicId) -> Answer:
    """All of it once more, before it is published."""
    survey = _survey(public_id)
    if survey.state is not State.DRAFT:
        return _moved_on(public_id)
    closes_at = survey.times.closes_at
    is_over = closes_at is not None and closes_at <= clock.now()
    return _render("check", survey, is_over=is_over)


@blueprint.post("/<public_id>/publish")
def publish(public_id: PublicId) -> Response:
    """Lets people register and answer."""
    return _act(service.publish, public_id, _("The survey is published."))


@blueprint.post("/<public_id>/close")
def close(public_id: PublicId) -> Response:
    """Ends it now."""
    return _act(service.close, public_id, _("The survey is closed."))


@blueprint.post("/<public_id>/remind")
def remind(public_id: PublicId) -> Response:
    """Reminds those who have registered and not taken part."""
    return _act(service.remind, public_id, _("The reminders are on their way."))


@blueprint.post("/<public_id>/remind-invited")
def remind_invited(public_id: PublicId) -> Response:
    """Writes the campaign that reminds those who were invited, to be checked and sent."""
    try:
        with transaction() as session:
            campaign = inviting.write_reminder(session, public_id, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("This is the reminder, as a draft. Check it, and send it when you are ready."), "success")
    return redirect(url_for("campaigns.show", public_id=campaign), 303)


@blueprint.post("/<public_id>/show-results")
def show_results(public_id: PublicId) -> Response:
    """Publishes the results, or takes them back."""
    is_public = request.form.get("public") == "1"
    done = _("The results are public once the survey is closed.") if is_public else _("The results are not public.")
    try:
        with transaction() as session:
            service.show_results(session, public_id, is_public, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(done, "success")
    return redirect(url_for("surveys_staff.results_for_staff", public_id=public_id), 303)


@blueprint.post("/<public_id>/copy")
def copy(public_id: PublicId) -> Response:
    """A copy that can be changed."""
    with transaction() as session:
        new_id = service.copy(session, public_id, actor(), clock.now())
    flash(_("This is the copy. It can be changed as you like."), "success")
    return redirect(url_for("surveys_staff.show", public_id=new_id), 303)


@blueprint.post("/<public_id>/delete")
def delete(public_id: PublicId) -> Response:
    """Throws a draft away."""
    try:
        with transaction() as session:
            service.delete(session, public_id, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The draft is deleted."), "success")
    return redirect(url_for("surveys_staff.index"), 303)


def _act(use_case: service.UseCase, public_id: PublicId, done: str) -> Response:
    try:
        with transaction() as session:
            use_case(session, public_id, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(done, "success")
    return redirect(url_for("surveys_staff.show", public_id=public_id), 303)


def _moved_on(public_id: PublicId) -> Response:
    """Somebody pressed a button of a page that is no longer true: show what is."""
    flash(_("Nothing was changed: the survey has moved on meanwhile."), "warning")
    return redirect(url_for("surveys_staff.show", public_id=public_id), 303)
