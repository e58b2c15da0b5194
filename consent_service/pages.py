"""The first page for visitors."""

from flask import render_template

from consent_service import clock
from consent_service.database import reading
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.public_side import PublicBlueprint

blueprint = PublicBlueprint("pages", __name__)


@blueprint.get("/")
def start() -> str:
    """What one can register for."""
    with reading() as session:
        offered = [wording for wording in notice.current_wordings(session, clock.now()) if wording.offered]
    return render_template("pages/start.html", offered=offered, words=current_language())
