"""A process that forks workers on demand, so that a hundred of them can be killed in a minute: imports cost a second.

Run as `python -m tests.mailing.forking` with the service's environment. Each line on its standard input starts
`worker.run` in a child, whose process id is the answer. When the input ends, all of them die with it.
"""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from consent_service import logs, worker
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.mailing import carrier
from consent_service.mailing.rules import Lane
from tests.conftest import environment

# What a killed worker had claimed rests until its lease ends: whole batches of 100, and nothing would be left to send.
BATCH = 3


class Forker:
    """The process, seen from a test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start_worker(self) -> int:
        """Starts a worker; its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


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
        start_new_session=True,
    )
    try:
        yield Forker(process)
    finally:
        process.communicate()


def main() -> None:
    """Forks a worker for each line, until there are no more."""
    logs.configure()  # to the standard error: our answers go to the standard output
    app = create_app(from_environment(os.environ))
    carrier.BATCH[Lane.BULK] = BATCH
    gc.freeze()
    for _line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            worker.run(app)
            os._exit(0)
        print(pid, flush=True)
        while os.waitpid(-1, os.WNOHANG)[0]:  # reaps who was killed
            pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
