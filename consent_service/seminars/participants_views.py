"""The people of a seminar, for staff: the list, the day itself, and lists to take out.

What is searched for is personal data: it is sent by POST and kept in the session (as in the list of people).
"""

from functools import partial

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.exports import service as exports
from consent_service.exports.downloads import download, marketing_list
from consent_service.exports.rules import ExportFormat
from consent_service.exports.sending import send_rows
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.seminars import participants, queries, seat_queries
from consent_service.seminars.participants import Whom
from consent_service.seminars.participants_forms import DoorForm, ListForm, SearchForm, SeminarMarketingForm
from consent_service.staff.guard import actor, staff_blueprint

blueprint = staff_blueprint("participants", __name__, "/seminars/<public_id>/participants")
Answer = str | Redirect | tuple[str, int]

_SEARCH = "participants_search"


@blueprint.get("/")
def index(public_id: PublicId) -> str:
    """Everybody who has registered, or those who were searched for."""
    return _page(public_id, DoorForm(formdata=None))


def _page(public_id: PublicId, door: DoorForm) -> str:
    term = _term(public_id)
    with transaction() as written:
        shown = participants.look_at(written, public_id, term, actor(), clock.now())
    return render_template(
        "seminars/staff/participants.html",
        seminar=shown.seminar,
        people=shown.people,
        term=term,
        search=SearchForm(formdata=None, term=term),
        form=door,
        list=ListForm(formdata=None),
        language_of=current_language(),
    )


def _term(public_id: PublicId) -> str:
    kept = session.get(_SEARCH) or ["", ""]
    return str(kept[1]) if kept[0] == public_id else ""


@blueprint.post("/search")
def search(public_id: PublicId) -> Answer:
    """Remembers what to search for; nothing typed means everybody."""
    form = SearchForm()
    session.pop(_SEARCH, None)
    term = (form.term.data or "").strip()
    if form.validate() and term:
        session[_SEARCH] = [public_id, term]
    return _to(public_id)


@blueprint.post("/<seat>/attended")
def attended(public_id: PublicId, seat: PublicId) -> Answer:
    """Notes that somebody was there, or was not after all."""
    was_there = request.form.get("attended") == "yes"
    try:
        with transaction() as written:
            participants.mark_attended(written, seat, was_there, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    return redirect(url_for("participants.index", public_id=public_id, _anchor=f"seat-{seat}"), 303)


@blueprint.post("/<seat>/place")
def give_place(public_id: PublicId, seat: PublicId) -> Answer:
    """Lets somebody up from the waiting list, when staff decide."""
    try:
        with transaction() as written:
            participants.give_place(written, seat, actor(), clock.now())
    except Refused:
        flash(_("No place is free. Raise the number of places first."), "warning")
        return _to(public_id)
    flash(_("The place is given, and the person is being written to."), "success")
    return _to(public_id)


@blueprint.post("/<seat>/cancel")
def cancel(public_id: PublicId, seat: PublicId) -> Answer:
    """Cancels for a person."""
    try:
        with transaction() as written:
            participants.cancel(written, seat, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The registration is cancelled, and the person is being written to."), "success")
    return _to(public_id)


@blueprint.post("/door")
def door(public_id: PublicId) -> Answer:
    """Adds somebody who came without having registered."""
    form = DoorForm()
    if not form.validate():
        return _page(public_id, form), 400
    with transaction() as written:
        participants.add_at_the_door(written, public_id, form.who, actor(), clock.now())
    flash(_("%(name)s is added and noted as present.", name=form.name.data), "success")
    return _to(public_id)


@blueprint.post("/list")
def take_list(public_id: PublicId) -> Answer:
    """The participant list as a file, once the export is on record."""
    form, now = ListForm(), clock.now()
    if not form.validate():
        flash(_("Say what the list is for; then it is exported."), "warning")
        return _to(public_id)
    wanted, language = ExportFormat(form.format.data), current_language()
    with transaction() as written:
        seminar = queries.seminar(written, public_id, now)
        people = seat_queries.participants(written, seminar.id)
        about = _("Participants: %(title)s", title=seminar.title(Language.GERMAN))
        export = exports.begin_other(written, about, wanted, form.reason.data or "", actor(), now)
    columns, rows = participants.columns(seminar, language), participants.rows(seminar, people, language)
    return download(send_rows(export, wanted, columns, rows), wanted, f"participants-{now:%Y-%m-%d}")


@blueprint.route("/marketing", methods=["GET", "POST"])
def marketing(public_id: PublicId) -> Answer:
    """Those of the seminar who may be written to: how many, and then the list (design I10)."""
    now = clock.now()
    with reading() as read:
        seminar = queries.seminar(read, public_id, now)
        form = SeminarMarketingForm(notice.current_wordings(read, now))
    return marketing_list(
        form,
        lambda: participants.among(seminar, Whom(form.whom.data)),
        partial(
            render_template, "seminars/staff/marketing.html", seminar=seminar, form=form, language_of=current_language()
        ),
    )


def _to(public_id: PublicId) -> Redirect:
    return redirect(url_for("participants.index", public_id=public_id), 303)


def _moved_on(public_id: PublicId) -> Redirect:
    flash(_("Nothing was changed: the list has moved on meanwhile."), "warning")
    return _to(public_id)
