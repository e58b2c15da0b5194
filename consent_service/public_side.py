"""The public side: pages that know no session and no staff, and are asked for most.

Extensions for staff pages (who is signed in, Flask-WTF's token, limits for every page) have Flask call them
before and after each request, wherever it goes. Together they take as long as a one-click in the database
(docs/speed.md), so the public side goes without, and `limited` views count their requests themselves. What is
meant for every page listens to Flask's signals.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint, Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from consent_service.extensions import limiter, settings
from consent_service.sources import source_of_request

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class PublicBlueprint(Blueprint):
    """Pages for anybody: no session, no hooks around requests, and forms with a token of their own (design I11)."""


class Application(Flask):
    """Flask, with nothing but the view itself between a request and a public page."""

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Runs what extensions and blueprints want done first, except on the public side."""
        return None if self._is_public() else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        """Runs what extensions and blueprints want done last, and keeps the session, except on the public side."""
        return response if self._is_public() else super().process_response(response)

    def _is_public(self) -> bool:
        return isinstance(self.blueprints.get(request.blueprint or ""), PublicBlueprint)


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions; who brings no cookie has an empty one, which needs no keys."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


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
