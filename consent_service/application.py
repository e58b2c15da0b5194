"""The application, put together from its parts."""

import os
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from consent_service import (
    database,
    errors,
    extensions,
    localisation,
    logs,
    monitoring,
    pages,
    security_headers,
)
from consent_service.campaigns import blocks
from consent_service.campaigns import report_views as campaigns
from consent_service.config import Settings, from_environment
from consent_service.dashboard import staff_views as dashboard
from consent_service.deliverability import staff_views as deliverability
from consent_service.exports import staff_views as exports
from consent_service.imports import staff_views as imports
from consent_service.inbound import staff_views as inbound
from consent_service.inbound.webhooks import views as webhooks
from consent_service.limits import staff_views as limits
from consent_service.mailing import audiences
from consent_service.newsletter import staff_views as newsletter_staff
from consent_service.newsletter import views as newsletter
from consent_service.notice import views as notice
from consent_service.people import staff_views as people
from consent_service.preferences import one_click, sections
from consent_service.preferences import views as preferences
from consent_service.public_side import Application, Sessions
from consent_service.registrations import kinds
from consent_service.registrations import views as registrations
from consent_service.registrations.rules import RegistrationKind
from consent_service.registrations.sign_up import SIGN_UP
from consent_service.seminars import block, in_settings
from consent_service.seminars import participants_views as participants
from consent_service.seminars import staff_views as seminars_staff
from consent_service.seminars import views as seminars
from consent_service.seminars.registering import SEMINAR
from consent_service.staff import security
from consent_service.staff import staff_views as account
from consent_service.surveys import answer_views as survey_answers
from consent_service.surveys import block as survey_block
from consent_service.surveys import in_settings as surveys_in_settings
from consent_service.surveys import inviting
from consent_service.surveys import result_views as surveys_staff
from consent_service.surveys import views as surveys
from consent_service.surveys.registration import SURVEY_REGISTRATION

PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """A folder that ships with the package: inside it in the wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def create_app(settings: Settings | None = None) -> Flask:
    """The application, with the given settings or those of the environment. Raises ConfigurationError."""
    settings = settings or from_environment(os.environ)
    app = Application(PACKAGE.name, template_folder=str(resource("templates")), static_folder=str(resource("static")))
    app.session_interface = Sessions()
    app.config.update(settings.flask())
    app.extensions["consent_settings"] = settings
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    logs.init_app(app)  # first, so that a request which an extension refuses has its id
    _bind_extensions(app, settings)
    localisation.init_app(app)
    security_headers.init_app(app)
    errors.init_app(app)
    _register_parts()
    _register_views(app)
    return app


def _bind_extensions(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = database.engine_options(settings.database_url)
    extensions.database.init_app(app)
    database.init_app(app)
    extensions.migrate.init_app(app, extensions.database, directory=str(resource("migrations")))
    extensions.mail.init_app(app)
    extensions.limiter.init_app(app)
    extensions.staff_forms.init_app(app)
    security.init_app(app)


def _register_parts() -> None:
    """Tells features that stand below or beside others what those add to them."""
    kinds.register(RegistrationKind.SIGN_UP, SIGN_UP)
    kinds.register(RegistrationKind.SEMINAR, SEMINAR)
    kinds.register(RegistrationKind.SURVEY, SURVEY_REGISTRATION)
    sections.register("seminars", in_settings.section)
    sections.register("surveys", surveys_in_settings.section)
    blocks.register(block.KIND, block.BLOCK)
    blocks.register(survey_block.KIND, survey_block.BLOCK)
    audiences.register(survey_block.KIND, inviting.AUDIENCE)


def _register_views(app: Flask) -> None:
    for module in (
        pages,
        account,
        people,
        campaigns,
        dashboard,
        deliverability,
        exports,
        imports,
        inbound,
        limits,
        monitoring,
        notice,
        newsletter,
        newsletter_staff,
        registrations,
        preferences,
        one_click,
        webhooks,
        seminars,
        surveys,
        survey_answers,
        surveys_staff,
        seminars_staff,
        participants,
    ):
        app.register_blueprint(module.blueprint)
