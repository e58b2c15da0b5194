"""The sign-in form, in our words."""

from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import LoginForm
from wtforms import validators

from consent_service.staff.rules import is_staff_page


class SignInForm(LoginForm):
    """Address and password. One answer for whatever was wrong, and no cookie that outlives the session."""

    email = wtforms.EmailField(
        _l("E-mail address"), [validators.InputRequired(message=_l("Enter your e-mail address"))]
    )
    password = wtforms.PasswordField(_l("Password"), [validators.InputRequired(message=_l("Enter your password"))])
    remember = None  # type: ignore[assignment] # how WTForms drops a field

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_staff_page(self.next.data or ""):
            self.next.data = ""

    def validate(self, **kwargs: Any) -> bool:
        """As Flask-Security does it, with one error of the form in place of those that tell an account from none."""
        if super().validate(**kwargs):
            return True
        if self.email.data and self.password.data:
            self.email.errors, self.password.errors = [], []
            self.form_errors.append(_("The e-mail address or the password is not right"))
        return False
