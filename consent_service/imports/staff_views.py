"""Import pages: take a file, show what would become of each row, and say yes or no."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import LegalBasis
from consent_service.imports import queries, service, uploads, words
from consent_service.imports.files import UnreadableFile
from consent_service.imports.forms import UploadForm
from consent_service.imports.queries import Overview
from consent_service.imports.rules import STAGED_FOR, TO_APPLY, ImportKind, ImportState, RowResult
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.staff.guard import actor, staff_blueprint
from consent_service.staff.paging import asked_page, number_of_pages

blueprint = staff_blueprint("imports", __name__, "/imports")

ROWS_PER_PAGE = 50


@blueprint.get("/")
def index() -> str:
    """The newest imports."""
    with reading() as session:
        imports = queries.newest(session)
    return render_template("imports/index.html", imports=imports, words=words)


@blueprint.route("/upload", methods=["GET", "POST"])
def upload() -> str | tuple[str, int] | Response:
    """Takes a file for the worker to stage; nothing else is changed."""
    form = _upload_form()
    if request.method == "GET":
        return _upload_page(form)
    if not form.validate():
        return _upload_page(form), 400
    try:
        public_id = uploads.keep(
            form.file.data.stream,
            ImportKind(form.kind.data),
            form.purpose.data or "",
            form.file.data.filename or "",
            actor(),
        )
    except UnreadableFile as error:
        form.file.errors = [words.file_problem(error)]
        return _upload_page(form), 400
    return redirect(url_for("imports.show", public_id=public_id), 303)


def _upload_form() -> UploadForm:
    with reading() as session:
        wordings = notice.current_wordings(session, clock.now())
    return UploadForm([wording for wording in wordings if wording.basis is LegalBasis.LEGITIMATE_INTEREST])


def _upload_page(form: UploadForm) -> str:
    return render_template("imports/upload.html", form=form)


@blueprint.get("/<public_id>")
def show(public_id: PublicId) -> str:
    """What became, or would become, of the rows: counts, and while it is staged each row, problems first."""
    with reading() as session:
        shown = queries.overview(session, public_id)
        result = _chosen(shown)
        purpose = _title(session, shown.purpose_code)
        page = asked_page()
        rows = queries.staged_rows(session, shown.id, result, skip=(page - 1) * ROWS_PER_PAGE, most=ROWS_PER_PAGE)
    return render_template(
        "imports/show.html",
        shown=shown,
        state=ImportState,
        results=list(RowResult),
        to_apply=sum(shown.counts[one] for one in TO_APPLY),
        result=result,
        rows=rows,
        page=page,
        pages=number_of_pages(shown.counts[result], ROWS_PER_PAGE),
        purpose_title=purpose,
        days=STAGED_FOR.days,
        words=words,
    )


def _title(session: Session, purpose_code: str | None) -> str | None:
    return notice.purpose(session, purpose_code, clock.now()).title(current_language()) if purpose_code else None


def _chosen(shown: Overview) -> RowResult:
    """The rows asked for, or the first ones that there are."""
    wanted = request.args.get("result", "")
    if wanted in list(RowResult):
        return RowResult(wanted)
    return next((one for one in RowResult if shown.counts[one]), RowResult.NEW)


@blueprint.post("/<public_id>/apply")
def apply(public_id: PublicId) -> Response:
    """Says yes: the worker applies the import batch by batch."""
    with transaction() as session:
        service.apply(session, public_id, actor(), clock.now())
    flash(_("The import has begun. It goes on in the background; you can leave this page."), "success")
    return redirect(url_for("imports.show", public_id=public_id), 303)


@blueprint.post("/<public_id>/discard")
def discard(public_id: PublicId) -> Response:
    """Says no: nothing is imported, and the rows are deleted."""
    with transaction() as session:
        service.discard(session, public_id, actor(), clock.now())
    flash(_("The import was discarded. Nothing was changed, and its rows are deleted."), "success")
    return redirect(url_for("imports.index"), 303)
