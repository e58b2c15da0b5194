"""The outbox's hot path stays on its indexes: a campaign's last message costs what its first one did."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import transaction
from consent_service.extensions import database
from consent_service.mailing import claiming, handover
from consent_service.mailing import service as mailing
from consent_service.mailing.rules import Lane
from tests.driving import add_people
from tests.mailing.campaigning import service, start_mailing


def claim_and_mark(session: Session) -> None:
    claims = claiming.claim(session, Lane.BULK, 2)
    assert len(claims) == 2
    assert handover.step(session, [], claims[0], clock.now()) is not None


WORK: dict[str, Callable[[Session], object]] = {
    "claim a campaign's and mark": claim_and_mark,
    "look for single mails": claiming.is_single_due,
    "claim single mails": lambda session: claiming.claim(session, Lane.SINGLE, 10),
    "take up abandoned": claiming.take_up_abandoned,
    "finish": lambda session: mailing.finish(session, clock.now()),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_no_statement_reads_or_sorts_the_whole_outbox(sqlite_url: str, work: Callable[[Session], object]) -> None:
    statements: list[str] = []
    with service(sqlite_url, 1):
        add_people(None, 5)
        start_mailing()
        with transaction() as session:
            # What is prepared goes past SQLAlchemy, and so past its events.
            driver = session.connection().connection.driver_connection
            driver.set_trace_callback(statements.append)
            work(session)
            driver.set_trace_callback(None)
        with database.engine.connect() as connection:
            plans = [
                line.detail
                for statement in statements
                if "messages" in statement
                for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            ]
    assert plans
    assert [line for line in plans if "SCAN messages" in line or "TEMP B-TREE" in line] == []
    # Of a mailing, only what is waiting or in hand.
    assert [line for line in plans if line.endswith("(mailing_id=?)") and "ix_messages_waiting" not in line] == []
