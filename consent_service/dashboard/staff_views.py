"""The first page after sign-in."""

from flask import render_template

from consent_service.staff.guard import staff_blueprint

blueprint = staff_blueprint("dashboard", __name__, "")


@blueprint.get("/")
def overview() -> str:
    """The numbers at a glance, and what to do first."""
    return render_template("dashboard/overview.html")
