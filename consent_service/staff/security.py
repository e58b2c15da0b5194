"""Sign-in by Flask-Security: argon2, one answer for a wrong address and a wrong password, slow on guessing."""

from typing import Any

from flask import Flask
from flask_security import SQLAlchemyUserDatastore, user_authenticated

from consent_service import clock
from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.config import Settings
from consent_service.database import transaction
from consent_service.extensions import database, limiter, security
from consent_service.staff.models import Role, StaffMember

GUESSES_PER_SOURCE = "10 per minute; 60 per hour"


def init_app(app: Flask, settings: Settings) -> None:
    """Gives the application its staff accounts and the page at /staff/sign-in."""
    app.config.update(
        SECURITY_URL_PREFIX="/staff",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW="/staff/",
        SECURITY_POST_LOGOUT_VIEW="/staff/sign-in",
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 (the name of an algorithm)
        SECURITY_PASSWORD_SALT=settings.secret_keys[0],
        SECURITY_RETURN_GENERIC_RESPONSES=True,
    )
    security.init_app(app, SQLAlchemyUserDatastore(database, StaffMember, Role))
    user_authenticated.connect(_note_sign_in, app)
    sign_in: Any = app.view_functions["security.login"]
    app.view_functions["security.login"] = limiter.limit(GUESSES_PER_SOURCE, methods=["POST"])(sign_in)


def _note_sign_in(_app: Flask, user: StaffMember, **_rest: object) -> None:
    with transaction() as session:
        audit.record(session, at=clock.now(), actor=user.email, action=Action.SIGNED_IN)
