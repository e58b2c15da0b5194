"""The one-click unsubscribe (RFC 8058), and the page that the same address shows to people.

POST is recorded before the answer, without cookie, token in a form, redirect or rate limit: the big
providers send from few addresses. GET and HEAD change nothing: scanners open every link.
"""

from flask import Response, render_template, request

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Channel
from consent_service.links import Use
from consent_service.localisation import current_language
from consent_service.mailing import service as mailing
from consent_service.preferences import queries, service
from consent_service.preferences.rules import ReasonForLeaving
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited

blueprint = PublicBlueprint("one_click", __name__)


@blueprint.get("/unsubscribe/<token>")
def page(token: str) -> str:
    """Says what would be ended, with one button."""
    link = links.read(Use.UNSUBSCRIBE, token)
    if link == links.TEST_MAIL:
        return render_template("preferences/test_mail.html")
    with reading() as session:
        title = queries.title_of_link(session, link, current_language())
    return render_template("preferences/unsubscribe.html", token=token, title=title)


@blueprint.post("/unsubscribe/<token>")
def unsubscribe(token: str) -> str | Response:
    """Unsubscribes; the answer comes when it is committed and nothing to the person is in hand any more.

    A provider's machine gets a line, who pressed the page's button a page.
    """
    link = links.read(Use.UNSUBSCRIBE, token)
    if link == links.TEST_MAIL:
        return render_template("preferences/test_mail.html")
    channel = Channel.LINK if "button" in request.form else Channel.ONE_CLICK
    with transaction() as session:
        unsubscribed = service.unsubscribe(session, link, channel, request_evidence(), clock.now())
    if unsubscribed.is_mail_in_hand:
        mailing.wait_until_not_in_hand(unsubscribed.subject_id)
    if channel is Channel.ONE_CLICK:
        return Response("unsubscribed\n", mimetype="text/plain")
    return _done(token, link)


@blueprint.post("/unsubscribe/<token>/reason")
@limited
def reason(token: str) -> str:
    """Counts a reason for leaving, if one was chosen."""
    check_origin()
    link = links.read(Use.UNSUBSCRIBE, token)
    chosen = request.form.get("reason", "")
    if chosen in list(ReasonForLeaving):
        with transaction() as session:
            service.give_reason(session, link, ReasonForLeaving(chosen), clock.now())
    return _done(token, link, thanks=True)


@blueprint.post("/unsubscribe/<token>/again")
@limited
def again(token: str) -> str:
    """The way back for who did not mean it: a double opt-in, so that nobody else can take it."""
    check_origin()
    link = links.read(Use.UNSUBSCRIBE, token)
    with transaction() as session:
        is_on_its_way = service.ask_again_by_link(session, link, request_evidence(), clock.now())
    return render_template("preferences/back.html", is_on_its_way=is_on_its_way)


def _done(token: str, link: PublicId, thanks: bool = False) -> str:
    with reading() as session:
        title = queries.title_of_link(session, link, current_language())
    return render_template(
        "preferences/unsubscribed.html",
        token=token,
        title=title,
        thanks=thanks,
    )
