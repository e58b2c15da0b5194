"""Where in a long list a page begins: beside an entry, so that the hundredth page is as quick as the first."""

from dataclasses import dataclass
from enum import StrEnum

from consent_service.domain.identifiers import PublicId


class Direction(StrEnum):
    """Which neighbours of a place in a list are wanted."""

    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list a page begins: behind or before this entry."""

    direction: Direction
    entry: PublicId
