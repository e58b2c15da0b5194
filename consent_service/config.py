"""Settings: read once from the environment, checked at start, frozen afterwards.

Every variable is `CONSENT_…`; a secret may come from a file named by the same variable with `_FILE`.
docs/settings.md describes each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
import limits.errors
import limits.storage
import sqlalchemy as sa

from consent_service import thresholds
from consent_service.counting import COUNTERS
from consent_service.thresholds import Thresholds

SHORTEST_SECRET = 32
IN_MEMORY = "memory://"
COMMANDS_PER_MESSAGE = 4
DNS_PORT = 53


class ConfigurationError(Exception):
    """A setting is missing or wrong; the text has one line for each, naming its variable."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who is responsible (GDPR Art. 4(7)), as pages and mails name it."""

    name: str
    postal_address: str
    email: str
    imprint_url: str


@dataclass(frozen=True, slots=True)
class Smtp:
    """The server that takes our mail, how to sign in, and how many connections each worker keeps open."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool
    user: str | None
    password: str | None
    connections: int
    timeout_seconds: int
    lease_seconds: int

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return _is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Dns:
    """Whom the deliverability check asks, and what it is to find: who sends for us, and who signs."""

    servers: tuple[tuple[str, int], ...]
    sending_addresses: tuple[str, ...]
    spf_include: str | None
    dkim_selectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imap:
    """The mailbox that is emptied: its server, how to sign in, and the folders to take from and to move to."""

    host: str
    port: int
    implicit_tls: bool
    user: str
    password: str
    folder: str
    done_folder: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """How mail comes in, how much of it is kept for how long, and where replies of people go."""

    lmtp_host: str
    lmtp_port: int
    largest_bytes: int
    content_days: int
    forward_to: str | None
    imap: Imap | None


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Which mail providers may report to us: the topics of Amazon SNS, and secrets of the others."""

    ses_topics: tuple[str, ...]
    postmark_secrets: tuple[str, ...]
    brevo_secrets: tuple[str, ...]
    mailjet_secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Key lists are oldest first: the last one signs, all of them verify."""

    database_url: str
    base_url: str
    secret_keys: tuple[str, ...]
    unsubscribe_keys: tuple[str, ...]
    evidence_keys: tuple[str, ...]
    suppression_key: str
    organisation: Organisation
    smtp: Smtp
    dns: Dns
    thresholds: Thresholds
    mail_from: str
    signs_dkim: bool
    bounce_domain: str
    unsubscribe_mailbox: str
    inbound: Inbound
    complaints_to: str | None
    webhooks: Webhooks
    time_zone: ZoneInfo
    embed_sites: tuple[str, ...]
    trusted_proxies: int
    monitoring_token: str | None
    rate_limit_storage: str
    sign_up_limit: str
    confirmation_days: int
    survey_keys: Path | None

    @property
    def host(self) -> str:
        """The public host name, which Message-IDs end in."""
        return _host(self.base_url)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the service."""
        return _is_loopback(self.host)

    @property
    def sending_domain(self) -> str:
        """The domain of the sender that people see, in lower case."""
        return parseaddr(self.mail_from)[1].rpartition("@")[2].lower()

    @property
    def secure(self) -> bool:
        """Whether visitors come by https."""
        return self.base_url.startswith("https://")

    def flask(self) -> dict[str, Any]:
        """What Flask and its extensions read from `app.config`."""
        return {
            "SECRET_KEY": self.secret_keys[-1],
            "SECRET_KEY_FALLBACKS": list(self.secret_keys[:-1]),
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
            "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
            "SESSION_COOKIE_SECURE": self.secure,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "PREFERRED_URL_SCHEME": "https" if self.secure else "http",
            "MAIL_SERVER": self.smtp.host,
            "MAIL_PORT": self.smtp.port,
            "MAIL_USE_SSL": self.smtp.implicit_tls,
            "MAIL_USE_TLS": self.smtp.starttls,
            "MAIL_USERNAME": self.smtp.user,
            "MAIL_PASSWORD": self.smtp.password,
            "MAIL_SUPPRESS_SEND": False,
            "SERVER_NAME": urlsplit(self.base_url).netloc,
            "APPLICATION_ROOT": "/",
            "MAIL_DEFAULT_SENDER": self.mail_from,
            "RATELIMIT_STORAGE_URI": COUNTERS if self.rate_limit_storage == IN_MEMORY else self.rate_limit_storage,
            "RATELIMIT_HEADERS_ENABLED": False,
            "BABEL_DEFAULT_LOCALE": "de",
            "BABEL_DEFAULT_TIMEZONE": self.time_zone.key,
        }


class _Reader:
    """Reads variables and gathers what is wrong with them, so that one start names every mistake."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def problem(self, name: str, text: str) -> None:
        self.problems.append(f"CONSENT_{name}: {text}")

    def text(self, name: str, default: str | None = None) -> str:
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

    def number(self, name: str, default: int, lowest: int = 0) -> int:
        value = self.text(name, str(default))
        if value.isdecimal() and int(value) >= lowest:
            return int(value)
        self.problem(name, f"must be a whole number from {lowest}, not {value!r}")
        return default

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word for word in self.text(name, "").replace(",", " ").split() if word)

    def origins(self, name: str) -> tuple[str, ...]:
        sites = self.words(name)
        for site in sites:
            parts = urlsplit(site)
            if parts.scheme not in ("https", "http") or f"{parts.scheme}://{parts.netloc}" != site:
                self.problem(name, f"must name origins such as https://www.example.org, without a path, not {site!r}")
        return sites

    def secret(self, name: str) -> str:
        keys = self.secrets(name)
        if len(keys) > 1:
            self.problem(name, "must be one key: it never changes")
        return "".join(keys)

    def secrets(self, name: str, default: str | None = None) -> tuple[str, ...]:
        keys = tuple(self.text(name, default).replace(",", " ").split())
        if any(len(key) < SHORTEST_SECRET for key in keys):
            self.problem(name, f"each key must have at least {SHORTEST_SECRET} characters")
        return keys

    def url(self, name: str, schemes: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(name, default)
        if not value:
            return ""
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            self.problem(name, f"must be a URL that begins with {' or '.join(s + '://' for s in schemes)}")
        return value.rstrip("/")

    def address(self, name: str, default: str | None = None) -> str:
        value = self.text(name, default)
        if value and "@" not in parseaddr(value)[1]:
            self.problem(name, "must be an e-mail address")
        return value

    def base_url(self) -> str:
        value = self.url("BASE_URL", ("https", "http"))
        parts = urlsplit(value)
        if value.startswith("http://") and not _is_loopback(parts.hostname):
            self.problem(
                "BASE_URL",
                "must be https (RFC 8058 section 3.1 wants it for one-click); http only on this machine",
            )
        if parts.path or parts.query or parts.fragment:
            self.problem("BASE_URL", "must end after the host: the service has a host name to itself")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, choices[0])
        if value not in choices:
            self.problem(name, f"must be {' or '.join(choices)}, not {value!r}")
        return value

    def domain(self, name: str, default: str) -> str:
        value = self.text(name, default).lower()
        if not all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", label) for label in value.split(".")) and value:
            self.problem(name, f"must be a domain name such as bounces.example.org, not {value!r}")
        return value

    def rate_limit(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            limits.parse_many(value)
        except ValueError:
            self.problem(name, f"must be limits such as '10 per minute; 60 per hour', not {value!r}")
        return value

    def rate_limit_storage(self) -> str:
        value = self.text("RATE_LIMIT_STORAGE", IN_MEMORY)
        try:
            limits.storage.storage_from_string(value)
        except (limits.errors.ConfigurationError, ValueError) as error:
            self.problem("RATE_LIMIT_STORAGE", f"must be memory:// or such as redis://host:6379 ({error})")
        return value

    def database_url(self) -> str:
        value = self.text("DATABASE_URL")
        if not value:
            return ""
        try:
            url = sa.make_url(value)
        except sa.exc.ArgumentError:
            self.problem("DATABASE_URL", "must be a URL such as sqlite:////var/lib/consent/consent.db")
            return ""
        backend = url.get_backend_name()
        if backend in ("postgresql", "postgres"):
            return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        if backend != "sqlite" or not Path(url.database or "").is_absolute():
            self.problem(
                "DATABASE_URL",
                "must name PostgreSQL (postgresql://user:password@host/name) or a file of SQLite by its whole path"
                " (sqlite:////var/lib/consent/consent.db, with four slashes)",
            )
        return value

    def survey_keys(self, database_url: str) -> Path | None:
        """Beside SQLite's file if nothing is said; nowhere yet on PostgreSQL, whose files are not ours."""
        value = self.text("SURVEY_KEYS", "")
        if value and not Path(value).is_absolute():
            self.problem("SURVEY_KEYS", "must be the whole path of a folder, such as /var/lib/consent/survey-keys")
        if value or not database_url.startswith("sqlite"):
            return Path(value) if value else None
        return Path(f"{sa.make_url(database_url).database}.survey-keys")

    def time_zone(self) -> ZoneInfo:
        name = self.text("TIME_ZONE", "Europe/Berlin")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            self.problem("TIME_ZONE", f"{name!r} is not the name of a time zone")
            return ZoneInfo("UTC")

    def smtp(self) -> Smtp:
        parts = urlsplit(self.url("SMTP_URL", ("smtp", "smtps")))
        implicit = parts.scheme == "smtps"
        security = self.text("SMTP_SECURITY", "none" if implicit or _is_loopback(parts.hostname) else "starttls")
        if security not in ("none", "starttls"):
            self.problem(
                "SMTP_SECURITY",
                "must be starttls or none (smtps:// in CONSENT_SMTP_URL is TLS from the start)",
            )
        timeout = self.number("SMTP_TIMEOUT_SECONDS", 30, lowest=1)
        lease = self.number("LEASE_SECONDS", 300, lowest=2)
        if lease <= timeout * COMMANDS_PER_MESSAGE:
            self.problem(
                "LEASE_SECONDS",
                f"must be more than {COMMANDS_PER_MESSAGE} times CONSENT_SMTP_TIMEOUT_SECONDS",
            )
        return Smtp(
            host=parts.hostname or "",
            port=self.port("SMTP_URL", parts, 465 if implicit else 25),
            implicit_tls=implicit,
            starttls=not implicit and security == "starttls",
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            connections=self.number("SMTP_CONNECTIONS", 2, lowest=1),
            timeout_seconds=timeout,
            lease_seconds=lease,
        )

    def dns(self) -> Dns:
        return Dns(
            servers=self.dns_servers("DNS_SERVERS"),
            sending_addresses=self.ip_addresses("SENDING_ADDRESSES"),
            spf_include=self.domain("SPF_INCLUDE", "") or None,
            dkim_selectors=self.words("DKIM_SELECTORS"),
        )

    def dns_servers(self, name: str) -> tuple[tuple[str, int], ...]:
        servers = []
        for word in self.words(name):
            host, port = _host_and_port(word)
            if not _is_ip_address(host) or not port.isdecimal() or not 0 < int(port) < 65536:
                self.problem(name, f"must be addresses such as 192.0.2.53 or [2001:db8::53]:5353, not {word!r}")
            else:
                servers.append((host, int(port)))
        return tuple(servers)

    def ip_addresses(self, name: str) -> tuple[str, ...]:
        for word in self.words(name):
            if not _is_ip_address(word):
                self.problem(name, f"must be IP addresses such as 192.0.2.1 or 2001:db8::1, not {word!r}")
        return tuple(str(ip_address(word)) for word in self.words(name) if _is_ip_address(word))

    def inbound(self, ours: tuple[str, ...]) -> Inbound:
        forward_to = self.address("INBOUND_FORWARD_TO", "") or None
        if forward_to and parseaddr(forward_to)[1].lower() in ours:
            self.problem("INBOUND_FORWARD_TO", "must not be an address whose mail comes in here: it would go round")
        return Inbound(
            lmtp_host=self.text("INBOUND_LMTP_HOST", "127.0.0.1"),
            lmtp_port=self.number("INBOUND_LMTP_PORT", 8024, lowest=1),
            largest_bytes=self.number("INBOUND_MEGABYTES", 10, lowest=1) * 1024 * 1024,
            content_days=self.number("INBOUND_CONTENT_DAYS", 30, lowest=1),
            forward_to=forward_to,
            imap=self.imap(),
        )

    def imap(self) -> Imap | None:
        done_folder = self.text("IMAP_DONE_FOLDER", "Stored")
        if not self.text("IMAP_URL", ""):
            return None
        parts = urlsplit(self.url("IMAP_URL", ("imaps", "imap")))
        implicit = parts.scheme == "imaps"
        if not implicit and not _is_loopback(parts.hostname):
            self.problem("IMAP_URL", "must be imaps://; without TLS only on this machine")
        if not parts.username or not parts.password:
            self.problem("IMAP_URL", "must hold user and password: imaps://user:password@mail.example.org")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if folder == done_folder:
            self.problem("IMAP_DONE_FOLDER", "must be another folder than the one that is emptied")
        return Imap(
            host=parts.hostname or "",
            port=self.port("IMAP_URL", parts, 993 if implicit else 143),
            implicit_tls=implicit,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            folder=folder,
            done_folder=done_folder,
        )

    def webhooks(self) -> Webhooks:
        topics = self.words("WEBHOOK_SES_TOPICS")
        for topic in topics:
            if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]+", topic, re.ASCII):
                self.problem(
                    "WEBHOOK_SES_TOPICS", f"must be ARNs such as arn:aws:sns:eu-central-1:…:name, not {topic!r}"
                )
        return Webhooks(
            ses_topics=topics,
            postmark_secrets=self.secrets("WEBHOOK_POSTMARK_SECRET", ""),
            brevo_secrets=self.secrets("WEBHOOK_BREVO_SECRET", ""),
            mailjet_secrets=self.secrets("WEBHOOK_MAILJET_SECRET", ""),
        )

    def port(self, name: str, parts: SplitResult, default: int) -> int:
        try:
            return parts.port or default
        except ValueError:
            self.problem(name, "the port must be a number")
            return 0

    def organisation(self) -> Organisation:
        return Organisation(
            name=self.text("ORGANISATION_NAME"),
            postal_address=self.text("ORGANISATION_POSTAL_ADDRESS"),
            email=self.address("ORGANISATION_EMAIL"),
            imprint_url=self.url("ORGANISATION_IMPRINT_URL", ("https", "http")),
        )


def _host_and_port(word: str) -> tuple[str, str]:
    """The parts of `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`."""
    if _is_ip_address(word):
        return word, str(DNS_PORT)
    host, _, port = word.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), port


def _is_ip_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


@lru_cache
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_loopback(host: str | None) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that the variables amount to. Raises ConfigurationError that names every wrong one."""
    read = _Reader(environment)
    mail_from = read.address("MAIL_FROM")
    unsubscribe_mailbox = read.address("UNSUBSCRIBE_MAILBOX", parseaddr(mail_from)[1])
    database_url = read.database_url()
    settings = Settings(
        database_url=database_url,
        base_url=read.base_url(),
        secret_keys=read.secrets("SECRET_KEYS"),
        unsubscribe_keys=read.secrets("UNSUBSCRIBE_KEYS"),
        evidence_keys=read.secrets("EVIDENCE_KEYS"),
        suppression_key=read.secret("SUPPRESSION_KEY"),
        organisation=read.organisation(),
        smtp=read.smtp(),
        dns=read.dns(),
        thresholds=thresholds.read(read),
        mail_from=mail_from,
        signs_dkim=read.choice("DKIM", ("relay", "service")) == "service",
        bounce_domain=read.domain("BOUNCE_DOMAIN", parseaddr(mail_from)[1].rpartition("@")[2]),
        unsubscribe_mailbox=unsubscribe_mailbox,
        inbound=read.inbound((parseaddr(mail_from)[1].lower(), parseaddr(unsubscribe_mailbox)[1].lower())),
        complaints_to=parseaddr(read.address("COMPLAINTS_TO", ""))[1] or None,
        webhooks=read.webhooks(),
        time_zone=read.time_zone(),
        embed_sites=read.origins("EMBED_SITES"),
        trusted_proxies=read.number("TRUSTED_PROXIES", 0),
        monitoring_token=read.text("MONITORING_TOKEN", "") or None,
        rate_limit_storage=read.rate_limit_storage(),
        sign_up_limit=read.rate_limit("SIGN_UP_LIMIT", "10 per minute; 60 per hour"),
        confirmation_days=read.number("CONFIRMATION_DAYS", 7, lowest=1),
        survey_keys=read.survey_keys(database_url),
    )
    if read.problems:
        raise ConfigurationError("\n".join(read.problems))
    return settings
