"""A whole service for the browser: web server, worker, SMTP catcher, and a website of somebody else."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from consent_service import worker
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.demo.catcher import Catcher
from consent_service.extensions import database
from tests.conftest import environment, free_port
from tests.driving import Mailbox

expect.set_options(timeout=60_000)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The path of the system's browser; a missing one is a failure that says what to do."""
    named = (
        [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else ["chromium", "chromium-browser", "google-chrome"]
    )
    found = next((path for name in named if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"no browser found ({', '.join(named)}): install Chromium, or set CHROMIUM to its path")
    return found


@dataclass(frozen=True)
class Service:
    """A running service: where it answers, and what mail it has sent."""

    url: str
    app: Flask
    mailbox: Mailbox
    site: "OtherSite"


class OtherSite:
    """A website of somebody else, on a port of its own, whose pages forbid the referrer."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@contextmanager
def running(database_url: str, folder: Path) -> Iterator[Service]:
    """Starts everything, and stops it in turn."""
    site = OtherSite()
    port = free_port()
    catcher = Catcher(folder / "caught", "127.0.0.1", free_port())
    url = f"http://localhost:{port}"
    variables = environment(database_url, catcher.port, BASE_URL=url, EMBED_SITES=site.url)
    app = create_app(from_environment(variables))
    web = make_server("127.0.0.1", port, app, threaded=True)
    stop = threading.Event()
    threads = [
        threading.Thread(target=web.serve_forever),
        threading.Thread(target=site.server.serve_forever),
        threading.Thread(target=worker.run, args=(app, stop)),
    ]
    catcher.start()
    for thread in threads:
        thread.start()
    try:
        yield Service(url, app, Mailbox(folder / "caught", catcher.port), site)
    finally:
        stop.set()
        web.shutdown()
        site.server.shutdown()
        for thread in threads:
            thread.join()
        site.server.server_close()
        web.server_close()
        catcher.stop()
        with app.app_context():
            database.engine.dispose()


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Service]:
    """One running service for all browser tests; each uses addresses of its own."""
    folder = tmp_path_factory.mktemp("service")
    shutil.copy(sqlite_template, folder / "consent.db")
    with running(f"sqlite:///{folder / 'consent.db'}", folder) as service:
        yield service


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor's window, in English."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A visitor's tab."""
    return context.new_page()


def snippet_in(html: str, which: str) -> str:
    """The HTML to copy from the page for staff."""
    return unescape(html.partition(f'<pre id="{which}"')[2].partition("<code>")[2].partition("</code>")[0])
