"""Where visitors come to, from which sites, and how often."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
import limits.errors
import limits.storage

from consent_service.config.reading import Reader, is_loopback

IN_MEMORY = "memory://"


def base_url(read: Reader) -> str:
    """The address of the website: scheme and host."""
    value = read.url("BASE_URL", ("https", "http"))
    parts = urlsplit(value)
    if value.startswith("http://") and not is_loopback(parts.hostname):
        read.problem(
            "BASE_URL",
            "must be https (RFC 8058 section 3.1 wants it for one-click); http only on this machine",
        )
    if parts.path or parts.query or parts.fragment:
        read.problem("BASE_URL", "must end after the host: the service has a host name to itself")
    return value


def origins(read: Reader, name: str) -> tuple[str, ...]:
    """Sites, each as scheme and host."""
    sites = read.words(name)
    for site in sites:
        parts = urlsplit(site)
        if parts.scheme not in ("https", "http") or f"{parts.scheme}://{parts.netloc}" != site:
            read.problem(name, f"must name origins such as https://www.example.org, without a path, not {site!r}")
    return sites


def time_zone(read: Reader) -> ZoneInfo:
    """The organisation's."""
    name = read.text("TIME_ZONE", "Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        read.problem("TIME_ZONE", f"{name!r} is not the name of a time zone")
        return ZoneInfo("UTC")


def rate_limit(read: Reader, name: str, default: str) -> tuple[limits.RateLimitItem, ...]:
    """Limits in the notation of the library `limits`."""
    value = read.text(name, default)
    try:
        return tuple(limits.parse_many(value))
    except ValueError:
        read.problem(name, f"must be limits such as '10 per minute; 60 per hour', not {value!r}")
        return ()


def rate_limit_storage(read: Reader) -> str:
    """Where hits are counted."""
    value = read.text("RATE_LIMIT_STORAGE", IN_MEMORY)
    try:
        limits.storage.storage_from_string(value)
    except (limits.errors.ConfigurationError, ValueError) as error:
        read.problem("RATE_LIMIT_STORAGE", f"must be memory:// or such as redis://host:6379 ({error})")
    return value
