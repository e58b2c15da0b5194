"""What a link allows, where a person stands for a purpose, and the reasons that people may give for leaving."""

from enum import StrEnum

from consent_service.domain.kinds import ConsentStatus


class Power(StrEnum):
    """What the holder of a settings link may do (design I7): mails are forwarded, so old links only take away."""

    WITHDRAW = "withdraw"
    EVERYTHING = "everything"


class Place(StrEnum):
    """Where a person stands for a purpose, as the settings page says it."""

    REGISTERED = "registered"
    STOPPED = "stopped"  # registered, and yet not written to: the address bounces, or the like
    UNSUBSCRIBED = "unsubscribed"
    OBJECTED = "objected"
    NOT_REGISTERED = "not_registered"


def place(status: ConsentStatus | None, is_suppressed: bool) -> Place:
    """What consent state and suppression amount to for the person; who never agreed can have unsubscribed too."""
    match status:
        case ConsentStatus.ACTIVE:
            return Place.STOPPED if is_suppressed else Place.REGISTERED
        case ConsentStatus.WITHDRAWN:
            return Place.UNSUBSCRIBED
        case ConsentStatus.OBJECTED:
            return Place.OBJECTED
        case None:
            return Place.UNSUBSCRIBED if is_suppressed else Place.NOT_REGISTERED


class ReasonForLeaving(StrEnum):
    """The choices on the page after unsubscribing; giving one is voluntary."""

    TOO_MANY = "too_many"
    NOT_RELEVANT = "not_relevant"
    NEVER_ASKED = "never_asked"
    OTHER_ADDRESS = "other_address"
    OTHER = "other"
