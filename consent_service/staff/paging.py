"""The place in a long list that a page's address names, as `templates/staff/paging.html` writes it."""

from flask import request

from consent_service.domain.identifiers import PublicId
from consent_service.domain.paging import Direction, Place

LAST_PAGE = 1_000_000
"""Far more than anybody turns, and few enough for a database to count the rows before it."""


def asked_place() -> Place | None:
    """Where the page begins; None at the list's beginning."""
    for direction in Direction:
        if request.args.get(direction.value):
            return Place(direction, PublicId(request.args[direction.value]))
    return None


def asked_page() -> int:
    """The page's number, from 1 to LAST_PAGE; the first one where the address names none."""
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)


def number_of_pages(rows: int, per_page: int) -> int:
    """How many pages so many rows fill; an empty list is one page."""
    return max(-(-rows // per_page), 1)
