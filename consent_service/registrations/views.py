"""The page behind the link of a confirmation mail. Opening it changes nothing; its button confirms."""

import time

from flask import render_template

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.links import Use
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint
from consent_service.registrations import confirm as confirmation
from consent_service.registrations import queries, rules
from consent_service.registrations.rules import LinkOutcome

blueprint = PublicBlueprint("registrations", __name__)

_HANDING_OVER_SECONDS = 2.0


@blueprint.get("/confirm/<token>")
def confirm(token: str) -> tuple[str, int]:
    """Shows what will be confirmed, with the button; or what became of the link."""
    return _page(links.read(Use.CONFIRMATION, token), token)


@blueprint.post("/confirm/<token>")
def press(token: str) -> tuple[str, int]:
    """Confirms, once."""
    check_origin()
    registration = links.read(Use.CONFIRMATION, token)
    _wait_for_the_server_s_word(registration)
    with transaction() as session:
        confirmed = confirmation.confirm(session, registration, request_evidence(), clock.now())
    if confirmed.subject_public_id is None:
        return _page(registration, token)
    settings_url = links.marketing_settings(confirmed.subject_public_id, current_language())
    return render_template("registrations/confirmed.html", settings_url=settings_url), 200


def _page(registration: PublicId, token: str) -> tuple[str, int]:
    with reading() as session:
        asked = queries.asked_for(session, registration)
        wordings = notice.wordings(session, asked.versions) if asked else {}
    outcome = rules.link_outcome(asked.state, asked.expires_at, clock.now()) if asked else LinkOutcome.EXPIRED
    page = render_template(
        f"registrations/{outcome.value}.html",
        asked=asked,
        words=[wording.words[current_language()] for wording in wordings.values()],
        token=token,
    )
    return page, 200 if outcome in (LinkOutcome.CAN_CONFIRM, LinkOutcome.ALREADY_USED) else 410


def _wait_for_the_server_s_word(registration: PublicId) -> None:
    """Lets the worker write down the server's reply first, which is part of the evidence (design I3)."""
    deadline = time.monotonic() + _HANDING_OVER_SECONDS
    while time.monotonic() < deadline:
        with reading() as session:
            if not queries.is_mail_in_hand(session, registration):
                return
        time.sleep(0.02)
