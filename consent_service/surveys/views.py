"""Surveys for visitors: what is open, registering for one, and results that were published."""

from flask import render_template, request, url_for

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings, staff_forms
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.notice.queries import InForce
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited
from consent_service.surveys import queries, registration
from consent_service.surveys.forms import RegisterForm
from consent_service.surveys.queries import Details
from consent_service.surveys.registration import Wish
from consent_service.surveys.rules import State

blueprint = PublicBlueprint("surveys", __name__, url_prefix="/surveys")
staff_forms.exempt(blueprint)  # public forms carry a token of their own (design I11)


@blueprint.get("/")
def index() -> str:
    """What can be answered now."""
    with reading() as session:
        surveys = queries.open_surveys(session, clock.now())
    return render_template("surveys/index.html", surveys=surveys, page_language=current_language())


@blueprint.get("/<public_id>")
def show(public_id: PublicId) -> tuple[str, int]:
    """What a survey is about, and the form to register for it."""
    return _page(public_id, _form(None), 200)


@blueprint.post("/<public_id>")
@limited
def register(public_id: PublicId) -> tuple[str, int]:
    """Takes a registration; says the same whoever the address is."""
    check_origin()
    survey, form = _survey(public_id), _form(request.form)
    if survey.state is not State.OPEN or not form.validate():
        return _page(public_id, form, 400)
    shown = _in_force()
    wish = Wish(
        survey=survey,
        address=form.email.data or "",
        language=current_language(),
        ticked=form.purposes.data or (),
        shown=shown.offered,
        notice=shown.notice,
        form_url=settings().base_url + url_for("surveys.show", public_id=public_id, _external=False),
    )
    with transaction() as session:
        registration.register(session, wish, request_evidence(), clock.now())
    return render_template(
        "surveys/check_your_mail.html", survey=survey, text=survey.text(current_language()), again=form
    ), 200


def _survey(public_id: PublicId) -> Details:
    with reading() as session:
        return queries.published(session, public_id, clock.now())


def _in_force() -> InForce:
    with reading() as session:
        return notice.in_force(session, clock.now())


def _form(typed: object) -> RegisterForm:
    return RegisterForm(_in_force(), current_language(), typed)


def _page(public_id: PublicId, form: RegisterForm, status: int) -> tuple[str, int]:
    survey = _survey(public_id)
    shown = _in_force()
    page = render_template(
        "surveys/show.html",
        survey=survey,
        text=survey.text(current_language()),
        text_language=survey.language(current_language()).value,
        form=form,
        hints={wording.reference: wording.words[current_language()].wording for wording in shown.offered},
        edition=shown.notice,
    )
    return page, status
