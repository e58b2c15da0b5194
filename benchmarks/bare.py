"""The bare loop for web benchmarks: a minimal Flask POST that commits one durable row to SQLite."""

import os
import sqlite3

from flask import Flask, request

app = Flask(__name__)
_connection: sqlite3.Connection | None = None


def _database() -> sqlite3.Connection:
    global _connection
    if _connection is None:
        _connection = sqlite3.connect(os.environ["BARE_DATABASE"], isolation_level=None, timeout=30)
        _connection.execute("PRAGMA journal_mode=WAL")
        _connection.execute("PRAGMA synchronous=FULL")
        _connection.execute("CREATE TABLE IF NOT EXISTS posted (id INTEGER PRIMARY KEY, body TEXT)")
    return _connection


@app.post("/")
def post() -> str:
    """Stores what was posted."""
    database = _database()
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO posted (body) VALUES (?)", (repr(request.form.to_dict()),))
    database.execute("COMMIT")
    return "ok"
