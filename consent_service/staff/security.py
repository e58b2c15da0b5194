"""Sign-in by Flask-Security: argon2, one answer for a wrong address and a wrong password, slow on guessing."""

import hashlib
from datetime import timedelta
from typing import Any

from flask import Flask, Response, make_response, request, session
from flask_security import SQLAlchemyUserDatastore, current_user, user_authenticated
from flask_security.views import login

from consent_service import clock
from consent_service.audit import service as audit
from consent_service.audit.service import NOBODY, Action
from consent_service.database import transaction
from consent_service.extensions import database, limiter, security
from consent_service.staff import rules, service
from consent_service.staff.forms import SignInForm
from consent_service.staff.models import Role, StaffMember

GUESSES_PER_SOURCE = "10 per minute; 60 per hour"
GUESSES_PER_ACCOUNT = "10 per 15 minutes; 30 per day"
WORKING_DAY = timedelta(hours=12)
NEVER = timedelta(minutes=-1)
HOME = "/staff/"


def init_app(app: Flask) -> None:
    """Gives the application its staff accounts, the page at /staff/sign-in, and /staff/sign-out."""
    app.config.update(
        PERMANENT_SESSION_LIFETIME=WORKING_DAY,
        SECURITY_URL_PREFIX="/staff",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW=HOME,
        SECURITY_POST_LOGOUT_VIEW="/staff/sign-in",
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 (the name of an algorithm)
        # No further digest under a key of ours: passwords would end with that key.
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],
        SECURITY_PASSWORD_LENGTH_MIN=rules.SHORTEST_PASSWORD,
        SECURITY_RETURN_GENERIC_RESPONSES=False,  # SignInForm has the one answer
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_FRESHNESS=NEVER,  # no page that asks for the password again
        SECURITY_STATIC_FOLDER=None,
    )
    security.init_app(app, SQLAlchemyUserDatastore(database, StaffMember, Role), login_form=SignInForm)
    user_authenticated.connect(_signed_in, app)
    app.view_functions["security.login"] = sign_in


def _account() -> str:
    """What guesses at one account are counted by, whether or not there is such an account."""
    typed = request.form.get("email", "").strip().casefold()
    return hashlib.sha256(typed.encode()).hexdigest()


def _was_a_guess(_response: Response) -> bool:
    return not current_user.is_authenticated


@limiter.limit(GUESSES_PER_SOURCE, methods=["POST"], deduct_when=_was_a_guess)
@limiter.limit(GUESSES_PER_ACCOUNT, methods=["POST"], deduct_when=_was_a_guess, key_func=_account)
def sign_in() -> Response:
    """Flask-Security's sign-in; what failed goes to the audit log without what was typed."""
    response: Response = make_response(login())
    if request.method == "POST" and _was_a_guess(response):
        with transaction() as written:
            audit.record(written, at=clock.now(), actor=NOBODY, action=Action.SIGN_IN_FAILED)
    if not rules.is_staff_page(response.headers.get("Location", HOME)):
        response.headers["Location"] = HOME
    return response


def _signed_in(_app: Flask, user: StaffMember, **_rest: Any) -> None:
    # Who planted a cookie before the sign-in knows its token; it must not serve afterwards.
    session.pop("csrf_token", None)
    with transaction() as written:
        if database.session.is_modified(user):  # a password that was hashed at another cost than today's
            service.keep_hash(written, user.email, user.password)
        audit.record(written, at=clock.now(), actor=user.email, action=Action.SIGNED_IN)
    # Flask-Security would write the hash in its own session, which on SQLite reads before it writes: too late by now.
    database.session.expire(user)
