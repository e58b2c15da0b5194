"""How mail leaves, and what the DNS is to say of it."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from consent_service.config.reading import Reader, is_loopback

# In one exchange, before its outcome is written down: the answers to the mail that waited, to MAIL, RCPT and DATA, and
# where one is refused, to its end and RSET; and three times until what is sent has gone (mailing/smtp.py).
WAITS_PER_MESSAGE = 9
DNS_PORT = 53


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
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Dns:
    """Whom the deliverability check asks, and what it is to find: who sends for us, and who signs."""

    servers: tuple[tuple[str, int], ...]
    sending_addresses: tuple[str, ...]
    spf_include: str | None
    dkim_selectors: tuple[str, ...]


def smtp(read: Reader) -> Smtp:
    """The mail server, from its URL and what stands beside it."""
    parts = urlsplit(read.url("SMTP_URL", ("smtp", "smtps")))
    implicit = parts.scheme == "smtps"
    security = read.text("SMTP_SECURITY", "none" if implicit or is_loopback(parts.hostname) else "starttls")
    if security not in ("none", "starttls"):
        read.problem(
            "SMTP_SECURITY",
            "must be starttls or none (smtps:// in CONSENT_SMTP_URL is TLS from the start)",
        )
    timeout = read.number("SMTP_TIMEOUT_SECONDS", 30, lowest=1)
    lease = read.number("LEASE_SECONDS", 300, lowest=2)
    if lease <= timeout * WAITS_PER_MESSAGE:
        read.problem(
            "LEASE_SECONDS",
            f"must be more than {WAITS_PER_MESSAGE} times CONSENT_SMTP_TIMEOUT_SECONDS",
        )
    return Smtp(
        host=parts.hostname or "",
        port=read.port("SMTP_URL", parts, 465 if implicit else 25),
        implicit_tls=implicit,
        starttls=not implicit and security == "starttls",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        connections=read.number("SMTP_CONNECTIONS", 8, lowest=1),
        timeout_seconds=timeout,
        lease_seconds=lease,
    )


def dns(read: Reader) -> Dns:
    """Whom to ask, and what to find."""
    return Dns(
        servers=_dns_servers(read, "DNS_SERVERS"),
        sending_addresses=_ip_addresses(read, "SENDING_ADDRESSES"),
        spf_include=read.domain("SPF_INCLUDE", "") or None,
        dkim_selectors=read.words("DKIM_SELECTORS"),
    )


def _dns_servers(read: Reader, name: str) -> tuple[tuple[str, int], ...]:
    servers = []
    for word in read.words(name):
        host, port = _host_and_port(word)
        if not _is_ip_address(host) or not port.isdecimal() or not 0 < int(port) < 65536:
            read.problem(name, f"must be addresses such as 192.0.2.53 or [2001:db8::53]:5353, not {word!r}")
        else:
            servers.append((host, int(port)))
    return tuple(servers)


def _ip_addresses(read: Reader, name: str) -> tuple[str, ...]:
    for word in read.words(name):
        if not _is_ip_address(word):
            read.problem(name, f"must be IP addresses such as 192.0.2.1 or 2001:db8::1, not {word!r}")
    return tuple(str(ip_address(word)) for word in read.words(name) if _is_ip_address(word))


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
