"""Export pages: past exports, what is wanted, a check of it, and the download."""

from flask import Response, render_template, request
from flask_babel import gettext as _

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.exports import downloads, queries, service
from consent_service.exports.forms import ExportForm
from consent_service.exports.sending import send
from consent_service.extensions import settings
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.staff.guard import actor, staff_blueprint

blueprint = staff_blueprint("exports", __name__, "/exports")


@blueprint.get("/")
def index() -> str:
    """The record of past exports, newest first."""
    with reading() as session:
        exports = queries.newest(session)
        wordings = notice.current_wordings(session, clock.now())
    titles = {one.code: one.title(current_language()) for one in wordings}
    return render_template("exports/index.html", exports=exports, titles=titles)


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> str | tuple[str, int]:
    """Asks what is wanted; once that is said, shows how many people it would be. Nothing leaves yet."""
    form = _form()
    if request.method == "GET":
        return render_template("exports/new.html", form=form)
    if not form.validate():
        return render_template("exports/new.html", form=form), 400
    wanted = form.request()
    try:
        with reading() as session:
            rows = service.count(session, wanted.criteria, clock.now())
    except Refused:
        return _unnamed_recipient(form)
    return render_template("exports/check.html", form=form, rows=rows)


@blueprint.post("/download")
def download() -> str | tuple[str, int] | Response:
    """Records the export, then sends it as it is read from the database."""
    form = _form()
    if not form.validate():
        return render_template("exports/new.html", form=form), 400
    wanted, now = form.request(), clock.now()
    try:
        with transaction() as session:
            export = service.begin(session, wanted, actor(), now)
    except Refused:
        return _unnamed_recipient(form)
    return downloads.download(send(export), wanted.format, f"{wanted.criteria.purpose_code}-{now:%Y-%m-%d}")


def _form() -> ExportForm:
    with reading() as session:
        purposes = notice.current_wordings(session, clock.now())
        named = {name for one in purposes for name in service.third_parties(session, one.purpose_id)}
    return ExportForm(purposes, settings().organisation.name, sorted(named))


def _unnamed_recipient(form: ExportForm) -> tuple[str, int]:
    form.recipient.errors = [_("No wording of this purpose names this recipient, so nobody has agreed to it")]
    return render_template("exports/new.html", form=form), 400
