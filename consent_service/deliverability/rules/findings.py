"""What a check finds: green, amber or red, what is the matter, and the record that would mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

LARGE_CAMPAIGN = 1_000
"""Beyond so many people a campaign is warned about while something is red."""

CHECK_EVERY = timedelta(days=1)


class Level(StrEnum):
    """How bad it is: red keeps mail from arriving, amber wants a look."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Check(StrEnum):
    """What is looked at, in the order in which it is shown."""

    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    MX = "mx"
    PTR = "ptr"
    TLS = "tls"
    ONE_CLICK = "one_click"
    COPY = "copy"


class Verdict(StrEnum):
    """What was found; each has its sentence in `words`."""

    WELL = "well"
    NO_ANSWER = "no_answer"
    SPF_MISSING = "spf_missing"
    SPF_SEVERAL = "spf_several"
    SPF_BROKEN = "spf_broken"
    SPF_TOO_MANY_LOOKUPS = "spf_too_many_lookups"
    SPF_ALLOWS_ALL = "spf_allows_all"
    SPF_OPEN_END = "spf_open_end"
    SPF_LEAVES_US_OUT = "spf_leaves_us_out"
    SPF_SENDERS_UNKNOWN = "spf_senders_unknown"
    DKIM_UNKNOWN = "dkim_unknown"
    DKIM_NO_KEY = "dkim_no_key"
    DKIM_MISSING = "dkim_missing"
    DKIM_SEVERAL = "dkim_several"
    DKIM_BROKEN = "dkim_broken"
    DKIM_REVOKED = "dkim_revoked"
    DKIM_OTHER_KEY = "dkim_other_key"
    DKIM_TOO_SHORT = "dkim_too_short"
    DKIM_SHORT = "dkim_short"
    DKIM_TESTING = "dkim_testing"
    DMARC_MISSING = "dmarc_missing"
    DMARC_SEVERAL = "dmarc_several"
    DMARC_BROKEN = "dmarc_broken"
    DMARC_WATCHES_ONLY = "dmarc_watches_only"
    DMARC_TESTING = "dmarc_testing"
    DMARC_NO_REPORTS = "dmarc_no_reports"
    DMARC_REPORTS_REFUSED = "dmarc_reports_refused"
    DMARC_UNALIGNED = "dmarc_unaligned"
    DMARC_UNVOUCHED = "dmarc_unvouched"
    DMARC_SPF_UNALIGNED = "dmarc_spf_unaligned"
    DMARC_DKIM_UNALIGNED = "dmarc_dkim_unaligned"
    MX_MISSING = "mx_missing"
    MX_ADDRESS_ONLY = "mx_address_only"
    MX_REFUSES_MAIL = "mx_refuses_mail"
    MX_NOWHERE = "mx_nowhere"
    PTR_OF_RELAY = "ptr_of_relay"
    PTR_UNKNOWN = "ptr_unknown"
    PTR_MISSING = "ptr_missing"
    PTR_UNCONFIRMED = "ptr_unconfirmed"
    TLS_LOCAL = "tls_local"
    TLS_OFF = "tls_off"
    TLS_NOT_OFFERED = "tls_not_offered"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_EXPIRES = "tls_expires"
    RELAY_UNREACHABLE = "relay_unreachable"
    HTTPS_MISSING = "https_missing"
    HTTPS_UNTRUSTED = "https_untrusted"
    ONE_CLICK_REDIRECTS = "one_click_redirects"
    ONE_CLICK_REFUSES = "one_click_refuses"
    ONE_CLICK_UNREACHABLE = "one_click_unreachable"
    COPY_UNSIGNED = "copy_unsigned"
    COPY_SIGNATURE_FAILS = "copy_signature_fails"
    COPY_SIGNED_BY_OTHERS = "copy_signed_by_others"
    COPY_WAY_OUT_UNSIGNED = "copy_way_out_unsigned"
    COPY_NOT_JUDGED = "copy_not_judged"
    COPY_JUDGED_BAD = "copy_judged_bad"
    COPY_HEADER = "copy_header"
    COPY_WAY_OUT = "copy_way_out"


_GREEN = frozenset({Verdict.WELL, Verdict.PTR_OF_RELAY, Verdict.TLS_LOCAL})
_AMBER = frozenset(
    {
        Verdict.NO_ANSWER,
        Verdict.SPF_OPEN_END,
        Verdict.SPF_SENDERS_UNKNOWN,
        Verdict.DKIM_UNKNOWN,
        Verdict.DKIM_SHORT,
        Verdict.DKIM_TESTING,
        Verdict.DMARC_WATCHES_ONLY,
        Verdict.DMARC_TESTING,
        Verdict.DMARC_NO_REPORTS,
        Verdict.DMARC_REPORTS_REFUSED,
        Verdict.DMARC_SPF_UNALIGNED,
        Verdict.DMARC_DKIM_UNALIGNED,
        Verdict.MX_ADDRESS_ONLY,
        Verdict.PTR_UNKNOWN,
        Verdict.TLS_EXPIRES,
        Verdict.COPY_NOT_JUDGED,
    }
)


@dataclass(frozen=True, slots=True)
class Record:
    """A record to publish in DNS, to be copied: its whole name, its type, and its value without quotes."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found about a domain, host or address."""

    check: Check
    about: str
    verdict: Verdict
    level: Level
    values: Mapping[str, str] = field(default_factory=dict)
    record: Record | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "Finding":
        """From what `plain` returned."""
        record = plain["record"]
        return cls(
            check=Check(plain["check"]),
            about=plain["about"],
            verdict=Verdict(plain["verdict"]),
            level=Level(plain["level"]),
            values=plain["values"],
            record=Record(**record) if record else None,
        )


def finding(check: Check, about: str, verdict: Verdict, record: Record | None = None, **values: str) -> Finding:
    """A finding with the level that its verdict has."""
    level = Level.GREEN if verdict in _GREEN else Level.AMBER if verdict in _AMBER else Level.RED
    return Finding(check, about, verdict, level, values, record)


def guessed(one: Finding) -> Finding:
    """The same about something that is only guessed: never red."""
    return replace(one, level=Level.AMBER) if one.level is Level.RED else one


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level of all; green where there are none."""
    levels = {one.level for one in findings}
    return next((level for level in (Level.RED, Level.AMBER) if level in levels), Level.GREEN)


class CampaignWarning(StrEnum):
    """Why sending a large campaign now is unwise. Nothing is ever blocked by it."""

    NEVER_CHECKED = "never_checked"
    RED = "red"


def warning(last: Iterable[Finding] | None, people: int) -> CampaignWarning | None:
    """What to tell before a campaign to so many people; `last` is the last check's, None where none was made."""
    if people <= LARGE_CAMPAIGN:
        return None
    if last is None:
        return CampaignWarning.NEVER_CHECKED
    return CampaignWarning.RED if worst(last) is Level.RED else None


def is_due(last: datetime | None, now: datetime, is_public: bool) -> bool:
    """Whether the daily check is to be made (both times aware); never for a service that only this machine reaches."""
    return is_public and (last is None or now - last >= CHECK_EVERY)
