"""The public sign-up form."""

from dataclasses import dataclass
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
from consent_service.notice.queries import PrivacyNotice, Wording
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited
from consent_service.security_headers import EMBEDDABLE

blueprint = PublicBlueprint("newsletter", __name__)
_CHECK_YOUR_MAIL = FixedPage("newsletter/check_your_mail.html", ("form_token", "email", "name"))


@dataclass(frozen=True, slots=True)
class _Shown:
    offered: list[Wording]
    edition: PrivacyNotice


def _shown() -> _Shown:
    now = clock.now()
    with reading() as session:
        offered = [wording for wording in notice.current_wordings(session, now) if wording.offered]
        return _Shown(offered, notice.current_notice(session, now))


@blueprint.get("/newsletter")
def form() -> tuple[str, int]:
    """The empty form."""
    shown = _shown()
    return _form(SignUpForm(shown.offered, shown.edition, current_language()), shown)


@blueprint.post("/newsletter")
@limited
def sign_up() -> tuple[str, int]:
    """Takes a sign-up, or shows the form again with what is wrong; says the same whoever the address is."""
    check_origin()
    shown, language = _shown(), current_language()
    form = SignUpForm(shown.offered, shown.edition, language, request.form)
    if not form.validate():
        return _form(form, shown, 400)
    wish = service.SignUp(
        address=form.email.data or "",
        name=form.name.data,
        mail_language=Language(form.language.data),
        shown_language=language,
        ticked=form.purposes.data or (),
        shown=shown.offered,
        notice=shown.edition,
        form_url=form.embedding_page or settings().base_url + url_for("newsletter.form"),
    )
    with transaction() as session:
        service.sign_up(session, wish, request_evidence(), clock.now())
    return _CHECK_YOUR_MAIL.fill(
        {"form_token": form.form_token.data or "", "email": wish.address, "name": wish.name or ""},
        notice=form.notice.data,
        mail_language=wish.mail_language,
        purposes=tuple(wish.ticked),
    ), 200


def _form(form: SignUpForm, shown: _Shown, status: int = 200) -> tuple[str, int]:
    language = current_language()
    hints = {wording.reference: wording.words[language].wording for wording in shown.offered}
    return render_template("newsletter/form.html", form=form, hints=hints, edition=shown.edition), status


@blueprint.context_processor
def _frame() -> dict[str, bool]:
    """Whether the page stands in a frame of another site, and so goes without our header and footer."""
    return {"embedded": request.args.get("embedded") == "1"}


@blueprint.url_defaults
def _keep_frame(endpoint: str, values: dict[str, Any]) -> None:
    """Carries the frame from page to page, as long as they may stand in one."""
    if request.args.get("embedded") == "1" and endpoint in EMBEDDABLE:
        values.setdefault("embedded", "1")
