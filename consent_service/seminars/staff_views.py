"""Seminars for staff: the list, planning one, publishing, changing and calling it off, and writing afterwards."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as Redirect

from consent_service import charts, clock
from consent_service.campaigns.composing import to_html
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings
from consent_service.localisation import current_language
from consent_service.seminars import calendar, chart, notices, planning, queries, seat_queries
from consent_service.seminars.block import placeholder
from consent_service.seminars.queries import PER_PAGE, Details
from consent_service.seminars.rules import SeminarState
from consent_service.seminars.staff_forms import CancelForm, FollowUpForm, SeminarForm, new_values, values_of
from consent_service.staff.guard import actor, staff_blueprint

blueprint = staff_blueprint("seminars_staff", __name__, "/seminars")
Answer = str | Redirect | tuple[str, int]


@blueprint.get("/")
def index() -> str:
    """All seminars, the latest first."""
    number = max(request.args.get("page", 1, type=int), 1)
    with reading() as session:
        page = queries.page(session, number, clock.now())
    return render_template(
        "seminars/staff/index.html",
        page=page,
        number=number,
        pages=max(-(-page.total // PER_PAGE), 1),
        language_of=current_language(),
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """A new draft."""
    form = SeminarForm(new_values(settings().time_zone, settings().organisation.email))
    if not form.is_submitted() or form.add_row():
        return _edit(form, None)
    if not form.validate():
        return _edit(form, None), 400
    with transaction() as session:
        public_id = planning.create(session, form.draft(), actor(), clock.now())
    flash(_("The draft is saved. Look it over, and publish it."), "success")
    return _to(public_id)


@blueprint.route("/<public_id>/edit", methods=["GET", "POST"])
def edit(public_id: PublicId) -> Answer:
    """Changes a seminar; once it is published, those registered are told what they must know."""
    seminar = _seminar(public_id)
    if seminar.plan.state is SeminarState.CANCELLED:
        return _moved_on(public_id)
    form = SeminarForm(values_of(seminar))
    if not form.is_submitted() or form.add_row():
        return _edit(form, seminar)
    if not form.validate():
        return _edit(form, seminar), 400
    with transaction() as session:
        is_told = planning.change(session, public_id, form.draft(), actor(), clock.now())
    told = _("The changes are saved. Everybody registered is being written to.")
    flash(told if is_told else _("The changes are saved."), "success")
    return _to(public_id)


@blueprint.post("/<public_id>/copy")
def copy(public_id: PublicId) -> Answer:
    """A new draft from this one."""
    with transaction() as session:
        copied = planning.copy(session, public_id, actor(), clock.now())
    flash(_("This is the copy, as a draft. Change its dates before you publish it."), "success")
    return redirect(url_for("seminars_staff.edit", public_id=copied), 303)


@blueprint.get("/<public_id>")
def show(public_id: PublicId) -> str:
    """One seminar: what it is, its numbers, and what can be done now."""
    now = clock.now()
    with reading() as session:
        seminar = queries.seminar(session, public_id, now)
        numbers = seat_queries.numbers(session, seminar.id)
    language = current_language()
    return render_template(
        "seminars/staff/show.html",
        seminar=seminar,
        numbers=chart.labels(numbers),
        language_of=language,
        descriptions={
            one: Markup(to_html(words.description))  # noqa: S704 (cleaned)
            for one, words in seminar.texts.items()
        },
        public_url=calendar.page_url(seminar, language),
        placeholder=placeholder(seminar.public_id),
        has_begun=now >= seminar.plan.starts_at,
        is_over=now >= seminar.plan.ends_at,
        form=CancelForm(formdata=None),
    )


@blueprint.get("/<public_id>/chart.svg")
def numbers_chart(public_id: PublicId) -> Response:
    """The numbers as a picture."""
    with reading() as session:
        numbers = seat_queries.numbers(session, queries.seminar_id(session, public_id))
    return charts.picture(chart.labels(numbers), is_narrow="narrow" in request.args)


@blueprint.post("/<public_id>/publish")
def publish(public_id: PublicId) -> Answer:
    """Announces a draft."""
    try:
        with transaction() as session:
            planning.publish(session, public_id, actor(), clock.now())
    except Refused:
        flash(_("Not published: only a draft whose first date is still to come can be. Change the dates first."),
              "warning")  # fmt: skip
        return _to(public_id)
    flash(_("The seminar is published."), "success")
    return _to(public_id)


@blueprint.post("/<public_id>/cancel")
def cancel(public_id: PublicId) -> Answer:
    """Calls it off, and writes to all who have a place or wait."""
    form = CancelForm()
    if not form.validate():
        return _moved_on(public_id)
    try:
        with transaction() as session:
            planning.cancel(session, public_id, form.reason.data or "", actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The seminar is called off. Everybody registered is being written to."), "success")
    return _to(public_id)


@blueprint.post("/<public_id>/delete")
def delete(public_id: PublicId) -> Answer:
    """Throws a draft away."""
    try:
        with transaction() as session:
            planning.delete(session, public_id, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The draft is deleted."), "success")
    return redirect(url_for("seminars_staff.index"), 303)


@blueprint.route("/<public_id>/follow-up", methods=["GET", "POST"])
def follow_up(public_id: PublicId) -> Answer:
    """Writes to who took part: material, not advertising."""
    seminar, form = _seminar(public_id), FollowUpForm()
    if not form.is_submitted():
        return render_template("seminars/staff/follow_up.html", seminar=seminar, form=form)
    if not form.validate():
        return render_template("seminars/staff/follow_up.html", seminar=seminar, form=form), 400
    try:
        with transaction() as session:
            attended_only = bool(form.attended_only.data)
            notices.follow_up(session, public_id, form.texts, attended_only, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The e-mail is on its way."), "success")
    return _to(public_id)


def _seminar(public_id: PublicId) -> Details:
    with reading() as session:
        return queries.seminar(session, public_id, clock.now())


def _edit(form: SeminarForm, seminar: Details | None) -> str:
    return render_template(
        "seminars/staff/edit.html", form=form, flat=form.flat, seminar=seminar, language_of=current_language()
    )


def _to(public_id: PublicId) -> Redirect:
    return redirect(url_for("seminars_staff.show", public_id=public_id), 303)


def _moved_on(public_id: PublicId) -> Redirect:
    """Somebody pressed a button of a page that is no longer true: show what is."""
    flash(_("Nothing was changed: the seminar has moved on meanwhile."), "warning")
    return _to(public_id)
