"""The words of what comes back."""

from enum import StrEnum


class Way(StrEnum):
    """How a mail, or a provider's report, reached us."""

    PIPE = "pipe"
    LMTP = "lmtp"
    IMAP = "imap"
    WEBHOOK = "webhook"


class MailClass(StrEnum):
    """What a mail that came in is."""

    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    REPLY = "reply"
    UNCLEAR = "unclear"


class InboundState(StrEnum):
    """Where a mail that came in stands: `open` and `failed` wait for staff."""

    RECEIVED = "received"
    OPEN = "open"
    FAILED = "failed"
    HANDLED = "handled"


class ReturnedKind(StrEnum):
    """What an event from outside says about a mail of ours or about an address."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


class Result(StrEnum):
    """What came of it."""

    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"  # the address is gone, or keeps bouncing
    NOTED = "noted"  # a bounce that ends nothing yet
    COMPLAINED = "complained"  # withdrawn or objected to, and suppressed
    UNMATCHED = "unmatched"  # names no mail and nobody that we know: nothing was changed
    NOTHING = "nothing"
    FORWARDED = "forwarded"
    NOT_FORWARDED = "not_forwarded"  # the copy failed or came back
