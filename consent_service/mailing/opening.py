"""Opening a connection to the mail server, as Flask-Mail's configuration names it, and why that fails.

TLS certificates are always verified, against the system's authorities; OpenSSL's SSL_CERT_FILE names others.
"""

import smtplib
import ssl

from flask import current_app

from consent_service.extensions import settings
from consent_service.mailing.replies import described
from consent_service.mailing.rules import TroubleKind


class CannotConnect(Exception):
    """The server is not there, does not answer, is not trusted, or refuses our sign-in; kind and text say which."""

    def __init__(self, kind: TroubleKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def connect() -> smtplib.SMTP:
    """A connection on which mail can be handed over. Raises CannotConnect."""
    try:
        return _signed_in()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise CannotConnect(_kind(error), described(error)) from error


def _signed_in() -> smtplib.SMTP:
    mail = current_app.extensions["mail"]
    timeout = settings().smtp.timeout_seconds
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if mail.use_ssl:
        server = smtplib.SMTP_SSL(mail.server, mail.port, settings().host, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(mail.server, mail.port, settings().host, timeout=timeout)
    try:
        if mail.use_tls:
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, mail.password)
        else:
            server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _kind(error: Exception) -> TroubleKind:
    """What it is that keeps us from connecting."""
    if isinstance(error, ssl.SSLError) or (
        isinstance(error, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(error)
    ):
        return TroubleKind.UNTRUSTED
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError):
        return TroubleKind.SIGN_IN_REFUSED
    if "timed out" in str(error):
        return TroubleKind.TOO_SLOW
    if isinstance(error, smtplib.SMTPServerDisconnected | smtplib.SMTPResponseException | ConnectionResetError):
        return TroubleKind.HUNG_UP
    return TroubleKind.UNREACHABLE
