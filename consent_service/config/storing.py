"""Where data is kept."""

from pathlib import Path

import sqlalchemy as sa

from consent_service.config.reading import Reader


def database_url(read: Reader) -> str:
    """The URL as SQLAlchemy wants it, with our PostgreSQL driver."""
    value = read.text("DATABASE_URL")
    if not value:
        return ""
    try:
        url = sa.make_url(value)
    except sa.exc.ArgumentError:
        read.problem("DATABASE_URL", "must be a URL such as sqlite:////var/lib/consent/consent.db")
        return ""
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if backend != "sqlite" or not Path(url.database or "").is_absolute():
        read.problem(
            "DATABASE_URL",
            "must name PostgreSQL (postgresql://user:password@host/name) or a file of SQLite by its whole path"
            " (sqlite:////var/lib/consent/consent.db, with four slashes)",
        )
    return value


def survey_keys(read: Reader, database_url: str) -> Path | None:
    """Beside SQLite's file if nothing is said; nowhere yet on PostgreSQL, whose files are not ours."""
    value = read.text("SURVEY_KEYS", "")
    if value and not Path(value).is_absolute():
        read.problem("SURVEY_KEYS", "must be the whole path of a folder, such as /var/lib/consent/survey-keys")
    if value or not database_url.startswith("sqlite"):
        return Path(value) if value else None
    return Path(f"{sa.make_url(database_url).database}.survey-keys")
