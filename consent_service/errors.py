"""From what went wrong to what people see: the one place."""

from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from flask import Flask, current_app, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, TooManyRequests

from consent_service.domain.errors import ForeignSite, FreshLinkNeeded, InvalidLink, NotFound, Refused
from consent_service.extensions import settings

log = structlog.get_logger()
Answer = tuple[str, int]
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something that a person can do now."""

    text: str
    url: str


def page(status: int, title: str, text: str, *next_steps: NextStep) -> Answer:
    """An error's page: what happened, and what to do next."""
    at_the_desk = _is_at_the_desk()
    # Rendering would look up who is signed in: where the database failed, that fails again, and no page is left.
    g.setdefault("_login_user", current_app.login_manager.anonymous_user())  # type: ignore[attr-defined]
    answer = render_template(
        "errors/error.html", title=title, text=text, next_steps=next_steps, at_the_desk=at_the_desk
    )
    return answer, status


def _is_at_the_desk() -> bool:
    """Whether a signed-in member of staff asks. Not looked up anew where the database may be what failed."""
    user = g.get("_login_user")
    return request.path.startswith("/staff/") and user is not None and bool(user.is_authenticated)


def to_settings() -> NextStep:
    """The way to one's marketing settings, without any link from a mail."""
    return NextStep(_("Ask for a link to your marketing settings"), url_for("preferences.ask"))


def _invalid_link(error: InvalidLink) -> Answer:
    if request.blueprint == "one_click":
        return _cannot_unsubscribe()
    return page(
        404,
        _("This link does not work"),
        _(
            "It is incomplete or damaged, it was made by another service, or what it led to was deleted. Nothing was "
            "changed. Copy the whole link from the e-mail into your browser, or ask for a new one:"
        ),
        to_settings(),
        NextStep(_("Register for the newsletter"), url_for("newsletter.form")),
    )


def _cannot_unsubscribe() -> Answer:
    mailbox = settings().unsubscribe_mailbox
    return page(
        404,
        _("This unsubscribe link does not work"),
        _(
            "It is incomplete or damaged, or it was made by another service. You are not unsubscribed yet. "
            "There are two other ways:"
        ),
        NextStep(_("Send an e-mail to %(mailbox)s", mailbox=mailbox), f"mailto:{mailbox}?subject=unsubscribe"),
        to_settings(),
    )


def _fresh_link_needed(error: FreshLinkNeeded) -> Answer:
    return page(
        403,
        _("Please ask for a fresh link"),
        _(
            "E-mails get forwarded. So a link works for one hour for changes like this one; afterwards you can only "
            "unsubscribe with it. Nothing was changed."
        ),
        to_settings(),
    )


def _foreign_site(error: ForeignSite) -> Answer:
    log.info("refused", reason=str(error))
    return page(
        403,
        _("This form stands on a website that we do not know"),
        _("So we took nothing from it. You find the form on our own website:"),
        NextStep(_("Register for the newsletter"), url_for("newsletter.form")),
        to_settings(),
    )


def _to_start() -> NextStep:
    if _is_at_the_desk():
        return NextStep(_("To the overview"), url_for("dashboard.overview"))
    return NextStep(_("To the start page"), url_for("pages.start"))


def _not_found(error: Exception) -> Answer:
    return page(
        404,
        _("Page not found"),
        _("There is nothing at this address. Perhaps it was typed or copied incompletely."),
        _to_start(),
    )


def _refused(error: Refused) -> Answer:
    log.info("refused", reason=str(error))
    return page(403, _("That is not possible"), _("The request was refused; nothing was changed."), _to_start())


def _too_many(error: TooManyRequests) -> Answer:
    return page(
        429,
        _("Too many attempts"),
        _(
            "There were too many requests from your internet connection, perhaps by others who share it. "
            "Nothing was changed. Please wait a few minutes, go back and send once more."
        ),
    )


def _forged(error: CSRFError) -> Answer:
    return page(
        400,
        _("Please send the form again"),
        _("Your session has ended or the form was open for too long. Go back, load the page anew and try again."),
    )


def _wrong_method(error: MethodNotAllowed) -> tuple[str, int, dict[str, str]]:
    answer, status = page(
        405,
        _("That does not work this way"),
        _("This address cannot be opened like this. Please begin again on the start page."),
        _to_start(),
    )
    return answer, status, {"Allow": ", ".join(sorted(error.valid_methods or ()))}


def _any_http(error: HTTPException) -> Answer:
    if error.code == 413:
        title, text = (
            _("That is too large"),
            _("What you sent is larger than this service accepts; nothing was changed."),
        )
    else:
        title, text = _("That did not work"), _("The request could not be understood; nothing was changed.")
    return page(error.code or 500, title, text, _to_start())


def _database_away(error: sa.exc.OperationalError) -> tuple[str, int, dict[str, str]]:
    """Away, restarting, or it ended one of two transactions that waited for each other: nothing was committed."""
    log.error("database refused", exc_info=error)
    text, status = page(
        503,
        _("Please try again in a moment"),
        _("The service is busy or being restarted; nothing was changed. Load the page again, or send the form again."),
    )
    return text, status, {"Retry-After": str(RETRY_AFTER_SECONDS)}


def _failed(error: InternalServerError) -> Answer:
    log.error("request failed", exc_info=error.original_exception or error)
    return page(
        500,
        _("Something went wrong on our side"),
        _("We do not know yet why. Nothing is half done: go back and send once more in a few minutes."),
    )


def init_app(app: Flask) -> None:
    """Registers every handler."""
    app.register_error_handler(InvalidLink, _invalid_link)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(404, _not_found)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(ForeignSite, _foreign_site)
    app.register_error_handler(FreshLinkNeeded, _fresh_link_needed)
    app.register_error_handler(TooManyRequests, _too_many)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(MethodNotAllowed, _wrong_method)
    app.register_error_handler(HTTPException, _any_http)
    app.register_error_handler(sa.exc.OperationalError, _database_away)
    app.register_error_handler(500, _failed)
