"""`consent-service inbound`: the three ways by which mail comes in."""

import os
import sys
import time

import click
import sqlalchemy as sa
import structlog
from flask import current_app
from flask.cli import AppGroup, ScriptInfo

from consent_service import check, clock
from consent_service.database import transaction
from consent_service.domain.errors import Refused
from consent_service.extensions import settings
from consent_service.inbound import lmtp, polling, receiving
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.receiving import Arrival

log = structlog.get_logger()
NULL_SENDERS = ("", "<>", "MAILER-DAEMON")

inbound = AppGroup("inbound", help="Take in what comes back by mail: wishes to leave, bounces, complaints, replies.")


@inbound.command("receive", with_appcontext=False)
@click.option("--sender", help="The envelope's sender; empty for a bounce.")
@click.option("--recipient", "recipients", multiple=True, help="An address of the envelope that it is for.")
@click.pass_context
def receive(context: click.Context, sender: str | None, recipients: tuple[str, ...]) -> None:
    """Store one mail from standard input, for a mail server's pipe.

    Ends with 0 once it is stored, and with 75 (EX_TEMPFAIL) when the mail server should try again later.

    Example: consent-service inbound receive --sender "$SENDER" --recipient "$RECIPIENT" < mail.eml
    """
    try:
        app = context.ensure_object(ScriptInfo).load_app()
        with app.app_context():
            envelope = Envelope("" if sender in NULL_SENDERS else sender, recipients)
            _store(receiving.read(sys.stdin.buffer, envelope, settings().inbound.largest_bytes))
    except Exception as error:  # any other ending would have the mail server give the mail up
        click.echo(f"consent-service: the mail cannot be stored now: {error}", err=True)
        sys.exit(os.EX_TEMPFAIL)


def _store(arrival: Arrival) -> None:
    with transaction() as session:
        receiving.store(session, arrival, clock.now())


@inbound.command("serve")
def serve() -> None:
    """Take mail by LMTP, until SIGTERM.

    Example: consent-service inbound serve
    """
    check.refuse_unready()
    lmtp.run(current_app._get_current_object())  # type: ignore[attr-defined]


@inbound.command("poll")
@click.option("--every", type=click.IntRange(1), metavar="SECONDS", help="Go on, and look again so often.")
def poll(every: int | None) -> None:
    """Take mail from the mailbox at CONSENT_IMAP_URL, and move what is stored to another folder.

    Example: consent-service inbound poll --every 60
    """
    check.refuse_unready()
    imap = settings().inbound.imap
    if imap is None:
        raise Refused("CONSENT_IMAP_URL is not set")
    while True:
        try:
            number = polling.poll(imap, settings().inbound.largest_bytes, _store)
            click.echo(f"{number} mail(s) stored.", err=True)
        except (Refused, sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            if every is None:
                raise
            log.warning("mailbox cannot be emptied now", error=type(error).__name__, reason=str(error).splitlines()[0])
        if every is None:
            return
        time.sleep(every)
