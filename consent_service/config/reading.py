"""Reading variables of one kind each: texts, numbers, secrets, URLs, addresses."""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

SHORTEST_SECRET = 32


class ConfigurationError(Exception):
    """A setting is missing or wrong; the text has one line for each, naming its variable."""


class Reader:
    """Reads variables and gathers what is wrong with them, so that one start names every mistake."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def problem(self, name: str, text: str) -> None:
        """Notes what is wrong with a variable."""
        self.problems.append(f"CONSENT_{name}: {text}")

    def text(self, name: str, default: str | None = None) -> str:
        """Its value, or that of the file that `…_FILE` names; without a default it must be set."""
        value = self.environment.get(f"CONSENT_{name}", "").strip()
        file = self.environment.get(f"CONSENT_{name}_FILE", "").strip()
        if not value and file:
            try:
                value = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                self.problem(f"{name}_FILE", f"cannot be read ({error})")
                return ""
        if value:
            return value
        if default is None:
            self.problem(name, "is not set")
            return ""
        return default

    def number(self, name: str, default: int, lowest: int = 0, highest: int | None = None) -> int:
        """A whole number."""
        value = self.text(name, str(default))
        if value.isdecimal() and lowest <= int(value) and (highest is None or int(value) <= highest):
            return int(value)
        limits = f"from {lowest}" if highest is None else f"from {lowest} to {highest}"
        self.problem(name, f"must be a whole number {limits}, not {value!r}")
        return default

    def words(self, name: str) -> tuple[str, ...]:
        """What is separated by spaces or commas."""
        return tuple(word for word in self.text(name, "").replace(",", " ").split() if word)

    def secret(self, name: str) -> str:
        """The one key."""
        keys = self.secrets(name)
        if len(keys) > 1:
            self.problem(name, "must be one key: it never changes")
        return "".join(keys)

    def secrets(self, name: str, default: str | None = None) -> tuple[str, ...]:
        """Keys, oldest first."""
        keys = tuple(self.text(name, default).replace(",", " ").split())
        if any(len(key) < SHORTEST_SECRET for key in keys):
            self.problem(name, f"each key must have at least {SHORTEST_SECRET} characters")
        return keys

    def url(self, name: str, schemes: tuple[str, ...], default: str | None = None) -> str:
        """A URL without a slash at its end; an empty text where there is none."""
        value = self.text(name, default)
        if not value:
            return ""
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            self.problem(name, f"must be a URL that begins with {' or '.join(s + '://' for s in schemes)}")
        return value.rstrip("/")

    def address(self, name: str, default: str | None = None) -> str:
        """An e-mail address, with or without a name before it."""
        value = self.text(name, default)
        if value and "@" not in parseaddr(value)[1]:
            self.problem(name, "must be an e-mail address")
        return value

    def mailbox(self, name: str, default: str | None = None) -> str:
        """An e-mail address alone, as it stands in a mailto or an envelope; a name before it is left out."""
        value = parseaddr(self.address(name, default))[1]
        if not value.isascii():
            self.problem(name, f"must be in ASCII, its domain as xn--…, not {value!r}")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of these; the first one is the default."""
        value = self.text(name, choices[0])
        if value not in choices:
            self.problem(name, f"must be {' or '.join(choices)}, not {value!r}")
        return value

    def domain(self, name: str, default: str) -> str:
        """A domain name, in lower case."""
        value = self.text(name, default).lower()
        if not all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", label) for label in value.split(".")) and value:
            self.problem(name, f"must be a domain name such as bounces.example.org, not {value!r}")
        return value

    def port(self, name: str, parts: SplitResult, default: int) -> int:
        """The port of a URL that this variable holds."""
        try:
            return parts.port or default
        except ValueError:
            self.problem(name, "the port must be a number")
            return 0


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine, as far as its name says."""
    return host in ("localhost", "127.0.0.1", "::1")
