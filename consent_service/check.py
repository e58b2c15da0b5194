"""What must be right before the service runs: the database, its tables, the keys, the mail server."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from consent_service import migrating
from consent_service.database import current_database_url, reading, transaction
from consent_service.domain.errors import DomainError
from consent_service.extensions import database, settings
from consent_service.mailing.opening import CannotConnect
from consent_service.mailing.smtp import Connection
from consent_service.signing import queries as signing
from consent_service.signing.rules import KeyState
from consent_service.subjects import service as subjects


class NotReady(Exception):
    """The service cannot start; the text has one line for each reason, and says what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it, if anything."""

    what: str
    problem: str | None


def everything() -> list[Finding]:
    """Looks at all of it; the settings were read before, or there would be no application."""
    findings = _database()
    if not any(finding.problem for finding in findings):
        findings.append(Finding("dkim", _problem(refuse_unsigned)))
    return [*findings, Finding("smtp", _problem(_smtp))]


def refuse_unready() -> None:
    """Raises NotReady unless the database is there and migrated, and the suppression key is its own."""
    problems = [finding.problem for finding in _database() if finding.problem]
    # A server may fork after this, and children must not share a connection.
    database.engine.dispose()
    if problems:
        raise NotReady("\n".join(problems))


def refuse_unsigned() -> None:
    """Raises NotReady where the service is to sign its mail and has no key for the sender's domain."""
    domain = settings().sending_domain
    if not settings().signs_dkim:
        return
    with reading() as session:
        if not signing.keys(session, domain, KeyState.SIGNING):
            raise NotReady(f"CONSENT_DKIM: no key signs for {domain}: see consent-service dkim create and activate")


def _database() -> list[Finding]:
    """Each needs the one before it."""
    findings = []
    for what, look in (("database", _reachable), ("migrations", _migrated), ("suppression key", _suppression_key)):
        findings.append(Finding(what, _problem(look)))
        if findings[-1].problem:
            break
    return findings


def _problem(look: Callable[[], None]) -> str | None:
    try:
        look()
    except (NotReady, DomainError, subjects.WrongSuppressionKey) as error:
        return str(error)
    return None


def _reachable() -> None:
    try:
        with database.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.OperationalError as error:
        reason = " ".join(str(error.orig).split())
        raise NotReady(f"CONSENT_DATABASE_URL: {current_database_url()} cannot be reached: {reason}") from error


def _migrated() -> None:
    if migrating.steps():
        raise NotReady("the database's tables are not up to date: run consent-service migrate")


def _suppression_key() -> None:
    with transaction() as session:
        subjects.check_suppression_key(session)


def _smtp() -> None:
    try:
        with Connection() as connection:
            connection.open()
    except CannotConnect as error:
        server = settings().smtp
        raise NotReady(f"CONSENT_SMTP_URL: {server.host}:{server.port} cannot be used: {error}") from error
