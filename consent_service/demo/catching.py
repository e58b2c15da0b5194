"""The demo's mail: the catcher and the page that shows what it caught, in one process.

python -m consent_service.demo.catching FOLDER SMTP_PORT PAGE_PORT LMTP_PORT
"""

import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from consent_service.demo import catcher
from consent_service.demo.catcher import Catcher
from consent_service.demo.caught_mail import create_app
from consent_service.demo.courier import Courier
from consent_service.demo.failing import FailingKeeper
from consent_service.demo.failures import Journal, Switch
from consent_service.demo.settings import HOST


def run(folder: Path, smtp_port: int, page_port: int, lmtp_port: int) -> None:
    """Catches mail, shows it, and hands back what comes back, until SIGTERM or SIGINT."""
    switch = Switch()
    with Courier(HOST, lmtp_port, Journal()) as courier:
        page = make_server(HOST, page_port, create_app(folder, switch, courier), threaded=True)
        threading.Thread(target=page.serve_forever, daemon=True).start()
        catcher.run(Catcher(folder, HOST, smtp_port, FailingKeeper(folder, switch, courier)))
        page.shutdown()


if __name__ == "__main__":
    run(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
