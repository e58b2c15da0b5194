"""The privacy notice on the web: the edition in force, and every one that somebody saw."""

from datetime import timedelta
from pathlib import Path

from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import transaction
from consent_service.notice import service as notice
from tests.conftest import TEXTS
from tests.driving import text_of


def test_past_editions_stay_readable(visitor: FlaskClient) -> None:
    document = Path(TEXTS).read_text(encoding="utf-8").replace("## For how long?", "## Storage time")
    with transaction() as session:
        notice.publish(session, notice.read(document), clock.now() - timedelta(seconds=1))
    assert "Storage time" in text_of(visitor.get("/privacy").text)
    first = text_of(visitor.get("/privacy/1").text)
    assert "For how long?" in first
    assert "Version 1, in force since" in first
    assert "A newer version is in force" in first
    assert "A newer version" not in text_of(visitor.get("/privacy/2").text)
    assert visitor.get("/privacy/3").status_code == 404


def test_raw_html_in_a_notice_is_text(visitor: FlaskClient) -> None:
    document = Path(TEXTS).read_text(encoding="utf-8").replace("## For how long?", "<script>alert(1)</script>")
    with transaction() as session:
        notice.publish(session, notice.read(document), clock.now() - timedelta(seconds=1))
    assert "<script>alert" not in visitor.get("/privacy").text
