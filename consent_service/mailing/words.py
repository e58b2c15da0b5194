"""The words for what becomes of mail, in the language of who reads them."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.domain.kinds import LeftOut
from consent_service.mailing.outcomes import FailureKind, Outcome
from consent_service.mailing.rules import BounceKind, MessageState

STATE: dict[MessageState, LazyString] = {
    MessageState.QUEUED: _l("Waiting"),
    MessageState.CLAIMED: _l("About to go"),
    MessageState.HANDING: _l("Being handed over"),
    MessageState.SENT: _l("Sent"),
    MessageState.DEFERRED: _l("To be tried again"),
    MessageState.FAILED: _l("Refused by the mail server"),
    MessageState.SUPPRESSED: _l("Not sent"),
    MessageState.IN_DOUBT: _l("In doubt whether it went out"),
    MessageState.BOUNCED: _l("Came back"),
    MessageState.COMPLAINED: _l("Reported as unwanted"),
}

BOUNCE: dict[BounceKind, LazyString] = {
    BounceKind.GONE: _l("the mailbox does not exist"),
    BounceKind.FULL: _l("the mailbox is full"),
    BounceKind.POLICY: _l("refused by policy or reputation"),
    BounceKind.TEMPORARY: _l("not reached for a while"),
    BounceKind.UNKNOWN: _l("reason unclear"),
}

OUTCOME: dict[Outcome, LazyString] = {
    Outcome.SENT: _l("Sent"),
    Outcome.WAITING: _l("Waiting"),
    Outcome.LEFT_OUT: _l("Left out"),
    Outcome.FAILED: _l("Refused by the mail server"),
    Outcome.CAME_BACK: _l("Came back"),
    Outcome.COMPLAINED: _l("Reported as unwanted"),
    Outcome.IN_DOUBT: _l("Unclear whether they arrived"),
}

LEFT_OUT: dict[LeftOut, LazyString] = {
    LeftOut.ERASED: _l("had their data deleted"),
    LeftOut.NEVER_AGREED: _l("never agreed to this purpose"),
    LeftOut.WITHDRAWN: _l("withdrew their consent"),
    LeftOut.OBJECTED: _l("objected"),
    LeftOut.SUPPRESSED: _l("the address is blocked"),
    LeftOut.CANCELLED: _l("the campaign was cancelled"),
}

FAILURE: dict[FailureKind, LazyString] = {
    FailureKind.GONE: _l("The mailbox does not exist"),
    FailureKind.POLICY: _l("Refused by policy or reputation"),
    FailureKind.TOO_LONG: _l("Not taken after days of trying"),
    FailureKind.REFUSED: _l("Refused for another reason"),
    FailureKind.NOT_COMPOSED: _l("The mail could not be built"),
    FailureKind.ERASED: _l("The person was deleted since"),
}
