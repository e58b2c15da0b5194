"""All settings together."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import limits

from consent_service.config import receiving, sending, storing, website
from consent_service.config.reading import ConfigurationError, Reader, is_loopback
from consent_service.config.receiving import Inbound, Webhooks
from consent_service.config.sending import Dns, Smtp
from consent_service.config.thresholds import Thresholds, thresholds
from consent_service.counting import COUNTERS


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who is responsible (GDPR Art. 4(7)), as pages and mails name it."""

    name: str
    postal_address: str
    email: str
    imprint_url: str


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
    sign_up_limit: tuple[limits.RateLimitItem, ...]
    confirmation_days: int
    survey_keys: Path | None

    @property
    def host(self) -> str:
        """The public host name, which Message-IDs end in."""
        return _host(self.base_url)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the service."""
        return is_loopback(self.host)

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
            "RATELIMIT_STORAGE_URI": COUNTERS
            if self.rate_limit_storage == website.IN_MEMORY
            else self.rate_limit_storage,
            "RATELIMIT_HEADERS_ENABLED": False,
            "BABEL_DEFAULT_LOCALE": "de",
            "BABEL_DEFAULT_TIMEZONE": self.time_zone.key,
        }


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that the variables amount to. Raises ConfigurationError that names every wrong one."""
    read = Reader(environment)
    mail_from = read.address("MAIL_FROM")
    unsubscribe_mailbox = read.mailbox("UNSUBSCRIBE_MAILBOX", parseaddr(mail_from)[1])
    database_url = storing.database_url(read)
    settings = Settings(
        database_url=database_url,
        base_url=website.base_url(read),
        secret_keys=read.secrets("SECRET_KEYS"),
        unsubscribe_keys=read.secrets("UNSUBSCRIBE_KEYS"),
        evidence_keys=read.secrets("EVIDENCE_KEYS"),
        suppression_key=read.secret("SUPPRESSION_KEY"),
        organisation=_organisation(read),
        smtp=sending.smtp(read),
        dns=sending.dns(read),
        thresholds=thresholds(read),
        mail_from=mail_from,
        signs_dkim=read.choice("DKIM", ("relay", "service")) == "service",
        bounce_domain=read.domain("BOUNCE_DOMAIN", parseaddr(mail_from)[1].rpartition("@")[2]),
        unsubscribe_mailbox=unsubscribe_mailbox,
        inbound=receiving.inbound(read, (parseaddr(mail_from)[1].lower(), unsubscribe_mailbox.lower())),
        complaints_to=read.mailbox("COMPLAINTS_TO", "") or None,
        webhooks=receiving.webhooks(read),
        time_zone=website.time_zone(read),
        embed_sites=website.origins(read, "EMBED_SITES"),
        trusted_proxies=read.number("TRUSTED_PROXIES", 0),
        monitoring_token=read.text("MONITORING_TOKEN", "") or None,
        rate_limit_storage=website.rate_limit_storage(read),
        sign_up_limit=website.rate_limit(read, "SIGN_UP_LIMIT", "10 per minute; 60 per hour"),
        confirmation_days=read.number("CONFIRMATION_DAYS", 7, lowest=1),
        survey_keys=storing.survey_keys(read, database_url),
    )
    if read.problems:
        raise ConfigurationError("\n".join(read.problems))
    return settings


def _organisation(read: Reader) -> Organisation:
    return Organisation(
        name=read.text("ORGANISATION_NAME"),
        postal_address=read.text("ORGANISATION_POSTAL_ADDRESS"),
        email=read.address("ORGANISATION_EMAIL"),
        imprint_url=read.url("ORGANISATION_IMPRINT_URL", ("https", "http")),
    )


@lru_cache
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
