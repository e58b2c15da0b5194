"""A process that forks workers on demand, so that a hundred of them can be killed in a minute.

Run as `python -m tests.mailing.forking` with the service's environment. Each line on its standard input starts
`consent-service worker` in a child; the child's process id is the answer. Killed children are reaped.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from consent_service import create_app, worker
from consent_service.config import from_environment
from tests.conftest import environment


class Forker:
    """The process, seen from a test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._alive: set[int] = set()

    def start_worker(self) -> int:
        """Starts a worker; its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self._alive.add(pid)
        return pid

    def kill(self, pid: int) -> None:
        """SIGKILL."""
        os.kill(pid, signal.SIGKILL)
        self._alive.remove(pid)

    def kill_all(self) -> None:
        """Kills whatever still runs."""
        for pid in list(self._alive):
            self.kill(pid)


@contextmanager
def forker(url: str, port: int, **more: str) -> Iterator[Forker]:
    """A process that forks workers of a service whose mail goes to this port; all of them die at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.mailing.forking"],
        env={**os.environ, **environment(url, port, **more)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    started = Forker(process)
    try:
        yield started
    finally:
        started.kill_all()
        with suppress(BrokenPipeError):
            process.communicate()


def main() -> None:
    """Forks a worker for each line, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps
    app = create_app(from_environment(os.environ))
    logging.disable(logging.INFO)
    for _line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            worker.run(app)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
