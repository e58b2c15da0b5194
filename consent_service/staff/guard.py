"""The guard of every staff page."""

from flask import Blueprint, current_app
from flask_security import current_user
from werkzeug.wrappers import Response


def staff_blueprint(name: str, import_name: str, path: str) -> Blueprint:
    """A blueprint below /staff whose every page wants a signed-in member of staff."""
    blueprint = Blueprint(name, import_name, url_prefix=f"/staff{path}")
    blueprint.before_request(_require_staff)
    return blueprint


def _require_staff() -> Response | None:
    if current_user.is_authenticated:
        return None
    response: Response = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
    return response


def actor() -> str:
    """Who acts, for the audit log: the signed-in member's address."""
    return str(current_user.email)
