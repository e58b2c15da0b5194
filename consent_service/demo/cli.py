"""`consent-service demo`."""

import sys
from pathlib import Path

import click

from consent_service.demo import show
from consent_service.demo.settings import Places


@click.command("demo")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-data"), show_default=True
)
@click.option("--port", default=8000, show_default=True, help="Of the website.")
@click.option("--mail-port", default=8025, show_default=True, help="Of the page with the caught mail.")
@click.option("--smtp-port", default=2525, show_default=True, help="Of the mail catcher.")
@click.option("--lmtp-port", default=8024, show_default=True, help="Of the service for what comes back by mail.")
def demo(folder: Path, port: int, mail_port: int, smtp_port: int, lmtp_port: int) -> None:
    """Show the whole service with an example organisation; no mail leaves this machine.

    Needs no settings: it makes its own, in its folder, and takes them up again at the next start. Ctrl-C ends it.

    Example: consent-service demo --port 8100
    """
    sys.exit(show.run(Places(folder.resolve(), port, mail_port, smtp_port, lmtp_port)))
