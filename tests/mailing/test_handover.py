"""The outbox's hot path stays on its indexes: a campaign's last message costs what its first one did."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.identifiers import MailingId
from consent_service.extensions import database
from consent_service.mailing import claiming, handover, queries, reporting, retrying
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.outcomes import Outcome
from consent_service.mailing.rules import Lane
from tests.driving import add_people
from tests.mailing.campaigning import service, start_mailing


def claim_and_mark(session: Session) -> None:
    claims = claiming.claim(session, Lane.BULK, 2)
    assert len(claims) == 2
    assert handover.step(session, [], claims[:1], clock.now()) != [None]


WORK: dict[str, Callable[[Session], object]] = {
    "claim a campaign's and mark": claim_and_mark,
    "look for single mails": claiming.is_single_due,
    "claim single mails": lambda session: claiming.claim(session, Lane.SINGLE, 10),
    "take up abandoned": claiming.take_up_abandoned,
    "finish": lambda session: mailing.finish(session, clock.now()),
}


LOOKS: dict[str, Callable[[Session, MailingId], object]] = {
    "the report": lambda session, started: reporting.page(session, started, None, None),
    "what of it waits": lambda session, started: reporting.page(session, started, Outcome.WAITING, None),
    "why it failed": retrying.failures,
    "the outbox": lambda session, _: queries.outbox(session),
}


def plans(url: str, work: Callable[[Session, MailingId], object]) -> list[str]:
    """How SQLite does all of this with the outbox of a campaign."""
    statements: list[str] = []
    with service(url, 1):
        add_people(None, 5)
        started = start_mailing()
        with transaction() as session:
            # What is prepared goes past SQLAlchemy, and so past its events.
            driver = session.connection().connection.driver_connection
            assert driver is not None
            driver.set_trace_callback(statements.append)
            work(session, started)
            driver.set_trace_callback(None)
        with database.engine.connect() as connection:
            found = [
                line.detail
                for statement in statements
                if "messages" in statement
                for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            ]
    assert found
    return found


def reads_too_much(plan: str) -> bool:
    """Whether this reads the outbox or all of a mailing; what waits and what is in hand have indexes of their own."""
    few = "ix_messages_leased" in plan or "ix_messages_waiting" in plan
    return "messages" in plan and not few and ("SCAN" in plan or plan.endswith("(mailing_id=?)"))


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_no_statement_reads_or_sorts_the_whole_outbox(sqlite_url: str, work: Callable[[Session], object]) -> None:
    found = plans(sqlite_url, lambda session, _: work(session))
    assert [plan for plan in found if reads_too_much(plan) or "TEMP B-TREE" in plan] == []


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_no_look_at_a_mailing_reads_all_of_it(sqlite_url: str, look: Callable[[Session, MailingId], object]) -> None:
    assert [plan for plan in plans(sqlite_url, look) if reads_too_much(plan)] == []


def test_who_looks_for_single_mails_in_vain_waits_for_no_writer(sqlite_url: str) -> None:
    with service(sqlite_url, 1) as app, ThreadPoolExecutor() as others, transaction():

        def look() -> bool:
            with app.app_context(), Carrier(Lane.SINGLE, Event()) as carrier:
                return carrier.carry_batch()

        assert others.submit(look).result(timeout=20) is False
