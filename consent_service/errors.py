"""From what went wrong to what people see: the one place."""

from dataclasses import dataclass

import structlog
from flask import Flask, render_template, url_for
from flask_babel import gettext as _
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from consent_service.domain.errors import InvalidLink, NotFound, Refused

log = structlog.get_logger()
Answer = tuple[str, int]


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something that a person can do now."""

    text: str
    url: str


def page(status: int, title: str, text: str, *next_steps: NextStep) -> Answer:
    """An error's page: what happened, and what to do next."""
    return render_template("errors/error.html", title=title, text=text, next_steps=next_steps), status


def to_settings() -> NextStep:
    """The way to one's marketing settings, without any link from a mail."""
    return NextStep(_("Ask for a link to your marketing settings"), url_for("preferences.ask"))


def _invalid_link(error: InvalidLink) -> Answer:
    return page(
        404,
        _("This link does not work"),
        _(
            "It is damaged, incomplete, or was made by another service. "
            "Copy the whole link from the e-mail, or ask for a new one."
        ),
        to_settings(),
        NextStep(_("Register again"), url_for("newsletter.form")),
    )


def _not_found(error: Exception) -> Answer:
    return page(
        404,
        _("Page not found"),
        _("There is nothing at this address."),
        NextStep(_("To the start page"), url_for("pages.start")),
    )


def _refused(error: Refused) -> Answer:
    log.info("refused", reason=str(error))
    return page(403, _("That is not possible"), _("The request was refused; nothing was changed."))


def _too_many(error: RateLimitExceeded) -> Answer:
    return page(
        429,
        _("Too many attempts"),
        _("There were too many requests from your connection. Please wait a few minutes and try again."),
    )


def _forged(error: CSRFError) -> Answer:
    return page(
        400,
        _("Please send the form again"),
        _("Your session has ended or the form was open for too long. Go back, load the page anew and try again."),
    )


def _any_http(error: HTTPException) -> Answer:
    match error.code:
        case 405:
            title, text = _("That does not work this way"), _("This address expects another kind of request.")
        case 413:
            title, text = _("That is too large"), _("What you sent is larger than this service accepts.")
        case _:
            title, text = _("That did not work"), _("The request could not be understood; nothing was changed.")
    return page(error.code or 500, title, text)


def _failed(error: InternalServerError) -> Answer:
    log.error("request failed", exc_info=error.original_exception or error)
    return page(
        500,
        _("Something went wrong on our side"),
        _("Nothing of what you sent was half done. Please try again in a few minutes."),
    )


def init_app(app: Flask) -> None:
    """Registers every handler."""
    app.register_error_handler(InvalidLink, _invalid_link)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(404, _not_found)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(RateLimitExceeded, _too_many)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _any_http)
    app.register_error_handler(500, _failed)
