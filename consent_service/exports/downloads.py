"""Lists on their way to a browser: the answer that streams one, and the steps to a feature's marketing list."""

from collections.abc import Callable, Iterator

from flask import Response, request, stream_with_context

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.exports import service
from consent_service.exports.forms import MarketingForm
from consent_service.exports.queries import Among
from consent_service.exports.rules import ExportFormat
from consent_service.exports.sending import send
from consent_service.exports.service import Criteria, Request
from consent_service.staff.guard import actor

_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.JSON_LINES: "application/jsonl; charset=utf-8",
}


def download(pieces: Iterator[bytes], wanted: ExportFormat, name: str) -> Response:
    """The pieces as a file of this name, to which the format's ending is added."""
    return Response(
        stream_with_context(pieces),
        content_type=_MEDIA_TYPES[wanted],
        headers={"Content-Disposition": f'attachment; filename="{name}.{wanted}"', "Cache-Control": "no-store"},
    )


def marketing_list(
    form: MarketingForm, people: Callable[[], Among], page: Callable[..., str]
) -> str | tuple[str, int] | Response:
    """Those of `people` who may be written to: how many, and then the list (design I10).

    `people` is asked once the form is valid; `page` renders the form, and the number where it gets `rows`.
    """
    if not form.is_submitted():
        return page()
    if not form.validate():
        return page(), 400
    criteria, now = Criteria(form.purpose.data, None, people()), clock.now()
    if "download" not in request.form:
        with reading() as session:
            rows = service.count(session, criteria, now)
        return page(rows=rows)
    wanted = ExportFormat(form.format.data)
    with transaction() as session:
        export = service.begin(session, Request(criteria, wanted, form.reason.data or ""), actor(), now)
    return download(send(export), wanted, f"{form.purpose.data}-{now:%Y-%m-%d}")
