"""The closed lists of the vocabulary: what a column or a rule may hold."""

from enum import StrEnum


class Language(StrEnum):
    """A language that texts exist in; German is the default."""

    GERMAN = "de"
    ENGLISH = "en"


class LegalBasis(StrEnum):
    """Why a person may be written to: GDPR Art. 6(1)(a), (b), (c) or (f)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGITIMATE_INTEREST = "legitimate_interest"


class EventKind(StrEnum):
    """What one line of the ledger says happened."""

    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


class ConsentStatus(StrEnum):
    """What a person's events for one purpose amount to."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


class Channel(StrEnum):
    """The way by which an event reached the ledger."""

    FORM = "form"
    LINK = "link"
    ONE_CLICK = "one_click"
    EMAIL = "email"
    STAFF = "staff"
    IMPORT = "import"
    SYSTEM = "system"
    PROVIDER = "provider"


class SuppressionReason(StrEnum):
    """Why an address is not written to, for one purpose or at all."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    STAFF = "staff"


class LeftOut(StrEnum):
    """Why a person is not written to, in the order in which the reasons are looked at."""

    ERASED = "erased"
    NEVER_AGREED = "never_agreed"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
