"""States and counts: what is rebuilt from the ledger equals what was written live, and what was changed is found."""

import json
from collections.abc import Mapping, Sequence

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PurposeId, SubjectId, new_public_id
from consent_service.domain.kinds import (
    Channel,
    ConsentStatus,
    EventKind,
    Language,
    LeftOut,
    LegalBasis,
    SuppressionReason,
)
from consent_service.evidence import service as evidence
from consent_service.ledger import queries, rebuild, verify
from consent_service.ledger import service as ledger
from consent_service.ledger.rebuild import Chunk
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording
from consent_service.preferences import service as preferences
from consent_service.rights import service as rights
from consent_service.subjects import service as subjects
from tests.conftest import run_command
from tests.driving import add_people

EVERYBODY = Chunk(SubjectId(0), SubjectId(2**31))
ACTS = ("confirm", "import", "leave", "leave twice", "leave everything", "erase", "bounce", "complain", "fold")
HISTORIES = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 3)), max_size=25)


def act(session: Session, what: str, number: int, wording: Wording) -> None:
    now = clock.now()
    if what == "fold":
        ledger.fold_counts(session, most=3)
        return
    address = f"person{number}@example.org"
    person = subjects.find_or_add(session, address, language=Language.GERMAN, name=None, at=now)
    match what:
        case "confirm":
            begin(session, person, wording, EventKind.CONFIRMED, LegalBasis.CONSENT)
        case "import":
            begin(session, person, wording, EventKind.IMPORTED, LegalBasis.LEGITIMATE_INTEREST)
        case "leave":
            preferences.leave(session, person, [wording.purpose_id], Channel.LINK, {}, now)
        case "leave twice":
            preferences.leave(session, person, [wording.purpose_id] * 2, Channel.LINK, {}, now)
        case "leave everything":
            preferences.leave_everything(session, person, Channel.LINK, {}, now)
        case "bounce":
            subjects.suppress_subject(session, person, SuppressionReason.BOUNCED, now)
        case "complain":
            subjects.suppress_subject(session, person, SuppressionReason.COMPLAINED, now, wording.purpose_id)
        case "erase":
            rights.erase(session, address, "operator", now)


def begin(session: Session, person: SubjectId, wording: Wording, kind: EventKind, basis: LegalBasis) -> None:
    now = clock.now()
    given_now = ledger.Consent(
        subject_id=person,
        purpose_id=wording.purpose_id,
        purpose_version_id=wording.version_id,
        kind=kind,
        basis=basis,
        at=now,
        channel=Channel.LINK,
        registration=new_public_id(),
    )
    ledger.begin(session, given_now, {"test": True}, evidence.new_data_key(session, person, now))


def wrong(session: Session) -> Sequence[object]:
    return [*rebuild.wrong_states(session, EVERYBODY), *rebuild.wrong_counts(session)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES)
def test_rebuilt_equals_live_after_random_histories(app: Flask, history: list[tuple[str, int, int]]) -> None:
    with reading() as session:
        wordings = notice.current_wordings(session, clock.now())
    for what, number, purpose in history:
        with transaction() as session:
            act(session, what, number, wordings[purpose])
    with transaction() as session:
        assert wrong(session) == []
        assert [*verify.check_database(session), *verify.check_people(session, EVERYBODY)] == []
        for wording in wordings:
            assert not_zero(queries.numbers_left_out(session, wording.purpose_id)) == grouped(session, wording)
        live = queries.counts(session), states(session)
        session.execute(sa.text("DELETE FROM consent_states"))
        session.execute(sa.text("DELETE FROM state_counts"))
        rebuild.mend_states(session, EVERYBODY)
        rebuild.mend_counts(session)
        assert wrong(session) == []
        rebuilt = queries.counts(session), states(session)
    assert _without_zeros(rebuilt[0]) == _without_zeros(live[0])
    assert rebuilt[1] == live[1]


def grouped(session: Session, wording: Wording) -> dict[str | None, int]:
    """Everybody, counted by why they are left out."""
    everybody = queries.everybody(wording.purpose_id).subquery()
    return dict(session.execute(sa.select(everybody.c.left_out, sa.func.count()).group_by(everybody.c.left_out)).all())


def not_zero(numbers: Mapping[LeftOut | None, int]) -> dict[str | None, int]:
    return {reason and reason.value: number for reason, number in numbers.items() if number}


def states(session: Session) -> list[tuple[object, ...]]:
    rows = session.execute(sa.text("SELECT * FROM consent_states ORDER BY subject_id, purpose_id"))
    return [tuple(row) for row in rows]


def _without_zeros(counts: dict[PurposeId, dict[ConsentStatus, int]]) -> dict[tuple[PurposeId, ConsentStatus], int]:
    return {(purpose, status): n for purpose, ones in counts.items() for status, n in ones.items() if n}


def damage(statement: str) -> None:
    with transaction() as session:
        session.execute(sa.text(statement))


DAMAGES = [
    "UPDATE consent_states SET status = 'withdrawn' WHERE subject_id = 2",
    "DELETE FROM consent_states WHERE subject_id = 2",
    "INSERT INTO consent_states SELECT 1, 2, status, basis, purpose_version_id, since, event_id FROM consent_states"
    " WHERE subject_id = 2",
]


@pytest.mark.parametrize("statement", DAMAGES)
def test_rebuild_finds_and_mends(app: Flask, database_url: str, statement: str) -> None:
    add_people(None, 3)
    damage(statement)
    with reading() as session:
        before = wrong(session)
    dry = run_command(database_url, "ledger", "rebuild", "--dry-run", "--json")
    assert dry.returncode == 1
    found = json.loads(dry.stdout)
    assert len(found["states"]) == 1
    assert len(found["states"]) + len(found["counts"]) == len(before)
    with reading() as session:
        assert wrong(session) == before
    assert run_command(database_url, "ledger", "verify").returncode == 1
    assert run_command(database_url, "ledger", "rebuild").returncode == 0
    again = run_command(database_url, "ledger", "rebuild", "--dry-run")
    assert (again.returncode, again.stdout) == (0, "")
    with reading() as session:
        assert queries.counts(session)[PurposeId(1)][ConsentStatus.ACTIVE] == 3


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM unsealed_events WHERE event_id = 2", "does not wait to be sealed"),
        ("UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE id = 1) WHERE id = 2", "does not open"),
        ("UPDATE state_count_differences SET difference = 7 WHERE id = 1", "counted are"),
    ],
)
def test_verify_finds(app: Flask, database_url: str, statement: str, problem: str) -> None:
    add_people(None, 3)
    well = run_command(database_url, "ledger", "verify", "--json")
    assert (well.returncode, json.loads(well.stdout)) == (0, {"events": 3, "problems": []})
    damage(statement)
    ran = run_command(database_url, "ledger", "verify")
    assert ran.returncode == 1
    assert [problem in line for line in ran.stdout.splitlines()] == [True]


def test_verify_misses_a_trigger(app: Flask, database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    damage(
        "DROP TRIGGER consent_events_no_delete"
        if is_sqlite
        else "ALTER TABLE consent_events DISABLE TRIGGER consent_events_no_change"
    )
    ran = run_command(database_url, "ledger", "verify")
    assert ran.returncode == 1
    assert "append-only is missing" in ran.stdout


def test_verify_finds_a_wrong_suppression_key(app: Flask, database_url: str) -> None:
    ran = run_command(database_url, "ledger", "verify", SUPPRESSION_KEY="another-" + "0123456789abcdef" * 3)
    assert ran.returncode == 1
    assert "CONSENT_SUPPRESSION_KEY" in ran.stdout + ran.stderr
