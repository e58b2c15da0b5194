"""What a search for people compares, and how a page of a list begins."""

from dataclasses import dataclass
from enum import StrEnum

from consent_service.domain.addresses import normalise
from consent_service.domain.errors import InvalidAddress
from consent_service.domain.names import tidy

LAST_CHARACTER = "\U0010ffff"


class SearchBy(StrEnum):
    """Whose beginning is searched for."""

    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Search:
    """What staff look for: everybody whose address or name begins with the term."""

    by: SearchBy
    term: str

    @property
    def prefix(self) -> str:
        """The term in the form in which addresses or names are compared; empty for a term of nothing."""
        if self.by is SearchBy.NAME:
            return (tidy(self.term) or "").casefold()
        try:
            return normalise(self.term)
        except InvalidAddress:
            return self.term.strip().casefold()


class Reported(StrEnum):
    """How a person told us that they want to leave."""

    PHONE = "phone"
    LETTER = "letter"
    EMAIL = "email"
    IN_PERSON = "in_person"
