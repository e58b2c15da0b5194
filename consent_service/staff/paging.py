"""Lists for staff that have several pages."""

from flask import request

LAST_PAGE = 1_000_000
"""Far more than anybody turns, and few enough for a database to count the rows before it."""


def page_asked_for() -> int:
    """The page that the address names, from 1 to LAST_PAGE; the first one where it names none."""
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)


def number_of_pages(rows: int, per_page: int) -> int:
    """How many pages so many rows fill; an empty list is one page."""
    return max(-(-rows // per_page), 1)
