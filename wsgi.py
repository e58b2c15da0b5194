"""The WSGI entry point: gunicorn wsgi:app"""

from consent_service import create_app, logs

logs.configure()
app = create_app()
