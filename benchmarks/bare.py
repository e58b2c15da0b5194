"""The bare loop for web benchmarks: a minimal Flask POST that commits one durable row to SQLite."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from flask import Flask, request

app = Flask(__name__)
_connection: sqlite3.Connection | None = None


def _database() -> sqlite3.Connection:
    global _connection
    if _connection is None:
        _connection = sqlite3.connect(os.environ["BARE_DATABASE"], isolation_level=None, timeout=30)
        _connection.execute("PRAGMA synchronous=FULL")
    return _connection


def prepare(file: Path) -> None:
    """Makes the database, before several processes open it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE posted (id INTEGER PRIMARY KEY, body TEXT)")


@app.post("/")
def post() -> str:
    """Stores what was posted."""
    database = _database()
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO posted (body) VALUES (?)", (repr(request.form.to_dict()),))
    database.execute("COMMIT")
    return "ok"
