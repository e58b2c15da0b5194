"""The demo: settings, database, example data; then website, worker, inbound and mail catcher until it is stopped."""

import secrets
import shlex
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from consent_service import clock, migrating
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import reading, transaction
from consent_service.demo import processes, seed
from consent_service.demo.processes import Child
from consent_service.demo.settings import HOST, Places, environment, write_script
from consent_service.domain.errors import Refused
from consent_service.notice import queries as notice
from consent_service.staff import service as staff

WEB_PROCESSES = 2
PASSWORD_BYTES = 8
# The password is only kept as a hash; this file lets a second start say it again.
ACCOUNT_FILE = "staff-account.txt"


def run(places: Places) -> int:
    """Shows the service until SIGTERM or Ctrl-C; the exit code. Raises Refused where it cannot begin."""
    stop = processes.stop_requested()
    _refuse_taken_ports(places)
    try:
        places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        variables = environment(places)
        write_script(places, variables)
    except OSError as error:
        raise Refused(f"--folder {places.folder}: {error.strerror}") from error
    account = _prepare(variables, places.folder / ACCOUNT_FILE)
    children = _start(places, variables)
    try:
        ended = processes.wait_for_ports(children, [(HOST, port) for port in places.ports.values()], stop)
        if ended is None and not stop.is_set():
            _print_addresses(places, account)
            ended = processes.watch(children, stop)
    finally:
        Console(stderr=True).print("Stopping …")
        processes.stop_all(children)
    if ended is None:
        return 0
    Console(stderr=True, markup=False, highlight=False).print(
        f"{ended.name} has ended by itself with {ended.process.returncode}; its log {ended.log} ends with:\n"
        + ended.last_lines()
    )
    return 1


def _refuse_taken_ports(places: Places) -> None:
    if len(set(places.ports.values())) < len(places.ports):
        raise Refused(f"{', '.join(places.ports)}: each needs a port of its own")
    for option, port in places.ports.items():
        with socket.socket() as probe:
            # As the servers do: a port of a connection that has just ended is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise Refused(
                    f"port {port} cannot be used ({error.strerror}); choose another one with {option}"
                ) from error


def _prepare(variables: Mapping[str, str], account_file: Path) -> str:
    """Migrates the database and, at the first start, fills it; returns the staff account, address and password."""
    app = create_app(from_environment(variables))
    with app.app_context():
        migrating.migrate_database()
        if _is_empty():
            password = secrets.token_hex(PASSWORD_BYTES)
            password_hash = staff.hashed(password)
            with transaction() as session:
                seed.seed(session, password_hash, clock.now())
                account_file.touch(mode=0o600)
                account_file.write_text(f"{seed.STAFF_ADDRESS}\n{password}\n", encoding="utf-8")
    return account_file.read_text(encoding="utf-8")


def _is_empty() -> bool:
    with reading() as session:
        return not notice.purpose_ids(session)


def _start(places: Places, variables: Mapping[str, str]) -> list[Child]:
    python, logs = sys.executable, places.folder / "logs"
    ports = map(str, (places.smtp_port, places.mail_port, places.lmtp_port))
    catcher = ["consent_service.demo.catching", str(places.caught), *ports]
    gunicorn = ["gunicorn", "--no-control-socket", "--workers", str(WEB_PROCESSES)]
    web = [*gunicorn, "--bind", f"{HOST}:{places.port}", "consent_service.wsgi:app"]
    return [
        processes.start("catcher", [python, "-m", *catcher], variables, logs),
        processes.start("web", [python, "-m", *web], variables, logs),
        processes.start("inbound", [python, "-m", "consent_service", "inbound", "serve"], variables, logs),
        processes.start("worker", [python, "-m", "consent_service", "worker"], variables, logs),
    ]


def _print_addresses(places: Places, account: str) -> None:
    address, password = account.split()
    table = Table.grid(padding=(0, 2))
    table.add_row("Website", f"{places.site}/")
    table.add_row("Newsletter form", f"{places.site}/newsletter")
    table.add_row("Caught mail", f"{places.mail_page}/")
    table.add_row("Failures to try", f"{places.mail_page}/failures")
    table.add_row("Staff sign-in", f"{places.site}/staff/sign-in")
    table.add_row("  address", address)
    table.add_row("  password", password)
    table.add_row("Files and logs", str(places.folder))
    table.add_row("Command line", f". {shlex.quote(str(places.script))}")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(Panel.fit(table, title="Consent service, demo", subtitle="Ctrl-C ends it"))
