"""What a link allows, and the reasons that people may give for leaving."""

from enum import StrEnum


class Power(StrEnum):
    """What the holder of a settings link may do (design I7): mails are forwarded, so old links only take away."""

    WITHDRAW = "withdraw"
    EVERYTHING = "everything"


class ReasonForLeaving(StrEnum):
    """The choices on the page after unsubscribing; giving one is voluntary."""

    TOO_MANY = "too_many"
    NOT_RELEVANT = "not_relevant"
    NEVER_ASKED = "never_asked"
    OTHER_ADDRESS = "other_address"
    OTHER = "other"
