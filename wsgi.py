"""The WSGI entry point of a checkout: gunicorn wsgi:app"""

from consent_service.wsgi import app

__all__ = ["app"]
