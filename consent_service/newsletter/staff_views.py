"""How to put the sign-up form into another website: as plain HTML, or in a frame."""

from urllib.parse import urlsplit

from flask import render_template, request
from flask_babel import force_locale

from consent_service import clock
from consent_service.database import reading
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.public_forms import embedded_token
from consent_service.staff.guard import staff_blueprint

blueprint = staff_blueprint("newsletter_staff", __name__, "/embed")


@blueprint.get("/")
def embed() -> str:
    """The HTML to copy, with the wordings that are in force, for the page and language asked for."""
    page = request.args.get("page", "").strip()
    language = _language()
    parts = urlsplit(page)
    is_allowed = f"{parts.scheme}://{parts.netloc}" in settings().embed_sites
    return render_template(
        "newsletter/embed.html",
        page=page,
        form_language=language,
        languages=list(Language),
        sites=settings().embed_sites,
        is_allowed=is_allowed,
        snippet=_rendered("newsletter/snippet.html", language, page) if is_allowed else None,
        frame=_rendered("newsletter/frame.html", language, page) if is_allowed else None,
    )


def _language() -> Language:
    wanted = request.args.get("language")
    return Language(wanted) if wanted in list(Language) else current_language()


def _rendered(template: str, language: Language, page: str) -> str:
    with reading() as session:
        offered = [wording for wording in notice.current_wordings(session, clock.now()) if wording.offered]
    with force_locale(language.value):
        return render_template(
            template,
            form_language=language,
            offered=offered,
            token=embedded_token(page),
            base_url=settings().base_url,
        ).strip()
