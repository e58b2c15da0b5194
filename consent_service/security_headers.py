"""Security headers of every response. Flask-Talisman has had no release since 2023, and these are few lines."""

from functools import lru_cache

from flask import Flask, Response, request, request_finished

from consent_service.extensions import settings

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data:",
    "frame-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
}
EMBEDDABLE = frozenset({"newsletter.form", "newsletter.sign_up"})
_FRAMED_BY_STAFF = frozenset({"campaigns.preview_html"})
ONE_YEAR_SECONDS = 31_536_000


def _frame_ancestors() -> str:
    if request.endpoint in EMBEDDABLE and settings().embed_sites:
        return " ".join(("'self'", *settings().embed_sites))
    return "'self'" if request.endpoint in _FRAMED_BY_STAFF else "'none'"


@lru_cache
def _values(frame_ancestors: str, secure: bool, stored: bool) -> tuple[tuple[str, str], ...]:
    """The headers of a response: who may frame it, whether the service is on https, whether it may be stored."""
    policy = {**_POLICY, "frame-ancestors": frame_ancestors}
    values = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if not stored:
        values["Cache-Control"] = "no-store"
    if secure:
        values["Strict-Transport-Security"] = f"max-age={ONE_YEAR_SECONDS}"
    return tuple(values.items())


def _add(_app: Flask, response: Response, **_: object) -> None:
    headers = response.headers
    given = set(headers.keys(lower=True))
    values = _values(_frame_ancestors(), settings().secure, stored=request.endpoint == "static")
    headers.extend((name, value) for name, value in values if name.lower() not in given)


def init_app(app: Flask) -> None:
    """Adds the headers to every response of the application."""
    request_finished.connect(_add, app)
