"""The outbox's hot path stays on its indexes: a campaign's last message costs what its first one did."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
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
    "claim single mails": lambda session: claiming.claim(session, Lane.SINGLE, 10),
    "take up abandoned": claiming.take_up_abandoned,
    "finish": lambda session: mailing.finish(session, clock.now()),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_no_statement_reads_or_sorts_the_whole_outbox(sqlite_url: str, work: Callable[[Session], object]) -> None:
    statements = []
    with service(sqlite_url, 1):
        add_people(None, 5)
        start_mailing()
        sa.event.listen(
            database.engine,
            "before_cursor_execute",
            lambda _c, _k, statement, parameters, *_: statements.append((statement, parameters)),
        )
        with transaction() as session:
            work(session)
        with database.engine.connect() as connection:
            plans = [
                line.detail
                for statement, parameters in [one for one in statements if "messages" in one[0]]
                for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
    assert plans
    assert [line for line in plans if "SCAN messages" in line or "TEMP B-TREE" in line] == []
    assert "SEARCH messages USING INDEX ix_messages_mailing_id_state (mailing_id=?)" not in plans
