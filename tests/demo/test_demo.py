"""The demo as somebody tries it: without any setting, twice, and until it is stopped."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_service.demo.catcher import caught
from tests.conftest import free_port

COMMAND = Path(sys.executable).with_name("consent-service")
STARTS_WITHIN_SECONDS = 240


class Demo:
    """A running demo."""

    def __init__(self, folder: Path, ports: tuple[int, ...]) -> None:
        self.folder, self.ports = folder, ports
        self.port, self.mail_port = ports[:2]
        options = zip(("--port", "--mail-port", "--smtp-port", "--lmtp-port"), map(str, ports), strict=True)
        self.process = subprocess.Popen(
            [str(COMMAND), "demo", "--folder", str(folder), *(word for option in options for word in option)],
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed = ""

    def wait(self) -> str:
        """What it prints once everything answers."""
        assert self.process.stdout
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while "Ctrl-C" not in self.printed:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            assert time.monotonic() < deadline
            self.printed += line
        return self.printed

    def end(self, number: int) -> tuple[int, str]:
        """Its exit code and what it said last."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """The same, for one that ends by itself."""
        said = self.process.communicate(timeout=120)[1]
        return self.process.returncode, said


def _get(port: int, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return str(answer.read().decode())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo that is stopped whatever happens."""
    running = Demo(tmp_path / "demo", tuple(free_port() for _ in range(4)))
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def password(printed: str) -> str:
    """The staff account's password, from what the demo prints."""
    found = re.search(r"password\s+(\S+)", printed)
    assert found
    return found[1]


def test_it_starts_without_settings_stops_on_ctrl_c_and_starts_again(demo: Demo) -> None:
    kept = password(demo.wait())
    assert "newsletter" in _get(demo.port, "/newsletter")
    assert _get(demo.mail_port)
    for file in ("keys.json", "staff-account.txt", "settings.sh"):
        assert (demo.folder / file).stat().st_mode & 0o077 == 0
    assert demo.folder.stat().st_mode & 0o077 == 0
    command = f". {demo.folder}/settings.sh && {COMMAND} ledger verify"
    verified = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert demo.end(signal.SIGINT)[0] == 0
    with pytest.raises(urllib.error.URLError):
        _get(demo.port)

    again = Demo(demo.folder, demo.ports)
    try:
        assert password(again.wait()) == kept
    finally:
        assert again.end(signal.SIGTERM)[0] == 0
    assert caught(demo.folder / "mail") == []


def test_a_part_that_ends_by_itself_ends_it_with_a_message(demo: Demo) -> None:
    demo.wait()
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text().split()
    worker = next(child for child in children if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"))
    os.kill(int(worker), signal.SIGKILL)
    code, said = demo.ended()
    assert code == 1
    assert "worker has ended by itself with -9" in said
    with pytest.raises(urllib.error.URLError):
        _get(demo.port)


def test_a_taken_port_is_named_with_its_option(demo: Demo) -> None:
    demo.wait()
    second = Demo(demo.folder.with_name("second"), (free_port(), demo.mail_port, free_port(), free_port()))
    code, said = second.ended()
    assert code == 1
    assert f"port {demo.mail_port} " in said
    assert "--mail-port" in said
    assert len(said.splitlines()) == 1
