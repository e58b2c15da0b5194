"""The staff page of the deliverability check. A check takes a while, so the worker makes it."""

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.deliverability import queries, service, words
from consent_service.staff.guard import staff_blueprint

blueprint = staff_blueprint("deliverability", __name__, "/deliverability")


@blueprint.get("/")
def index() -> str:
    """What the last check found, what to publish, and whether a check is under way."""
    with reading() as session:
        last, since = queries.last(session), queries.under_way_since(session)
    return render_template("deliverability/index.html", last=last, since=since, words=words)


@blueprint.post("/check")
def check() -> Response:
    """Asks for a check."""
    with transaction() as session:
        service.request(session, clock.now())
    return redirect(url_for("deliverability.index"), 303)
