"""Meeting the relay and the page of a one-click link; nothing is sent or changed."""

import http.client
import smtplib
import ssl
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlsplit

from consent_service.config import Smtp
from consent_service.deliverability.rules.servers import Shaken, Visited

SECONDS = 5.0


def shake(server: Smtp, our_name: str) -> Shaken:
    """Says hello to the relay, begins TLS as the service does, and takes leave."""
    context = ssl.create_default_context()
    try:
        if server.implicit_tls:
            with smtplib.SMTP_SSL(server.host, server.port, our_name, timeout=SECONDS, context=context) as session:
                return Shaken(expires_at=_expires_at(session.sock))
        with smtplib.SMTP(server.host, server.port, our_name, timeout=SECONDS) as session:
            session.ehlo_or_helo_if_needed()
            if not server.starttls:
                return Shaken(is_local=server.is_local, is_off=not server.is_local)
            if not session.has_extn("starttls"):
                return Shaken(is_not_offered=True)
            session.starttls(context=context)
            return Shaken(expires_at=_expires_at(session.sock))
    except ssl.SSLCertVerificationError as error:
        return Shaken(untrusted=error.verify_message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return Shaken(unreachable=_said(error))


def visit(url: str) -> Visited:
    """Gets a page over https, and follows no redirect."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=SECONDS, context=ssl.create_default_context()
    )
    try:
        connection.connect()
        expires_at = _expires_at(connection.sock)
        connection.request("GET", parts.path, headers={"User-Agent": "consent-service-check"})
        answer = connection.getresponse()
        answer.read()
        return Visited(status=answer.status, location=answer.getheader("Location"), expires_at=expires_at)
    except ssl.SSLCertVerificationError as error:
        return Visited(untrusted=error.verify_message)
    except (OSError, http.client.HTTPException) as error:
        return Visited(unreachable=_said(error))
    finally:
        connection.close()


def _said(error: Exception) -> str:
    """What went wrong, without the number that the system has for it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _expires_at(socket: object) -> datetime:
    """When the certificate that was just verified ends."""
    certificate = cast(ssl.SSLSocket, socket).getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
