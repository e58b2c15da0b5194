"""The privacy notice, current and past editions."""

from flask import render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from consent_service import clock
from consent_service.database import reading
from consent_service.localisation import current_language
from consent_service.notice import queries
from consent_service.notice.queries import PrivacyNotice
from consent_service.public_side import PublicBlueprint

blueprint = PublicBlueprint("notice", __name__)
_markdown = MarkdownIt("commonmark", {"html": False})


@blueprint.get("/privacy")
def current() -> str:
    """The edition in force."""
    with reading() as session:
        edition = queries.current_notice(session, clock.now())
    return _page(edition, is_past=False)


@blueprint.get("/privacy/<int:number>")
def edition(number: int) -> str:
    """The edition that somebody saw then."""
    with reading() as session:
        edition = queries.notice(session, number)
        newest = queries.current_notice(session, clock.now())
    return _page(edition, is_past=edition.number < newest.number)


def _page(edition: PrivacyNotice, *, is_past: bool) -> str:
    body = Markup(_markdown.render(edition.bodies[current_language()]))  # noqa: S704 (raw HTML is off)
    return render_template("notice/notice.html", edition=edition, is_past=is_past, body=body)
