"""The page behind the link of a confirmation mail. Opening it changes nothing; its button confirms."""

import time

from flask import redirect, render_template
from werkzeug.wrappers import Response

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.links import Use
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint
from consent_service.registrations import confirm as confirmation
from consent_service.registrations import kinds, queries, rules
from consent_service.registrations.kinds import Elsewhere
from consent_service.registrations.rules import LinkOutcome, RegistrationKind
from consent_service.registrations.sign_up import SIGN_UP

blueprint = PublicBlueprint("registrations", __name__)

_HANDING_OVER_SECONDS = 2.0


@blueprint.get("/confirm/<token>")
def confirm(token: str) -> tuple[str, int]:
    """Shows what will be confirmed, with the button; or what became of the link."""
    return _page(links.read(Use.CONFIRMATION, token), token)


@blueprint.post("/confirm/<token>")
def press(token: str) -> tuple[str, int] | Response:
    """Confirms, once."""
    check_origin()
    registration = links.read(Use.CONFIRMATION, token)
    _wait_for_the_server_s_word(registration)
    with transaction() as session:
        following = confirmation.confirm(session, registration, request_evidence(), clock.now()).following
    if following is None:
        return _page(registration, token)
    if isinstance(following, Elsewhere):
        return redirect(following.url, 303)
    return render_template(following.template, **following.values), 200


def _page(registration: PublicId, token: str) -> tuple[str, int]:
    with reading() as session:
        asked = queries.asked_for(session, registration)
        wordings = notice.wordings(session, asked.versions) if asked else {}
        handler = kinds.handler(asked.kind) if asked and asked.kind is not RegistrationKind.SETTINGS_LINK else SIGN_UP
        about = handler.about(session, registration, current_language())
    outcome = rules.link_outcome(asked.state, asked.expires_at, clock.now()) if asked else LinkOutcome.EXPIRED
    page = render_template(
        [f"{handler.folder}/{outcome.value}.html", f"registrations/{outcome.value}.html"],
        asked=asked,
        about=about,
        language_code=current_language(),
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
