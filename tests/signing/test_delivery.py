"""Signed mail on its way: what the worker hands over by SMTP verifies when it arrives."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.names import LONGEST_NAME
from consent_service.signing import queries, service
from consent_service.signing.rules import Algorithm, KeyState
from consent_service.subjects.models import Subject
from tests.conftest import free_port
from tests.driving import Worker, add_people, sign_up
from tests.mailing.campaigning import service as running
from tests.mailing.campaigning import start_mailing
from tests.mailing.servers import Recorder, serving
from tests.mailing.test_composition import HOSTILE
from tests.signing.verifying import DOMAIN, published, verdicts


@pytest.fixture
def relay() -> Iterator[tuple[Recorder, int]]:
    """A mail server that remembers what it gets, and its port."""
    port = free_port()
    with serving(Recorder(), port) as recorder:
        yield recorder, port


def let_sign(*algorithms: Algorithm) -> list[str]:
    """Makes keys of the sending domain and lets them sign; their selectors."""
    with transaction() as session:
        service.create(session, DOMAIN, algorithms or tuple(Algorithm), clock.now())
    with transaction() as session:
        new = [key.selector for key in queries.keys(session, DOMAIN, KeyState.PREPARED)]
        service.activate(session, DOMAIN, new, clock.now())
    return new


def add_hostile_people() -> None:
    """People with the worst names that the database keeps: PostgreSQL takes no NUL, and the column 200 characters."""
    people = add_people(None, len(HOSTILE))
    with transaction() as session:
        for person, name in zip(people, HOSTILE.values(), strict=True):
            kept = name.replace("\0", "")[:LONGEST_NAME]
            session.execute(sa.update(Subject).where(Subject.id == person).values(name=kept))


def send_mailing() -> None:
    start_mailing()
    Worker().work()


@pytest.mark.parametrize("algorithms", [(), (Algorithm.RSA,), (Algorithm.ED25519,)], ids=["both", "rsa", "ed25519"])
def test_a_mailing_to_hostile_names(
    database_url: str, relay: tuple[Recorder, int], algorithms: tuple[Algorithm, ...]
) -> None:
    recorder, port = relay
    with running(database_url, port, DKIM="service"):
        signatures = len(let_sign(*algorithms))
        add_hostile_people()
        send_mailing()
        zone = published()
    assert len(recorder.taken) == len(HOSTILE)
    for mail in recorder.taken:
        assert verdicts(mail.data, zone) == [True] * signatures, mail.data
        changed = mail.data.replace(b"List-Unsubscribe: <http", b"List-Unsubscribe: <https", 1)
        assert verdicts(changed, zone) == [False] * signatures


def test_a_single_mail(database_url: str, relay: tuple[Recorder, int]) -> None:
    recorder, port = relay
    with running(database_url, port, DKIM="service") as app:
        let_sign()
        sign_up(app.test_client(use_cookies=False), "anna@example.org")
        Worker().work()
        assert verdicts(recorder.taken[0].data, published()) == [True, True]


def test_the_relay_signs_unless_the_service_is_told_to(database_url: str, relay: tuple[Recorder, int]) -> None:
    recorder, port = relay
    with running(database_url, port):
        let_sign()
        add_people(None, 1)
        send_mailing()
    assert b"DKIM-Signature" not in recorder.taken[0].data


def test_new_keys_take_over_within_seconds(
    database_url: str, relay: tuple[Recorder, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, port = relay
    with running(database_url, port, DKIM="service"):
        first = let_sign(Algorithm.RSA)
        add_people(None, 1)
        send_mailing()
        with transaction() as session:
            service.rotate(session, DOMAIN, clock.now())
        monkeypatch.setattr(service, "KEYS_ARE_READ_EVERY", timedelta(0))
        send_mailing()
        with transaction() as session:
            second = [key.selector for key in queries.keys(session, DOMAIN, KeyState.PREPARED)]
            service.activate(session, DOMAIN, second, clock.now())
        send_mailing()
        zone = published()
    selectors = [mail.data.partition(b" s=")[2].partition(b";")[0].decode() for mail in recorder.taken]
    assert selectors == [*first, *first, *second]
    assert [verdicts(mail.data, zone) for mail in recorder.taken] == [[True]] * 3


def test_every_mailing_names_campaign_purpose_and_sender_to_the_providers(
    database_url: str, relay: tuple[Recorder, int]
) -> None:
    recorder, port = relay
    with running(database_url, port):
        add_people(None, 3)
        send_mailing()
    fields = [mail.data.partition(b"\r\nFeedback-ID: ")[2].partition(b"\r\n")[0] for mail in recorder.taken]
    assert fields == [b"0:newsletter:example"] * 3
