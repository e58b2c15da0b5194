"""The inbox for staff: what came in and waits for a person's decision."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings
from consent_service.inbound import desk, queries, words
from consent_service.inbound.forms import FilterForm
from consent_service.inbound.queries import Place
from consent_service.localisation import current_language
from consent_service.mailing import service as mailing
from consent_service.staff.guard import actor, staff_blueprint

blueprint = staff_blueprint("inbox", __name__, "/inbox")


@blueprint.get("/")
def index() -> str:
    """A part of the list."""
    form = FilterForm(request.args)
    with reading() as session:
        page = queries.page(session, form.wanted, _place())
    return render_template("inbox/index.html", form=form, wanted=form.wanted, page=page, words=words)


def _place() -> Place | None:
    for name in ("older", "newer"):
        if request.args.get(name):
            return Place(PublicId(request.args[name]), is_older=name == "older")
    return None


@blueprint.get("/<public_id>")
def show(public_id: PublicId) -> str:
    """One mail as plain text."""
    with transaction() as session:
        opened = desk.look(session, public_id, current_language(), actor(), clock.now())
    return render_template(
        "inbox/mail.html", opened=opened, words=words, can_forward=settings().inbound.forward_to is not None
    )


@blueprint.post("/<public_id>/unsubscribe")
def unsubscribe(public_id: PublicId) -> Response:
    """Ends one purpose, or all that is marketing, for the person who wrote."""
    try:
        with transaction() as session:
            code = request.form.get("purpose", "")
            person = desk.unsubscribe(session, public_id, code, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    mailing.wait_until_not_in_hand(person)
    flash(_("Ended. The person is not written to for this any more."), "success")
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/<public_id>/forward")
def forward(public_id: PublicId) -> Response:
    """Sends a copy to the organisation's own mailbox."""
    return _act(public_id, desk.forward, _("The e-mail is being forwarded."))


@blueprint.post("/<public_id>/dismiss")
def dismiss(public_id: PublicId) -> Response:
    """Puts it aside."""
    return _act(public_id, desk.dismiss, _("Put aside. You find it under “Done”."))


@blueprint.post("/<public_id>/retry")
def retry(public_id: PublicId) -> Response:
    """Has it handled once more."""
    return _act(public_id, desk.retry, _("It is being handled once more."))


def _act(public_id: PublicId, act: Callable[..., None], done: str) -> Response:
    try:
        with transaction() as session:
            act(session, public_id, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(done, "success")
    return redirect(url_for("inbox.index"), 303)


def _moved_on(public_id: PublicId) -> Response:
    """Somebody pressed a button of a page that is no longer true: show what is."""
    flash(_("Nothing was changed: somebody else was faster, or it is not possible any more."), "warning")
    return redirect(url_for("inbox.show", public_id=public_id), 303)
