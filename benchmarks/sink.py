"""Postfix's `smtp-sink`, a receiver fast enough to measure against; taken from Debian's package where missing."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection

from benchmarks.serving import free_port

UNPACKED = Path(tempfile.gettempdir()) / "consent-service-smtp-sink"


@contextmanager
def sink() -> Iterator[int]:
    """A running sink; its port on loopback."""
    port = free_port()
    process = subprocess.Popen(
        [*_program(), "-u", "nobody", f"127.0.0.1:{port}", "1000"]
        if os.geteuid() == 0
        else [*_program(), f"127.0.0.1:{port}", "1000"],
        env={**os.environ, "LD_LIBRARY_PATH": str(UNPACKED / "usr/lib/postfix")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _program() -> list[str]:
    installed = shutil.which("smtp-sink", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if installed:
        return [installed]
    program = UNPACKED / "usr/sbin/smtp-sink"
    if not program.exists():
        _unpack()
    return [str(program)]


def _unpack() -> None:
    """Fetches Debian's package and takes it apart, without installing or starting anything."""
    UNPACKED.mkdir(exist_ok=True)
    subprocess.run(["apt-get", "-q", "download", "postfix"], cwd=UNPACKED, check=True, stdout=subprocess.DEVNULL)
    (package,) = UNPACKED.glob("postfix_*.deb")
    subprocess.run(["dpkg", "-x", package.name, "."], cwd=UNPACKED, check=True)


def _wait_until_up(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError), create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError("smtp-sink did not start")
