"""Health for whoever runs the service. Readiness and metrics want the monitoring token."""

import hmac

import sqlalchemy as sa
from flask import Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from consent_service import clock
from consent_service.database import reading
from consent_service.extensions import settings
from consent_service.ledger import queries as ledger
from consent_service.mailing import queries as mailing
from consent_service.notice import queries as notice
from consent_service.public_side import PublicBlueprint

blueprint = PublicBlueprint("monitoring", __name__)


def _check_token() -> None:
    token = settings().monitoring_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token is None or not hmac.compare_digest(given.encode(), token.encode()):
        abort(404)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Whether this process answers at all."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether the database answers, too."""
    _check_token()
    with reading() as session:
        session.execute(sa.text("SELECT 1"))
    return Response("ready\n", mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Numbers for Prometheus, read from the database: the same from every process."""
    _check_token()
    registry = CollectorRegistry()
    messages = Gauge("consent_outbox_messages", "Messages not yet finished", ["state"], registry=registry)
    people = Gauge("consent_people", "People by purpose and status", ["purpose", "status"], registry=registry)
    with reading() as session:
        for state, number in mailing.outbox(session).items():
            messages.labels(state.value).set(number)
        codes = {wording.purpose_id: wording.code for wording in notice.current_wordings(session, clock.now())}
        for purpose_id, numbers in ledger.counts(session).items():
            for status, number in numbers.items():
                people.labels(codes[purpose_id], status.value).set(number)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
