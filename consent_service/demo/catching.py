"""The demo's mail: the catcher and the page that shows what it caught, in one process.

python -m consent_service.demo.catching FOLDER SMTP_PORT PAGE_PORT
"""

import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from consent_service.demo import catcher
from consent_service.demo.caught_mail import create_app
from consent_service.demo.settings import HOST


def run(folder: Path, smtp_port: int, page_port: int) -> None:
    """Catches mail and shows it until SIGTERM or SIGINT."""
    page = make_server(HOST, page_port, create_app(folder), threaded=True)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    catcher.run(folder, HOST, smtp_port)
    page.shutdown()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
