"""Commands in processes of their own, each forked from one that has imported the service: imports cost a second.

Run as `python -m tests.commanding`: each line on its standard input is a request, as JSON; the answer is how the
command ended.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from consent_service import cli

LONGEST_SECONDS = 60
_STREAMS = ("stdin", "stdout", "stderr")


def run(words: list[str], environment: dict[str, str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Runs `consent-service` with these words, in this environment alone; it is killed after a minute."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in _STREAMS]
        for path in streams:
            path.write_text(stdin if path.name == "stdin" else "", encoding="utf-8")
        request = {"words": words, "environment": environment, "streams": [str(path) for path in streams]}
        forker = _forker()
        assert forker.stdin is not None
        assert forker.stdout is not None
        forker.stdin.write(json.dumps(request) + "\n")
        forker.stdin.flush()
        code = int(forker.stdout.readline())
        _stdin, out, err = (path.read_text(encoding="utf-8") for path in streams)
    return subprocess.CompletedProcess(["consent-service", *words], code, out, err)


@cache
def _forker() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.commanding"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate)
    return process


def _become(words: list[str], environment: dict[str, str], streams: list[str]) -> None:
    """Makes this process the command, as a shell would with its streams led to files."""
    signal.alarm(LONGEST_SECONDS)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["consent-service", *words]
    sys.exit(cli.main())


def _serve() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(**json.loads(line))
        _pid, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
