"""What can go wrong in the terms of the field. `consent_service.errors` turns these into responses."""


class DomainError(Exception):
    """The root of all refusals that a user can cause; its text is for logs, not for people."""


class InvalidAddress(DomainError):
    """The text is not an e-mail address that mail could be sent to."""


class NotFound(DomainError):
    """The thing that was asked for does not exist (any more)."""


class InvalidLink(DomainError):
    """A signed link is damaged, of another use, or was signed by another service."""


class ExpiredLink(InvalidLink):
    """A signed link was genuine and has outlived its time."""


class Refused(DomainError):
    """The request is understood and its state does not allow it; the text says why, in English."""


class ForeignSite(Refused):
    """A public form was sent from a website that may not embed it."""


class FreshLinkNeeded(Refused):
    """The settings link in hand can only take away; this needs one that was mailed within the last hour."""
