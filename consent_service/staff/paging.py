"""The place in a long list that a page's address names, as `templates/staff/paging.html` writes it."""

from flask import request

from consent_service.domain.identifiers import PublicId
from consent_service.domain.paging import Direction, Place


def asked_place() -> Place | None:
    """Where the page begins; None at the list's beginning."""
    for direction in Direction:
        if request.args.get(direction.value):
            return Place(direction, PublicId(request.args[direction.value]))
    return None
