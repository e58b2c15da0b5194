"""A real web server with several processes on the test's database, and many clients that send at the same time."""

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from tests.conftest import environment, free_port

ROOT = Path(__file__).parents[1]
Item = TypeVar("Item")


@contextmanager
def web_processes(database_url: str, processes: int, **more: str) -> Iterator[int]:
    """Gunicorn with so many processes; the port on which they answer. `more` as for `environment`."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--backlog", "512"]
    server = subprocess.Popen(
        [*command, "--workers", str(processes), "--bind", f"127.0.0.1:{port}", "wsgi:app"],
        cwd=ROOT,
        env={**os.environ, **environment(database_url, **more)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    begun = 0
    for line in server.stderr:  # waits for each process to say that it has begun
        begun += "Booting worker" in line
        if begun == processes:
            break
    drain = threading.Thread(target=server.stderr.read)
    drain.start()
    yield port
    server.terminate()
    server.wait()
    drain.join()
    server.stderr.close()


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the page, and where a redirect leads."""

    status: int
    page: str
    location: str


def post(port: int, path: str, **fields: str) -> Answer:
    """Sends a form over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
    connection.request("POST", path, body=urlencode(fields), headers=headers)
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    return Answer(answer.status, page, answer.headers.get("Location", ""))


def at_once(work: Callable[[Item], None], items: Sequence[Item], clients: int) -> None:
    """Has many clients work the items off, all beginning together. Raises the first error of any of them."""
    barrier = threading.Barrier(clients)
    failed: list[BaseException] = []

    def run(share: Sequence[Item]) -> None:
        barrier.wait()
        try:
            for item in share:
                work(item)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(items[n::clients],)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
