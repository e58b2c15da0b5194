"""The first page after sign-in."""

from flask import render_template
from flask_babel import format_decimal
from flask_babel import gettext as _

from consent_service import clock
from consent_service.dashboard import queries
from consent_service.database import reading
from consent_service.localisation import current_language
from consent_service.staff.guard import staff_blueprint

blueprint = staff_blueprint("dashboard", __name__, "")


@blueprint.get("/")
def overview() -> str:
    """The numbers at a glance, and what to do first."""
    with reading() as session:
        seen = queries.overview(session, current_language(), clock.now())
    return render_template(
        "dashboard/overview.html", seen=seen, number=_number, capped=_capped, words=current_language()
    )


def _number(value: int) -> str:
    return str(format_decimal(value))


def _capped(value: int) -> str:
    """A number that was counted only so far."""
    most = queries.COUNTED_AT_MOST
    return _("over %(number)s", number=_number(most)) if value > most else _number(value)
