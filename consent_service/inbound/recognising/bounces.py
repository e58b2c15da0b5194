"""Bounces: reports by the standard (RFC 3464), and the free forms that servers write."""

import re
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum

from flufl.bounce import all_failures

from consent_service.inbound.parsing import Headers, Mail, header_of
from consent_service.inbound.recognising.automatic import is_answer, is_daemon, is_named_daemon, is_vacation
from consent_service.mailing.diagnosis import classify, is_generic, status_in
from consent_service.mailing.rules import BounceKind

LONGEST_WORDS = 4000
MOST_LINES = 4000
_TOO_LONG = re.compile(r"[^\n]{1000}")  # no server's report has such a line (RFC 5322 section 2.1.1)


class Action(StrEnum):
    """What the reporting server did (RFC 3464 section 2.3.3): only `failed` means that the mail did not arrive."""

    FAILED = "failed"
    DELAYED = "delayed"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Report:
    """What a server reports about a mail of ours, with its own words."""

    action: Action
    kind: BounceKind
    status: str | None
    text: str


_ACTIONS = {"failed": Action.FAILED, "error": Action.FAILED, "delayed": Action.DELAYED}
_COPY = re.compile(
    r"^(--.*(copy|original|header|below|returned|original-?nachricht|kopie).*|received: .*|return-path: .*"
    r"|.*original message (follows|headers).*)$",
    re.IGNORECASE | re.MULTILINE,
)
# Servers that write in German, or in no form that flufl.bounce knows.
_SAYS_SO = re.compile(
    r"undeliver(able|ed)|unzustellbar|(konnte|kann) nicht zugestellt|zustellung .{0,40}fehlgeschlagen|nicht zustellbar"
    r"|deliver(y|ing) .{0,40}fail|failure notice|returned (mail|to sender)|(could|can) ?not be delivered|not delivered",
    re.IGNORECASE,
)


def report(mail: Mail) -> Report | None:
    """The report that a mail is; None where it is none."""
    standard = _standard(mail)
    if standard is not None:
        return standard
    if mail.header("X-Failed-Recipients"):  # Exim's
        return _free(mail, Action.FAILED)
    if not is_daemon(mail) or is_vacation(mail) or _is_somebodys_answer(mail):
        return None
    temporary, permanent = _found_by_flufl(mail)
    if permanent or temporary:
        return _free(mail, Action.FAILED if permanent else Action.DELAYED)
    says_so = _SAYS_SO.search(mail.subject) or _SAYS_SO.search(_own_words(mail))
    return _free(mail, Action.FAILED) if says_so else None


def _is_somebodys_answer(mail: Mail) -> bool:
    """Whether it answers in a person's name: vacation replies have the null sender, and may speak as bounces do."""
    return not is_named_daemon(mail) and (is_answer(mail) or bool(mail.header("In-Reply-To")))


def _found_by_flufl(mail: Mail) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """The addresses that failed for now and for good. Its patterns take the square of a line's length."""
    leaves = (part.get_payload() for part in mail.parts if not part.is_multipart())
    try:
        if any(isinstance(leaf, str) and (_TOO_LONG.search(leaf) or leaf.count("\n") > MOST_LINES) for leaf in leaves):
            return frozenset(), frozenset()
        return all_failures(mail.message)
    except Exception:  # on a mail without a From, or a charset in pieces (RFC 2231); what fails has recognised nothing
        return frozenset(), frozenset()


def _standard(mail: Mail) -> Report | None:
    for part in mail.parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            blocks = part.get_payload()
            found = [
                _of_recipient(mail, block) for block in blocks if isinstance(block, Message) and block.get("Action")
            ]
            return min(found, key=lambda report: list(Action).index(report.action), default=None)
    return None


def _of_recipient(mail: Mail, block: Headers) -> Report:
    action = _ACTIONS.get(re.split(r"[\s(;]", header_of(block, "Action").strip().lower())[0], Action.ARRIVED)
    words = header_of(block, "Diagnostic-Code").partition(";")[2].strip() or _own_words(mail)
    status = status_in(header_of(block, "Status"))
    if is_generic(status):
        status = status_in(words) or status
    return Report(action, classify(status, words), status, words[:LONGEST_WORDS])


def _free(mail: Mail, action: Action) -> Report:
    words = _own_words(mail)
    status = status_in(words)
    return Report(action, classify(status, words), status, words)


def _own_words(mail: Mail) -> str:
    """What the server says itself, without the copy of our mail below it."""
    copy = _COPY.search(mail.text)
    return mail.text[: copy.start() if copy else None].strip()[:LONGEST_WORDS]
