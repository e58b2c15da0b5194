"""The public sign-up form."""

from typing import Any

from flask import render_template, request, url_for

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.fixed_pages import FixedPage
from consent_service.localisation import current_language
from consent_service.newsletter import service
from consent_service.newsletter.forms import SignUpForm
from consent_service.notice import queries as notice
from consent_service.notice.queries import InForce
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited
from consent_service.security_headers import EMBEDDABLE

blueprint = PublicBlueprint("newsletter", __name__)
_CHECK_YOUR_MAIL = FixedPage("newsletter/check_your_mail.html", ("form_token", "email", "name"))


@blueprint.get("/newsletter")
def form() -> tuple[str, int]:
    """The empty form."""
    shown = _in_force()
    return _page(SignUpForm(shown, current_language()), shown, 200)


@blueprint.post("/newsletter")
@limited
def sign_up() -> tuple[str, int]:
    """Takes a sign-up, or shows the form again with what is wrong; says the same whoever the address is.

    It is judged by what was in force when this process last looked, and the transaction that writes looks again: a
    session for that alone would cost as much. What does not pass is judged by what is in force now.
    """
    check_origin()
    shown, language = notice.in_force_when_last_read() or _in_force(), current_language()
    while True:
        form = SignUpForm(shown, language, request.form)
        if form.validate() and _is_taken(form, shown, language):
            return _check_your_mail(form), 200
        outdated, shown = shown, _in_force()
        if shown == outdated:
            return _page(form, shown, 400)


def _in_force() -> InForce:
    with reading() as session:
        return notice.in_force(session, clock.now())


def _is_taken(form: SignUpForm, shown: InForce, language: Language) -> bool:
    wish = service.SignUp(
        address=form.email.data or "",
        name=form.name.data,
        mail_language=Language(form.language.data),
        shown_language=language,
        ticked=form.purposes.data or (),
        shown=shown.offered,
        notice=shown.notice,
        form_url=form.embedding_page or settings().base_url + _path(),
    )
    with transaction() as session:
        return service.sign_up_if_in_force(session, shown, wish, request_evidence(), clock.now())


def _path() -> str:
    """Where our form is, in the language and frame that the visitor asked for; without these it is where it is sent."""
    return url_for("newsletter.form") if request.query_string else request.script_root + request.path


def _check_your_mail(form: SignUpForm) -> str:
    return _CHECK_YOUR_MAIL.fill(
        {"form_token": form.form_token.data or "", "email": form.email.data or "", "name": form.name.data or ""},
        notice=form.notice.data,
        mail_language=Language(form.language.data),
        purposes=tuple(form.purposes.data or ()),
    )


def _page(form: SignUpForm, shown: InForce, status: int) -> tuple[str, int]:
    language = current_language()
    hints = {wording.reference: wording.words[language].wording for wording in shown.offered}
    return render_template("newsletter/form.html", form=form, hints=hints, edition=shown.notice), status


@blueprint.context_processor
def _frame() -> dict[str, bool]:
    """Whether the page stands in a frame of another site, and so goes without our header and footer."""
    return {"embedded": request.args.get("embedded") == "1"}


@blueprint.url_defaults
def _keep_frame(endpoint: str, values: dict[str, Any]) -> None:
    """Carries the frame from page to page, as long as they may stand in one."""
    if request.args.get("embedded") == "1" and endpoint in EMBEDDABLE:
        values.setdefault("embedded", "1")
