"""Seminars for visitors: what is coming, a page each with its form, and one's own registration."""

import re
from dataclasses import dataclass

from flask import Response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from consent_service import clock, links
from consent_service.campaigns.composing import to_html
from consent_service.database import reading, transaction
from consent_service.domain.errors import FreshLinkNeeded, InvalidLink, NotFound, Refused
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.links import Use
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.notice.queries import InForce
from consent_service.preferences import queries as preferences
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited
from consent_service.seminars import calendar, forms, queries, registering, seat_queries, seating, structured, words
from consent_service.seminars.forms import RegistrationForm
from consent_service.seminars.queries import Details
from consent_service.seminars.seat_queries import RegistrationDetails

blueprint = PublicBlueprint("seminars", __name__)

_HEADING = re.compile(r"(</?h)([1-6])(?=>)")
Answer = str | tuple[str, int] | AnyResponse


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    """What the templates of seminars say about times, places and states."""
    return {"seminar_words": words}


@blueprint.get("/seminars")
def index() -> str:
    """What is coming."""
    with reading() as session:
        upcoming = queries.upcoming(session, clock.now())
    language = current_language()
    data = [structured.event(seminar, language) for seminar in upcoming]
    return render_template("seminars/index.html", seminars=upcoming, language_of=language, data=data)


@blueprint.get("/seminars.ics")
def feed() -> Response:
    """What is coming, for calendar programs to subscribe to."""
    now = clock.now()
    with reading() as session:
        upcoming = queries.upcoming(session, now)
    return Response(calendar.feed(upcoming, current_language(), now), content_type=calendar.MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class _Shown:
    seminar: Details
    in_force: InForce


def _shown(public_id: str) -> _Shown:
    now = clock.now()
    with reading() as session:
        seminar = queries.announced(session, PublicId(public_id), now)
        return _Shown(seminar, notice.in_force(session, now))


def _form(shown: _Shown, formdata: object = None) -> RegistrationForm:
    return forms.registration_form(shown.seminar, shown.in_force, current_language(), formdata)


@blueprint.get("/seminars/<public_id>")
def seminar(public_id: str) -> str:
    """One seminar, with its form while it takes registrations."""
    shown = _shown(public_id)
    return _page(shown, _form(shown))


@blueprint.post("/seminars/<public_id>")
@limited
def register(public_id: str) -> Answer:
    """Takes a registration, or shows the form again with what is wrong; says the same whoever the address is."""
    check_origin()
    shown = _shown(public_id)
    form = _form(shown, request.form)
    if not shown.seminar.takes_registrations:
        return _page(shown, _form(shown)), 409
    if not form.validate():
        return _page(shown, form), 400
    wish = registering.Wish(
        seminar=shown.seminar,
        address=form.email.data or "",
        name=form.name.data,
        mail_language=Language(form.language.data),
        shown_language=current_language(),
        answers=forms.answers_in(form, shown.seminar.questions),
        ticked=form.purposes.data or (),
        shown=shown.in_force.offered,
        notice=shown.in_force.notice,
        form_url=calendar.page_url(shown.seminar, current_language()),
    )
    with transaction() as session:
        registering.register(session, wish, request_evidence(), clock.now())
    return render_template("seminars/check_your_mail.html", seminar=shown.seminar, again=form), 200


def _page(shown: _Shown, form: RegistrationForm) -> str:
    language = current_language()
    return render_template(
        "seminars/seminar.html",
        seminar=shown.seminar,
        language_of=language,
        description=Markup(_demoted(to_html(shown.seminar.words(language).description))),  # noqa: S704 (cleaned)
        data=[structured.event(shown.seminar, language)],
        form=form if shown.seminar.takes_registrations else None,
        answers=[form[forms.PREFIX + question.key] for question in shown.seminar.questions],
        questions=shown.seminar.questions,
        hints={wording.reference: wording.words[language].wording for wording in shown.in_force.offered},
        edition=shown.in_force.notice,
    )


def _demoted(html: str) -> str:
    """The headings of a description two levels down: the page's own stand above them."""
    return _HEADING.sub(lambda found: f"{found[1]}{min(int(found[2]) + 2, 6)}", html)


@blueprint.get("/seminars/<public_id>/calendar.ics")
def dates(public_id: str) -> Response:
    """The dates of one seminar, for a calendar."""
    now = clock.now()
    with reading() as session:
        found = queries.announced(session, PublicId(public_id), now)
    return Response(calendar.feed([found], current_language(), now), content_type=calendar.MEDIA_TYPE)


@blueprint.get("/seminar-registration/<token>")
def registration(token: str) -> str:
    """One's own registration. This link, from a mail, shows no answers and can only take away (design I7)."""
    return _registration_page(token, _registration(token))


@blueprint.post("/seminar-registration/<token>/cancel")
def cancel(token: str) -> Answer:
    """Cancels; the place goes to who waits."""
    check_origin()
    public_id = links.read(Use.SEMINAR, token)
    try:
        with transaction() as session:
            seating.cancel(session, public_id, clock.now())
    except NotFound as error:
        raise InvalidLink("no such registration any more") from error
    except Refused:
        return _registration_page(token, _registration(token)), 409
    return redirect(url_for("seminars.registration", token=token), 303)


def _registration(token: str) -> RegistrationDetails:
    public_id = links.read(Use.SEMINAR, token)
    try:
        with reading() as session:
            return seat_queries.registration(session, public_id, clock.now())
    except NotFound as error:
        raise InvalidLink("no such registration any more") from error


def _registration_page(token: str, found: RegistrationDetails) -> str:
    return render_template(
        "seminars/registration.html",
        found=found,
        seminar=found.seminar,
        token=token,
        is_over=clock.now() >= found.seminar.plan.ends_at,
        language_of=current_language(),
    )


@blueprint.route("/settings/<token>/seminars/<public_id>", methods=["GET", "POST"])
def answers(token: str, public_id: str) -> Answer:
    """Shows and changes the answers of one's registration; needs a settings link that was just mailed."""
    found = _own(token, PublicId(public_id))
    questions, language = found.seminar.questions, current_language()
    if request.method == "GET":
        form = forms.answers_form(questions, language, found.seat.answers)
        return render_template("seminars/answers.html", found=found, form=form, token=token, language_of=language)
    check_origin()
    form = forms.answers_form(questions, language, formdata=request.form)
    if not form.validate():
        page = render_template("seminars/answers.html", found=found, form=form, token=token, language_of=language)
        return page, 400
    with transaction() as session:
        seating.answer(session, found.seat.public_id, forms.answers_in(form, questions))
    return redirect(url_for("preferences.settings", token=token, done="answered"), 303)


def _own(token: str, public_id: PublicId) -> RegistrationDetails:
    link = links.read_settings(token)
    if not link.is_fresh:
        raise FreshLinkNeeded("answers need a settings link that was just mailed")
    with reading() as session:
        person = preferences.person(session, link.identifier)
        found = seat_queries.registration(session, public_id, clock.now())
    if found.seat.subject_id != person.id:
        raise NotFound("this person has no such registration")
    return found
