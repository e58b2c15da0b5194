"""Security headers of every response. Flask-Talisman has had no release since 2023, and these are few lines."""

from flask import Flask, Response, request

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


def _add(response: Response) -> Response:
    policy = {**_POLICY, "frame-ancestors": _frame_ancestors()}
    headers = response.headers
    headers.setdefault("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in policy.items()))
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    if settings().secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR_SECONDS}")
    return response


def init_app(app: Flask) -> None:
    """Adds the headers to every response of the application."""
    app.after_request(_add)
