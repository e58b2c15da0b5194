"""The words for what came in, in the language of who reads them."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.inbound.queries import Show
from consent_service.inbound.rules import InboundState, MailClass, Result
from consent_service.mailing.words import BOUNCE as BOUNCE

SHOW: dict[Show, LazyString] = {
    Show.WAITING: _l("Waiting for us"),
    Show.HANDLED: _l("Done"),
    Show.EVERYTHING: _l("Everything"),
}

CLASS: dict[MailClass, LazyString] = {
    MailClass.UNSUBSCRIBE: _l("Unsubscribe"),
    MailClass.BOUNCE: _l("Mail came back"),
    MailClass.COMPLAINT: _l("Complaint"),
    MailClass.AUTOMATIC: _l("Automatic reply"),
    MailClass.REPLY: _l("Reply"),
    MailClass.UNCLEAR: _l("Unclear"),
}

RESULT: dict[Result, LazyString] = {
    Result.UNSUBSCRIBED: _l("The person was unsubscribed"),
    Result.SUPPRESSED: _l("The address is not written to any more"),
    Result.NOTED: _l("Noted; the address is still written to"),
    Result.COMPLAINED: _l("Unsubscribed, and the address is not written to any more"),
    Result.UNMATCHED: _l("It names no e-mail and no person that we know; nothing was changed"),
    Result.NOTHING: _l("Nothing had to be done"),
    Result.FORWARDED: _l("Forwarded"),
    Result.NOT_FORWARDED: _l("It was forwarded, but the copy could not be delivered"),
}

STATE: dict[InboundState, LazyString] = {
    InboundState.RECEIVED: _l("Just arrived"),
    InboundState.OPEN: _l("Waiting for us"),
    InboundState.FAILED: _l("Could not be handled"),
    InboundState.HANDLED: _l("Done"),
}

TONE = {
    InboundState.RECEIVED: "info",
    InboundState.OPEN: "warning",
    InboundState.FAILED: "danger",
    InboundState.HANDLED: "success",
}
