"""The demo's child processes: started, watched, and stopped together."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WATCH_SECONDS = 0.3
PATIENCE_SECONDS = 15
LINES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Child:
    """A running part of the demo, and where it writes its log."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES_SHOWN:])


def start(name: str, command: Sequence[str], environment: Mapping[str, str], logs: Path) -> Child:
    """Starts a part with these variables added to our own, less any CONSENT_ variable that we were started with."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CONSENT_")}
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (our own commands)
            command,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches the whole group of a terminal; a group of its own lets us stop each in turn.
            start_new_session=True,
        )
    return Child(name, process, log)


def stop_requested() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait_for_ports(
    children: Sequence[Child], ports: Collection[tuple[str, int]], stop: threading.Event
) -> Child | None:
    """Waits until somebody listens on each port, or it is time to stop; returns a child that ended before that."""
    while not stop.is_set() and not all(_answers(port) for port in ports):
        ended = _ended(children)
        if ended is not None:
            return ended
        stop.wait(WATCH_SECONDS)
    return None


def _answers(port: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(port) == 0


def _ended(children: Sequence[Child]) -> Child | None:
    return next((child for child in children if child.process.poll() is not None), None)


def watch(children: Sequence[Child], stop: threading.Event) -> Child | None:
    """Waits until it is time to stop, or for the first child that ends by itself."""
    while not stop.wait(WATCH_SECONDS):
        ended = _ended(children)
        if ended is not None:
            return ended
    return None


def stop_all(children: Sequence[Child]) -> None:
    """Asks every child to end, and waits; one that does not is killed with all that it started."""
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    for child in children:
        try:
            child.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
