"""Filling a database with many consented people in a few statements: for benchmarks, past all rules."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg

_SQLITE = {
    "{numbers}": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})",
    "{id}": "lower(hex(randomblob(16)))",
    "{digest}": "randomblob(32)",
    "{nothing}": "x'00'",
}
_POSTGRESQL = {
    "{numbers}": "WITH n(i) AS (SELECT generate_series(1, {people}))",
    "{id}": "replace(gen_random_uuid()::text, '-', '')",
    "{digest}": "sha256(gen_random_uuid()::text::bytea)",
    "{nothing}": "'x'::bytea",
}
_SUBJECTS = """
INSERT INTO subjects (public_id, address, normalised_address, suppression_digest, name, sortable_name, language,
                      created_at)
{numbers}
SELECT {id}, 'person' || i || '@example.org', 'person' || i || '@example.org', {digest},
       'Anna Beispiel ' || i, 'anna beispiel ' || i, 'de', '2026-01-01 10:00:00.000000' FROM n ORDER BY i
"""
_EVENTS = """
INSERT INTO consent_events (public_id, subject_id, purpose_id, purpose_version_id, kind, basis, at, requested_at,
                            channel, notice_id, data_key_id, evidence)
SELECT {id}, s.id, v.purpose_id, v.id, 'confirmed', 'consent', '2026-01-01 10:05:00.000000',
       '2026-01-01 10:00:00.000000', 'link', (SELECT max(id) FROM notices), s.id, {nothing}
FROM subjects s CROSS JOIN purpose_versions v JOIN purposes p ON p.id = v.purpose_id
WHERE p.code = 'newsletter' AND v.number = 1
ORDER BY s.id
"""
_STATES = """
INSERT INTO consent_states (subject_id, purpose_id, status, basis, purpose_version_id, since, event_id)
SELECT subject_id, purpose_id, 'active', basis, purpose_version_id, at, id FROM consent_events
"""
_LINKS = """
INSERT INTO unsubscribe_links (public_id, subject_id, purpose_id)
SELECT {id}, subject_id, purpose_id FROM consent_events
"""


_CACHE_KIB = 1_000_000


def _statements(words: dict[str, str], people: int) -> list[str]:
    found = []
    for statement in (_SUBJECTS, _EVENTS, _STATES, _LINKS):
        for name, word in words.items():
            statement = statement.replace(name, word)
        found.append(statement.replace("{people}", str(people)))
    return found


def fill(database: Path, people: int) -> None:
    """Adds so many people who all consented to the newsletter to a SQLite database that knows nobody yet.

    In a process of its own: random ids want a large cache for their indexes, and that memory is not what is measured.
    """
    subprocess.run([sys.executable, "-m", "benchmarks.filling", str(database), str(people)], check=True)


def _fill(database: Path, people: int) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute("BEGIN")
        for statement in _statements(_SQLITE, people):
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()


def fill_postgresql(uri: str, people: int) -> None:
    """As `fill`, on PostgreSQL."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for statement in _statements(_POSTGRESQL, people):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")


def fill_either(folder: Path, url: str | None, people: int) -> None:
    """As `fill`, on PostgreSQL at this URL, or else on SQLite in the folder of a prepared service."""
    if url is None:
        fill(folder / "consent.db", people)
    else:
        fill_postgresql(url, people)


if __name__ == "__main__":
    _fill(Path(sys.argv[1]), int(sys.argv[2]))
