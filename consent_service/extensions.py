"""Flask's extensions, unbound; `application.create_app()` binds them."""

from flask import current_app
from flask_babel import Babel
from flask_limiter import Limiter
from flask_mail import Mail
from flask_migrate import Migrate
from flask_security import Security
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from consent_service.config import Settings
from consent_service.sources import source_of_request

database = SQLAlchemy(disable_autonaming=True)
migrate = Migrate(directory="migrations")
babel = Babel()
mail = Mail()
limiter = Limiter(key_func=source_of_request)
staff_forms = CSRFProtect()
security = Security()


def settings() -> Settings:
    """The settings of the application in whose context we are."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # asking the proxy takes seven times as long
    value: Settings = app.extensions["consent_settings"]
    return value
