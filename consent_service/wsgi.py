"""The WSGI entry point of an installed package: gunicorn consent_service.wsgi:app"""

import sys

from flask import Flask

from consent_service import check, logs
from consent_service.application import create_app
from consent_service.config import ConfigurationError

# Gunicorn starts a worker anew that ends with any other code.
GUNICORN_GIVES_UP = 4


def _start() -> Flask:
    """The application, once all that it needs is right; otherwise the process ends with a line for each reason."""
    logs.configure()
    try:
        app = create_app()
        with app.app_context():
            check.refuse_unready()
    except (ConfigurationError, check.NotReady) as error:
        print(*(f"consent-service: {line}" for line in str(error).splitlines()), sep="\n", file=sys.stderr, flush=True)
        sys.exit(GUNICORN_GIVES_UP)
    return app


app = _start()
