"""What is imported, and what becomes of each row."""

from enum import StrEnum


class ImportKind(StrEnum):
    """Customers to write to, or addresses of an older system that must not be written to."""

    CUSTOMERS = "customers"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class ImportState(StrEnum):
    """staged (dry run done) -> applying -> applied; or discarded."""

    STAGED = "staged"
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


class RowResult(StrEnum):
    """What the dry run foresees for a row, and what applying then did."""

    NEW = "new"
    KNOWN = "known"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"
    BAD = "bad"
