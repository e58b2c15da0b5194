"""Wishes to leave: the token of a mailto, or a person's words in German or English.

Words count only where they are clear: anything that hesitates, asks, or speaks of somebody else is for staff.
"""

import re
from collections.abc import Collection, Iterator

from consent_service.inbound.parsing import Mail

LONGEST_WISH = 1500
# Not after a slash: the link in a quoted copy of our mail is nobody's word.
_TOKEN = re.compile(r"(?<![\w/.=%-])\.?[\w-]{20,200}\.[\w-]{20,60}(?![\w-])", re.ASCII)
_MAILTO_SUBJECT = re.compile(r"unsubscribe\s+(\S+)", re.IGNORECASE)
_ANSWER = re.compile(r"^\s*(re|aw|antwort|fwd?|wg|tr|sv)(\[\d+\])?\s*:", re.IGNORECASE)
_QUOTE = re.compile(
    r"^[ \t]*(>|--+[ \t]*(original message|ursprüngliche nachricht|original-?nachricht|forwarded message"
    r"|weitergeleitete nachricht)|_{10,}\s*$|(von|from):\s.*|am .{5,100} schrieb\b.*|on .{5,100} wrote:"
    r"|gesendet von mein|sent from my"
    r"|-- ?$)",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_NAME_LINE = re.compile(
    r"^[ \t]*(?:name:[ \t]*)?[^\W\d_][\w.'’-]+(?:[ \t]+[^\W\d_][\w.'’-]*){1,3}[ \t,.]*$", re.MULTILINE
)
_MAILS = (
    r"(?:e-?mails?|mails?|newsletters?|nachrichten|werbung|werbe-?(?:e-?)?mails?|informationen|infos|post|messages)"
)
_WISHES = re.compile(
    "|".join(
        (
            r"\babmeld(?:en|ung)\b",
            r"\bmeld(?:en|et|e) (?:sie )?mich\b[^.!?\n]{0,60}?\bab\b",
            r"\babbestell(?:en|ung)\b",
            r"\bbestelle\b[^.!?\n]{0,60}?\bab\b",
            r"\baustragen\b",
            r"\btrag(?:en|t) (?:sie )?mich\b[^.!?\n]{0,60}?\baus\b",
            r"\bmich\b[^.!?\n]{0,30}?\b(?:aus|von)\b[^.!?\n]{0,40}?\b(?:verteiler|liste)\w*"
            r"(?:[^.!?\n]{0,30}?\b(?:nehmen|streichen|löschen|entfernen))?",
            rf"\b(?:keine(?:rlei)?|nicht mehr|nicht länger)\b[^.!?\n]{{0,40}}?\b{_MAILS}\b"
            r"(?:[^.!?\n]{0,20}?\bmehr\b)?",
            rf"\b{_MAILS}\b[^.!?\n]{{0,40}}?\b(?:nicht mehr|nicht länger)\b[^.!?\n]{{0,20}}?\b"
            r"(?:erhalten|bekommen|zusenden|schicken|haben)",
            r"\bnewsletter\b[^.!?\n]{0,30}?\bkündigen\b",
            r"\b(?:kündige|kündigung)\b[^.!?\n]{0,40}?\bnewsletter\w*",
            r"\bwiderruf(?:e)?\b[^.!?\n]{0,40}?\beinwilligung(?:en)?\b",
            r"\bwidersprech?e\b[^.!?\n]{0,60}?\b(?:werbung|werbe\w*|zusendung|verwendung|nutzung|verarbeitung)\b",
            r"\bunsubscribe(?: me)?\b",
            r"\bopt(?:ing)?[ -]?out\b",
            r"\b(?:remove|take) me (?:from|off)\b[^.!?\n]{0,40}?\blist\b",
            r"\bremove me\b",
            rf"\b(?:stop|cease) (?:sending|e-?mailing)\b(?: me\b)?(?:[^.!?\n]{{0,30}}?\b{_MAILS}\b)?",
            rf"\b(?:no longer|not|don.t|no more)\b[^.!?\n]{{0,40}}?\b(?:receive|get|send|want|wish)\b[^.!?\n]{{0,40}}?"
            rf"\b{_MAILS}\b",
            r"\b(?:withdraw|revoke) my consent\b",
            r"\bi object to\b[^.!?\n]{0,60}?\b(?:marketing|advertising|processing|use)\b",
            r"\bcancel my (?:newsletter|subscription)(?: subscription)?\b",
            r"\A\W*stopp?\W*\Z",
        )
    ),
    re.IGNORECASE,
)
# Our own mail's foot, copied by a program that marks no quote, speaks of leaving, too.
_OUR_LINK = re.compile(r"https?://\S+/(?:unsubscribe|settings)/")
_HESITATES = re.compile(
    r"\?|\b(?:nicht|kein|aber|doch|sondern|nur|außer|oder|wieder|anmeld\w*|falls|wenn|ob|statt|versehentlich|frage\w*"
    r"|rechnung|vertrag|bestellung|not|never|don.t|but|only|except|or|again|if|whether|instead|subscribe|question"
    r"|mistake|invoice|contract|order)\b",
    re.IGNORECASE,
)


def mailto_token(subject: str) -> str | None:
    """The token of a subject that is just what our List-Unsubscribe mailto makes; it may be anybody's invention."""
    found = _MAILTO_SUBJECT.fullmatch(subject.strip())
    return found[1] if found else None


def tokens(mail: Mail) -> Iterator[str]:
    """What looks like a one-click token in the subject or in the person's own words."""
    for text in (mail.subject, own_words(mail.text)):
        yield from _TOKEN.findall(text)


def own_words(text: str) -> str:
    """A mail's text before whatever it quotes, and before the signature mark."""
    quote = _QUOTE.search(text)
    return text[: quote.start() if quote else None].strip()


def sounds_like_wish(mail: Mail) -> bool:
    """Whether it speaks of leaving at all, clearly or not."""
    return _WISHES.search(_said(mail)) is not None


def is_in_subject(mail: Mail) -> bool:
    """Whether its subject speaks of leaving, as no newsletter's does; the foot of each of them does."""
    return _WISHES.search(mail.subject) is not None


def is_clear_wish(mail: Mail, known_name: str | None, ours: Collection[str]) -> bool:
    """Whether the author of a mail asks for nothing but to leave, with name and address, as the policy says.

    The address is the only one in From, and no other is named but our own (`ours`, in lower case). The name is
    From's, the one that we know, or stands on a line of its own.
    """
    said = _said(mail)
    if len(said) > LONGEST_WISH or _OUR_LINK.search(said) or not _WISHES.search(said):
        return False
    if len({address.lower() for _, address in mail.addresses("From")}) != 1:
        return False
    others = {address.lower().rstrip(".") for address in _ADDRESS.findall(said)} - {mail.author[1].lower(), *ours}
    rest = _ADDRESS.sub(" ", _WISHES.sub(" ", said))
    return not others and not _HESITATES.search(rest) and _has_name(mail, known_name)


def _said(mail: Mail) -> str:
    """The person's own words; a subject that was only answered to is not theirs."""
    subject = "" if _ANSWER.match(mail.subject) else mail.subject
    return f"{subject}\n{own_words(mail.text)}".strip()


def _has_name(mail: Mail, known_name: str | None) -> bool:
    name, address = mail.author
    if name and "@" not in name and name.casefold() != address.partition("@")[0].casefold():
        return True
    words = mail.text.casefold()
    if known_name and all(word in words for word in known_name.casefold().split()):
        return True
    return any(not _WISHES.search(line) for line in _NAME_LINE.findall(own_words(mail.text)))
