"""Marketing settings: what an old link may do, and what only a fresh one may (design I7)."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.addresses import normalise
from consent_service.domain.kinds import ConsentStatus, EventKind, SuppressionReason
from consent_service.notice import queries as notice
from consent_service.preferences.rules import Place, place
from consent_service.subjects import service as subjects
from tests.driving import (
    Mailbox,
    Worker,
    confirmed,
    events_of,
    everything,
    fresh_settings,
    heading,
    path_in,
    text_of,
)

ANNA = "anna@example.org"


@pytest.fixture
def old(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> str:
    """The path of the settings link in Anna's welcome mail."""
    return path_in(confirmed(visitor, worker, mailbox, ANNA, name="Anna Beispiel"), "settings")


@pytest.fixture
def fresh(visitor: FlaskClient, worker: Worker, mailbox: Mailbox, old: str) -> str:
    """The path of a settings link that was just mailed to Anna."""
    return fresh_settings(visitor, worker, mailbox, ANNA)


def test_an_old_link_shows_states_and_nothing_personal(visitor: FlaskClient, old: str) -> None:
    words = text_of(visitor.get(old).text)
    assert "Newsletter Registered since" in words
    assert "Invitations to surveys Not registered" in words
    assert "Send me a fresh link" in words
    assert "What has happened so far" not in words
    assert "Anna" not in words
    assert ANNA not in words


@pytest.mark.parametrize("path", ["give", "name"])
def test_an_old_link_can_only_take_away(visitor: FlaskClient, old: str, path: str) -> None:
    before = everything()
    answer = visitor.post(f"{old}/{path}", data={"purpose": "survey_invitation", "name": "Eve"})
    assert (answer.status_code, heading(answer.text)) == (403, "Please ask for a fresh link")
    assert 'href="/settings"' in answer.text
    assert everything() == before


def test_a_fresh_link_becomes_an_old_one_after_an_hour(visitor: FlaskClient, fresh: str) -> None:
    assert "What has happened so far" in visitor.get(fresh).text
    with time_machine.travel(clock.now() + timedelta(hours=1, minutes=1)):
        assert "What has happened so far" not in visitor.get(fresh).text
        assert visitor.post(f"{fresh}/name", data={"name": "Eve"}).status_code == 403
        assert visitor.post(f"{fresh}/withdraw", data={"purpose": "newsletter"}).status_code == 303


def test_withdrawing_with_an_old_link(visitor: FlaskClient, old: str) -> None:
    done = visitor.post(f"{old}/withdraw?lang=en", data={"purpose": "newsletter"}, follow_redirects=True)
    words = text_of(done.text)
    assert "Done: you are unsubscribed" in words
    assert "Newsletter Unsubscribed since" in words
    assert events_of(ANNA)[-1].kind is EventKind.WITHDRAWN


def test_unsubscribing_from_everything_includes_what_was_never_asked(visitor: FlaskClient, old: str) -> None:
    visitor.post(f"{old}/withdraw", data={"purpose": "everything"})
    assert text_of(visitor.get(old).text).count("Unsubscribed since") == 4
    with reading() as session:
        person = subjects.find(session, normalise(ANNA))
        assert person is not None
        assert person.suppression_digest is not None
        for purpose_id in notice.purpose_ids(session):
            assert subjects.is_suppressed(session, person.suppression_digest, purpose_id)


def test_looking_changes_nothing(visitor: FlaskClient, old: str, fresh: str) -> None:
    before = everything()
    for _ in range(10):
        for path in (old, fresh, "/settings"):
            assert visitor.get(path).status_code == visitor.head(path).status_code == 200
    assert everything() == before


def test_history_in_words_with_the_wording(visitor: FlaskClient, old: str, fresh: str) -> None:
    visitor.post(f"{old}/withdraw", data={"purpose": "newsletter"})
    words = text_of(visitor.get(fresh).text)
    assert "You agreed, on our website: Newsletter" in words
    assert "You withdrew your consent, on our website: Newsletter" in words
    assert "Wording, version 1: “Yes, Beispiel GmbH may e-mail me news" in words
    assert "Privacy notice, version 1" in words
    for code in ("confirmed", "withdrawn,", "one_click"):
        assert code not in words.split("What has happened so far")[1]


def test_giving_anew_takes_a_double_opt_in(visitor: FlaskClient, worker: Worker, mailbox: Mailbox, fresh: str) -> None:
    answer = visitor.post(f"{fresh}/give", data={"purpose": "survey_invitation"}, follow_redirects=True)
    assert "Check your mailbox" in answer.text
    worker.work()
    assert len(events_of(ANNA)) == 1
    visitor.post(path_in(mailbox.latest(ANNA), "confirm"))
    assert len(events_of(ANNA)) == 2


def test_nobody_can_make_themselves_a_customer(visitor: FlaskClient, fresh: str) -> None:
    before = everything()
    assert visitor.post(f"{fresh}/give", data={"purpose": "customer_information"}).status_code == 403
    assert everything() == before


def test_changing_the_name(visitor: FlaskClient, fresh: str) -> None:
    answer = visitor.post(f"{fresh}/name", data={"name": "Änne  Beispiel"}, follow_redirects=True)
    assert 'value="Änne Beispiel"' in answer.text
    wrong = visitor.post(f"{fresh}/name", data={"name": "x" * 201})
    assert wrong.status_code == 400
    assert "Shorten the name to at most 200 characters" in wrong.text
    assert "x" * 201 in wrong.text


def test_a_bounced_address_reads_as_stopped_and_can_be_given_anew(visitor: FlaskClient, fresh: str) -> None:
    with transaction() as session:
        person = subjects.find(session, normalise(ANNA))
        assert person is not None
        subjects.lock(session, person.id)
        subjects.suppress_subject(session, person.id, SuppressionReason.BOUNCED, clock.now())
    words = text_of(visitor.get(fresh).text)
    assert "Newsletter Stopped since" in words
    assert "because our e-mails came back" in words


def test_an_erased_person_s_settings_are_gone(visitor: FlaskClient, old: str) -> None:
    with transaction() as session:
        person = subjects.find(session, normalise(ANNA))
        assert person is not None
        person.address = person.normalised_address = None
        person.erased_at = clock.now()
    answer = visitor.get(old)
    assert (answer.status_code, heading(answer.text)) == (404, "This link does not work")


def test_a_form_on_a_foreign_site_cannot_withdraw(visitor: FlaskClient, old: str) -> None:
    before = everything()
    answer = visitor.post(
        f"{old}/withdraw", data={"purpose": "everything"}, headers={"Origin": "https://foreign.example"}
    )
    assert answer.status_code == 403
    assert everything() == before


@given(st.sampled_from([*ConsentStatus, None]), st.booleans())
def test_only_who_is_registered_and_not_suppressed_reads_as_registered(
    status: ConsentStatus | None, is_suppressed: bool
) -> None:
    registered = place(status, is_suppressed) is Place.REGISTERED
    assert registered == (status is ConsentStatus.ACTIVE and not is_suppressed)
