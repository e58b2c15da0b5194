"""Filling a database with many consented people in a few statements: for benchmarks, past all rules."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

_SUBJECTS = """
INSERT INTO subjects (id, public_id, address, normalised_address, suppression_digest, name, sortable_name, language,
                      created_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT i, lower(hex(randomblob(16))), 'person' || i || '@example.org', 'person' || i || '@example.org', randomblob(32),
       'Anna Beispiel ' || i, 'anna beispiel ' || i, 'de', '2026-01-01 10:00:00.000000' FROM n
"""
_EVENTS = """
INSERT INTO consent_events (id, public_id, subject_id, purpose_id, purpose_version_id, kind, basis, at, requested_at,
                            channel, notice_id, data_key_id, evidence)
SELECT s.id, lower(hex(randomblob(16))), s.id, v.purpose_id, v.id, 'confirmed', 'consent', '2026-01-01 10:05:00.000000',
       '2026-01-01 10:00:00.000000', 'link', (SELECT max(id) FROM notices), s.id, x'00'
FROM subjects s, purpose_versions v JOIN purposes p ON p.id = v.purpose_id WHERE p.code = 'newsletter' AND v.number = 1
"""
_STATES = """
INSERT INTO consent_states (subject_id, purpose_id, status, basis, purpose_version_id, since, event_id)
SELECT subject_id, purpose_id, 'active', basis, purpose_version_id, at, id FROM consent_events
"""
_LINKS = """
INSERT INTO unsubscribe_links (public_id, subject_id, purpose_id)
SELECT lower(hex(randomblob(16))), subject_id, purpose_id FROM consent_events
"""


_CACHE_KIB = 1_000_000


def fill(database: Path, people: int) -> None:
    """Adds so many people who all consented to the newsletter to a SQLite database that knows nobody yet.

    In a process of its own: random ids want a large cache for their indexes, and that memory is not what is measured.
    """
    subprocess.run([sys.executable, "-m", "benchmarks.filling", str(database), str(people)], check=True)


def _fill(database: Path, people: int) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute("BEGIN")
    connection.execute(_SUBJECTS, (people,))
    for statement in (_EVENTS, _STATES, _LINKS):
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    os.sync()


if __name__ == "__main__":
    _fill(Path(sys.argv[1]), int(sys.argv[2]))
