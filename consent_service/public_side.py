"""The public side: pages that know no session and no staff, and are asked for most.

Extensions for staff pages (who is signed in, Flask-WTF's token, limits for every page) have Flask call them
before each request, wherever it goes. Together they take as long as a one-click in the database
(docs/speed.md), so the public side goes without, and `limited` views count their requests themselves.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint, Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from consent_service.extensions import limiter, settings
from consent_service.sources import source_of_request

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class PublicBlueprint(Blueprint):
    """Pages for anybody: no session, no `before_request`, and forms with a token of their own (design I11)."""


class Application(Flask):
    """Flask, with nothing but the view itself between a request and a public page."""

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Runs what extensions and blueprints want done first, except on the public side."""
        if isinstance(self.blueprints.get(request.blueprint or ""), PublicBlueprint):
            return None
        return super().preprocess_request()


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions; who brings no cookie has an empty one, which needs no keys."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Tells the browser what became of its session; a session that nobody looked at is passed over."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)


def limited(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """A view that each source may ask for only so often (CONSENT_SIGN_UP_LIMIT); it raises TooManyRequests.

    Flask-Limiter's own decorator first looks up which limits, defaults and exemptions there are: ten times the work.
    """

    @wraps(view)
    def counted(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        source = source_of_request()
        hits = [limiter.limiter.hit(limit, source, str(request.endpoint)) for limit in settings().sign_up_limit]
        if not all(hits):
            raise TooManyRequests
        return view(*args, **kwargs)

    return counted
