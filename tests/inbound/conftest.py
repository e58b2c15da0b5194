"""A service with one person who has got a campaign, and whose answers come in."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.driving import Mailbox, Worker
from tests.inbound.arriving import Inbox, lmtp, send_campaign


@pytest.fixture
def inbox(app: Flask, worker: Worker, mailbox: Mailbox) -> Iterator[Inbox]:
    """Takes in what comes back about a campaign's mail."""
    (sent,) = send_campaign(worker, mailbox)
    with lmtp(app) as port:
        yield Inbox(port, worker, sent)
