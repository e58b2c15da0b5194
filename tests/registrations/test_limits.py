"""At most three mails of a kind an address and day, whoever asks; the asker does not see it (design I8)."""

from datetime import timedelta

import time_machine
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from consent_service import clock
from consent_service.domain.identifiers import PurposeId
from consent_service.registrations.rules import (
    MAILS_PER_DAY,
    Answer,
    Asked,
    RegistrationKind,
    answer,
)
from tests.driving import Mailbox, Worker, confirmed, fresh_settings, heading, hidden, sign_up

ANNA = "anna@example.org"


def test_the_fourth_mail_of_a_day_is_not_sent_and_the_page_is_the_same(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    pages = set()
    with time_machine.travel(clock.now() - timedelta(hours=24, minutes=1)):
        for spelling in (ANNA, "Anna@example.org", "ANNA@EXAMPLE.ORG", ANNA, ANNA):
            pages.add(heading(sign_up(visitor, spelling).text))
            worker.work()
    assert pages == {"Check your mailbox"}
    assert len(mailbox.mails()) == 3
    sign_up(visitor, ANNA)
    worker.work()
    assert len(mailbox.mails()) == 4


def test_sign_ups_by_strangers_do_not_keep_a_person_from_their_settings(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    for _ in range(4):
        sign_up(visitor, ANNA)
    assert fresh_settings(visitor, worker, mailbox, ANNA)


def test_an_unknown_address_gets_no_settings_link(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    confirmed(visitor, worker, mailbox, "bernd@example.org")
    fresh_settings(visitor, worker, mailbox, "bernd@example.org")
    before = len(mailbox.mails())
    with time_machine.travel(clock.now() - timedelta(seconds=10)):
        token = hidden(visitor.get("/settings").text, "form_token")
    assert visitor.post("/settings", data={"form_token": token, "email": ANNA}).status_code == 200
    worker.work()
    assert len(mailbox.mails()) == before


_purposes = st.frozensets(st.integers(1, 5).map(PurposeId), max_size=5)


@given(st.sampled_from(RegistrationKind), _purposes, _purposes, st.booleans(), st.integers(0, 10))
def test_the_answer(
    kind: RegistrationKind,
    asked_for: frozenset[PurposeId],
    active: frozenset[PurposeId],
    is_known: bool,
    mails: int,
) -> None:
    found = answer(Asked(kind, asked_for, active, is_known, mails))
    if mails >= MAILS_PER_DAY:
        assert found is Answer.NOTHING
    elif kind is RegistrationKind.SIGN_UP:
        assert (found is Answer.CONFIRMATION) == bool(asked_for - active)
        assert found is not Answer.NOTHING
    elif kind is not RegistrationKind.SETTINGS_LINK:
        assert found is Answer.CONFIRMATION
    else:
        assert (found is Answer.SETTINGS_LINK) == is_known
