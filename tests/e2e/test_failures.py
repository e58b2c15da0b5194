"""The catcher's switch and answers in a real browser: WCAG 2.2 AA, 320 px, and one of each pressed."""

import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from consent_service.demo.catcher import Catcher
from consent_service.demo.caught_mail import create_app
from consent_service.demo.courier import Courier
from consent_service.demo.failing import FailingKeeper
from consent_service.demo.failures import Journal, Switch
from tests.conftest import free_port
from tests.demo.test_catcher import RECIPIENT, SENDER, a_mail
from tests.e2e.visiting import is_wider_than_window, violations


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[tuple[str, Catcher]]:
    """The address of the page, and the catcher; no service takes in what comes back."""
    switch = Switch()
    with Courier("127.0.0.1", free_port(), Journal()) as courier:
        web = make_server("127.0.0.1", free_port(), create_app(tmp_path, switch, courier), threaded=True)
        serving = threading.Thread(target=web.serve_forever)
        serving.start()
        catcher = Catcher(tmp_path, "127.0.0.1", free_port(), FailingKeeper(tmp_path, switch, courier))
        catcher.start()
        yield f"http://127.0.0.1:{web.server_port}", catcher
        catcher.stop()
        web.shutdown()
        serving.join()
        web.server_close()


def test_a_failure_is_switched_on_and_a_mail_answered(page: Page, provider: tuple[str, Catcher]) -> None:
    url, catcher = provider
    with smtplib.SMTP(catcher.hostname, catcher.port, local_hostname="localhost", timeout=60) as smtp:
        smtp.sendmail(SENDER, [RECIPIENT], a_mail().as_bytes())
        page.set_viewport_size({"width": 320, "height": 700})
        page.goto(f"{url}/failures")
        page.get_by_label("Mailbox gone, refused at once").check(force=True)
        page.get_by_label("Only for mails to").fill(RECIPIENT)
        page.get_by_role("button", name="Switch").click()
        expect(page.get_by_role("status")).to_contain_text(f"refused at once is switched on for {RECIPIENT}")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.sendmail(SENDER, [RECIPIENT], a_mail().as_bytes())
    page.reload()
    expect(page.get_by_role("cell", name="Refused: 550 5.1.1")).to_be_visible()
    assert violations(page) == []
    assert not is_wider_than_window(page)

    page.goto(url)
    page.get_by_role("link", name="Bitte bestätigen Sie").click()
    page.get_by_role("button", name="Reply with a question").click()
    expect(page.get_by_role("alert")).to_contain_text("The service did not take it")
    assert violations(page) == []
    assert not is_wider_than_window(page)
