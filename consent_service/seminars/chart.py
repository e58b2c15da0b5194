"""What a seminar's chart shows, and the table behind it."""

from flask_babel import gettext as _

from consent_service.seminars.seat_queries import Numbers


def labels(numbers: Numbers) -> list[tuple[str, int]]:
    """What the chart and the table show, from top to bottom."""
    return [
        (_("Registered"), numbers.registered),
        (_("With a place"), numbers.places),
        (_("Waiting for a place"), numbers.waiting),
        (_("Have cancelled"), numbers.cancelled),
        (_("Attended"), numbers.attended),
    ]
