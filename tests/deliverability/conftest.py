"""A name server of our own, and the application that asks it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.extensions import database
from tests.conftest import Browser, environment
from tests.deliverability.zones import GOOD, SENDER
from tests.dns_lookup import dns_server
from tests.dns_lookup.dns_server import Names
from tests.driving import Mailbox


@pytest.fixture
def names() -> Iterator[Names]:
    """A name server with which all is well, until a test changes its table."""
    with dns_server.serving(GOOD) as names:
        yield names


def variables(names: Names) -> dict[str, str]:
    """The settings that go with these names."""
    return {
        "DNS_SERVERS": f"127.0.0.1:{names.port}",
        "SENDING_ADDRESSES": SENDER,
        "DKIM_SELECTORS": "s1",
        "BOUNCE_DOMAIN": "bounces.beispiel.example",
    }


@pytest.fixture
def app(database_url: str, mailbox: Mailbox, names: Names) -> Iterator[Flask]:
    """The application, whose questions go to our name server."""
    app = create_app(from_environment(environment(database_url, mailbox.port, **variables(names))))
    app.test_client_class = Browser
    with app.app_context():
        yield app
        database.session.remove()
        database.engine.dispose()
