"""What members of staff do with their own account."""

from flask import Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_security import current_user, login_user
from werkzeug.wrappers import Response as Redirect

from consent_service import clock
from consent_service.database import transaction
from consent_service.extensions import database, limiter
from consent_service.staff import service
from consent_service.staff.forms import PasswordForm
from consent_service.staff.guard import actor, staff_blueprint
from consent_service.staff.security import GUESSES_PER_ACCOUNT

blueprint = staff_blueprint("account", __name__, "/account")


def _was_a_guess(response: Response) -> bool:
    return response.status_code == 400


@blueprint.route("/password", methods=["GET", "POST"])
@limiter.limit(GUESSES_PER_ACCOUNT, methods=["POST"], deduct_when=_was_a_guess, key_func=actor)
def password() -> str | tuple[str, int] | Redirect:
    """Changes one's own password, and ends one's sessions elsewhere.

    Flask-Security's page for this is not used: it commits by itself, past `transaction()` and the audit log.
    """
    form = PasswordForm()
    if not form.is_submitted():
        return render_template("staff/password.html", form=form)
    if not form.validate():
        return render_template("staff/password.html", form=form), 400
    password_hash = service.hashed(str(form.new.data))
    with transaction() as session:
        service.set_password(session, actor(), password_hash, actor(), clock.now())
    _stay_signed_in()
    flash(_("Your password is changed. Wherever else you were signed in, you are signed out."), "success")
    return redirect(url_for("dashboard.overview"), 303)


def _stay_signed_in() -> None:
    """The account has a new mark by which sessions know it; this one takes it over."""
    member = current_user._get_current_object()
    database.session.rollback()  # what it has read is from before the change
    database.session.refresh(member)
    login_user(member, authn_via=["password"])
