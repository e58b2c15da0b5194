"""How mail and reports of mail providers come in."""

import re
from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from consent_service.config.reading import Reader, is_loopback


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


def inbound(read: Reader, ours: tuple[str, ...]) -> Inbound:
    """How mail comes in; `ours` are the addresses, in lower case, that may not be forwarded to."""
    forward_to = read.address("INBOUND_FORWARD_TO", "") or None
    if forward_to and parseaddr(forward_to)[1].lower() in ours:
        read.problem("INBOUND_FORWARD_TO", "must not be an address whose mail comes in here: it would go round")
    return Inbound(
        lmtp_host=read.text("INBOUND_LMTP_HOST", "127.0.0.1"),
        lmtp_port=read.number("INBOUND_LMTP_PORT", 8024, lowest=1, highest=65535),
        largest_bytes=read.number("INBOUND_MEGABYTES", 10, lowest=1) * 1024 * 1024,
        content_days=read.number("INBOUND_CONTENT_DAYS", 30, lowest=1),
        forward_to=forward_to,
        imap=_imap(read),
    )


def _imap(read: Reader) -> Imap | None:
    done_folder = read.text("IMAP_DONE_FOLDER", "Stored")
    if not read.text("IMAP_URL", ""):
        return None
    parts = urlsplit(read.url("IMAP_URL", ("imaps", "imap")))
    implicit = parts.scheme == "imaps"
    if not implicit and not is_loopback(parts.hostname):
        read.problem("IMAP_URL", "must be imaps://; without TLS only on this machine")
    if not parts.username or not parts.password:
        read.problem("IMAP_URL", "must hold user and password: imaps://user:password@mail.example.org")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if folder == done_folder:
        read.problem("IMAP_DONE_FOLDER", "must be another folder than the one that is emptied")
    return Imap(
        host=parts.hostname or "",
        port=read.port("IMAP_URL", parts, 993 if implicit else 143),
        implicit_tls=implicit,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        folder=folder,
        done_folder=done_folder,
    )


def webhooks(read: Reader) -> Webhooks:
    """The mail providers that are let in."""
    topics = read.words("WEBHOOK_SES_TOPICS")
    for topic in topics:
        if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]+", topic, re.ASCII):
            read.problem("WEBHOOK_SES_TOPICS", f"must be ARNs such as arn:aws:sns:eu-central-1:…:name, not {topic!r}")
    return Webhooks(
        ses_topics=topics,
        postmark_secrets=read.secrets("WEBHOOK_POSTMARK_SECRET", ""),
        brevo_secrets=read.secrets("WEBHOOK_BREVO_SECRET", ""),
        mailjet_secrets=read.secrets("WEBHOOK_MAILJET_SECRET", ""),
    )
