"""Logs: one JSON object a line, with the request's id, and without personal data.

A path can hold a signed link, which is a capability; so the route is logged, never the path.
"""

import logging
import re
import sys
import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
log = structlog.get_logger()


def configure() -> None:
    """Sends structlog's and the standard library's messages to stderr as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    if request.endpoint not in ("static", "monitoring.healthz"):
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule) if request.url_rule else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
        )
    return response


def init_app(app: Flask) -> None:
    """Gives each request an id and logs it when it is done."""
    app.before_request(_begin)
    app.after_request(_end)
