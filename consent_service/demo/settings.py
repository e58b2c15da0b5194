"""The settings of a demo: its places, and random keys that are kept, so that it can be started again."""

import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
KEYS = ("CONSENT_SECRET_KEYS", "CONSENT_UNSUBSCRIBE_KEYS", "CONSENT_EVIDENCE_KEYS", "CONSENT_SUPPRESSION_KEY")
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Places:
    """Where a demo keeps its files and where it listens."""

    folder: Path
    port: int
    mail_port: int
    smtp_port: int
    lmtp_port: int

    @property
    def site(self) -> str:
        """The address of the website."""
        return f"http://{HOST}:{self.port}"

    @property
    def mail_page(self) -> str:
        """The address of the page with the caught mail."""
        return f"http://{HOST}:{self.mail_port}"

    @property
    def caught(self) -> Path:
        """The folder with the caught mail."""
        return self.folder / "mail"

    @property
    def script(self) -> Path:
        """What a shell reads to run further commands against the demo."""
        return self.folder / "settings.sh"

    @property
    def ports(self) -> dict[str, int]:
        """Each port, by the option that names it."""
        return {
            "--port": self.port,
            "--mail-port": self.mail_port,
            "--smtp-port": self.smtp_port,
            "--lmtp-port": self.lmtp_port,
        }


def environment(places: Places) -> dict[str, str]:
    """The variables of the demo's service, and no other CONSENT_ variable. Makes the keys at the first start."""
    return {
        "CONSENT_EMBED_SITES": "https://www.beispiel.example",
        "CONSENT_DATABASE_URL": f"sqlite:///{places.folder / 'consent.db'}",
        "CONSENT_BASE_URL": places.site,
        "CONSENT_SMTP_URL": f"smtp://{HOST}:{places.smtp_port}",
        "CONSENT_INBOUND_LMTP_PORT": str(places.lmtp_port),
        "CONSENT_COMPLAINTS_TO": "beschwerden@beispiel.example",
        "CONSENT_MAIL_FROM": "Beispiel GmbH <newsletter@beispiel.example>",
        "CONSENT_ORGANISATION_NAME": "Beispiel GmbH",
        "CONSENT_ORGANISATION_POSTAL_ADDRESS": "Musterweg 1, 12345 Musterstadt",
        "CONSENT_ORGANISATION_EMAIL": "datenschutz@beispiel.example",
        "CONSENT_ORGANISATION_IMPRINT_URL": "https://beispiel.example/impressum",
        **_keys(places.folder / "keys.json"),
    }


def write_script(places: Places, variables: Mapping[str, str]) -> None:
    """Writes the variables down for a shell: it holds keys, so it is the owner's alone."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    places.script.unlink(missing_ok=True)
    with os.fdopen(os.open(places.script, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)


def _keys(file: Path) -> dict[str, str]:
    if not file.exists():
        keys = {name: secrets.token_urlsafe(KEY_BYTES) for name in KEYS}
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as writable:
            json.dump(keys, writable, indent=2)
    keys = json.loads(file.read_text(encoding="utf-8"))
    return {name: keys[name] for name in KEYS}
