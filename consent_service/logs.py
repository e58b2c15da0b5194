"""Logs: one JSON object a line, with the request's id, and without personal data.

A path can hold a signed link, which is a capability; so the route is logged, never the path. The text of an
exception can hold anything, a database's even the row that it refused; so its type and its way are logged.
"""

import logging
import re
import secrets
import sys
import time
import traceback
from collections.abc import Iterator

import sqlalchemy as sa
import structlog
from flask import Flask, Response, g, request, request_finished, request_started
from structlog.typing import EventDict

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# These say which server is away, and name nobody.
_SPEAKING = (sa.exc.OperationalError, ConnectionError)
log = structlog.get_logger()


def configure() -> None:
    """Sends structlog's and the standard library's messages to stderr as JSON."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
    ]
    structlog.configure(
        processors=[*processors, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_without_values, *processors],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            keep_exc_info=True,
        )
    )
    logging.getLogger().handlers = [handler]
    # Gunicorn's worker logs the path of a request that failed.
    gunicorn = logging.getLogger("gunicorn.error")
    gunicorn.handlers, gunicorn.propagate = [], True


def _without_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Another library's message as it stands in its source: what it would fill in may be an address or a path."""
    record: logging.LogRecord = event["_record"]
    return {**event, "event": str(record.msg), "logger": record.name}


def _describe_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Which exceptions, and through which lines of code; without what they say."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = [_described(link) for link in _chain(error)]
    return event


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _described(error: BaseException) -> dict[str, object]:
    described: dict[str, object] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "lines": [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ],
    }
    if isinstance(error, _SPEAKING):
        described["text"] = str(error)
    return described


def _begin(_app: Flask, **_: object) -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(_app: Flask, response: Response, **_: object) -> None:
    response.headers["X-Request-ID"] = g.request_id
    if request.endpoint not in ("static", "monitoring.healthz"):
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule) if request.url_rule else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
        )


def init_app(app: Flask) -> None:
    """Gives each request an id and logs it when it is done."""
    request_started.connect(_begin, app)
    request_finished.connect(_end, app)
    # Flask would log a failed request's path; errors.py logs the failure.
    app.logger.disabled = True
