"""Why a server would not have a mail, by its own words: in a report that comes back, or when it refuses at once."""

import re

from consent_service.mailing.rules import ADDRESS_IS_GONE, BounceKind

_STATUS = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\w.])")
_OUR_FAULT = frozenset({"1.7", "1.8"})  # the sender's address or domain is not accepted
_FULL = frozenset({"2.2"})
# In the order in which they are looked for; the words of servers that give no enhanced status, or a generic one.
_WORDS: tuple[tuple[BounceKind, re.Pattern[str]], ...] = (
    (
        BounceKind.FULL,
        re.compile(
            r"mailbox (is )?full|over ?quota|quota exceeded|exceeded storage|not enough (disk|storage) space"
            r"|storage allocation|postfach (ist )?(voll|überfüllt)|speicherplatz",
            re.IGNORECASE,
        ),
    ),
    (
        BounceKind.GONE,
        re.compile(
            r"user (is )?unknown|unknown user|no such (user|mailbox|recipient|address|person)"
            r"|no mailbox here|mailbox (not found|unavailable|does not exist|unknown)"
            r"|does(n.t| not) exist|recipient (not found|unknown)|address rejected|invalid (recipient|mailbox)"
            r"|unrouteable address|(account|mailbox) (has been |is )?(disabled|closed|inactive)"
            r"|empfänger (ist )?unbekannt|unbekannter empfänger|(postfach|adresse|empfänger) existiert nicht",
            re.IGNORECASE,
        ),
    ),
    (
        BounceKind.POLICY,
        re.compile(
            r"spam|block(ed|list)|black ?list|reputation|policy|dmarc|dkim|\bspf\b|not authenticated|rate limit"
            r"|too many (messages|connections)|abgelehnt",
            re.IGNORECASE,
        ),
    ),
    (
        BounceKind.TEMPORARY,
        re.compile(
            r"time(d )?[ -]?out|temporar|try again|connection (refused|lost)|greylist|retry (time|timeout)"
            r"|could not be delivered for|delayed|vorübergehend",
            re.IGNORECASE,
        ),
    ),
)


def status_in(text: str) -> str | None:
    """The last enhanced status (RFC 3463) that stands in a server's words, without leading zeros.

    The last, because relays put their own before the words of the server that refused.
    """
    found = [f"{a}.{int(b)}.{int(c)}" for a, b, c in _STATUS.findall(text)]
    return found[-1] if found else None


def is_generic(status: str | None) -> bool:
    """Whether a status says no more than that it failed: 5.0.0 or none."""
    return status is None or status.partition(".")[2] == "0.0"


def classify(status: str | None, text: str) -> BounceKind:
    """Why a mail came back, by its status (RFC 3463); where that is generic, by the server's words."""
    if status is not None and not is_generic(status):
        return _by_status(status)
    said = next((kind for kind, words in _WORDS if words.search(text)), None)
    if said is not None:
        return said
    return BounceKind.TEMPORARY if status is not None and status.startswith("4") else BounceKind.UNKNOWN


def _by_status(status: str) -> BounceKind:
    reach, _, detail = status.partition(".")
    if status in ADDRESS_IS_GONE:
        return BounceKind.GONE
    if detail in _FULL:
        return BounceKind.FULL
    if detail.startswith("7.") or detail in _OUR_FAULT:
        return BounceKind.POLICY
    # Expired, no route, no answer: what a relay gave up on after days may work tomorrow.
    return BounceKind.TEMPORARY if reach == "4" or detail.startswith("4.") else BounceKind.UNKNOWN


_ABOUT_THE_MAILBOX = re.compile(r"[45]5\d")  # RFC 5321 section 4.2.1; not syntax, the connection, or sign-in


def of_answer(answer: str | None) -> BounceKind | None:
    """What the last answer to a message that was given up says about its mailbox; None: nothing."""
    code, _, text = (answer or "").partition(" ")
    return classify(status_in(text), text) if _ABOUT_THE_MAILBOX.fullmatch(code) else None
