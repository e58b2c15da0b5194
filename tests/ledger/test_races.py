"""Real threads on real connections: what is done twice at once counts once."""

import threading
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.kinds import Channel, EventKind
from consent_service.ledger import queries, rebuild
from consent_service.ledger import service as ledger
from consent_service.notice import queries as notice
from consent_service.preferences import service as preferences
from tests.driving import Mailbox, Worker, add_people, events_of, path_in, sign_up


def at_once(app: Flask, work: Callable[[], object], times: int = 4) -> list[object]:
    """Does the work in as many threads at the same moment; what each returned or raised."""
    barrier, results = threading.Barrier(times), []

    def run() -> None:
        with app.app_context():
            barrier.wait()
            try:
                results.append(work())
            except Exception as error:
                results.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_simultaneous_confirmations_give_one_event(
    app: Flask, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    sign_up(visitor, "anna@example.org")
    worker.work()
    path = path_in(mailbox.latest("anna@example.org"), "confirm")
    answers = at_once(app, lambda: app.test_client(use_cookies=False).post(path).status_code)
    assert all(isinstance(answer, int) and answer < 500 for answer in answers), answers
    assert [event.kind for event in events_of("anna@example.org")] == [EventKind.CONFIRMED]


def test_simultaneous_withdrawals_give_one_event(app: Flask) -> None:
    person = add_people(None, 1)[0]
    with reading() as session:
        newsletter = notice.purpose(session, "newsletter", clock.now()).purpose_id

    def leave() -> None:
        with transaction() as session:
            preferences.leave(session, person, [newsletter], Channel.ONE_CLICK, {}, clock.now())

    assert at_once(app, leave) == [None] * 4
    assert [event.kind for event in events_of("person0@example.org")] == [EventKind.CONFIRMED, EventKind.WITHDRAWN]


def test_simultaneous_folds_keep_the_sum(app: Flask) -> None:
    add_people(None, 40)

    def fold() -> None:
        with transaction() as session:
            ledger.fold_counts(session, most=15)

    assert at_once(app, fold) == [None] * 4
    with reading() as session:
        assert rebuild.wrong_counts(session) == []
        assert [sum(ones.values()) for ones in queries.counts(session).values()] == [40]
