"""The sign-in form, in our words."""

from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import LoginForm, current_user, verify_password
from flask_wtf import FlaskForm
from wtforms import validators

from consent_service.staff.rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, is_staff_page
from consent_service.staff.service import normalised


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


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The password of today, and twice the one from now on."""

    current = wtforms.PasswordField(
        _l("Your password so far"), [validators.InputRequired(_l("Enter the password that you have now"))]
    )
    new = wtforms.PasswordField(
        _l("New password"),
        [
            validators.InputRequired(_l("Enter a new password")),
            validators.Length(SHORTEST_PASSWORD, LONGEST_PASSWORD, _l("A password has %(min)d to %(max)d characters")),
        ],
        description=_l(
            "At least %(shortest)d characters. A few words in a row are easy to remember and hard to guess.",
            shortest=SHORTEST_PASSWORD,
        ),
    )
    again = wtforms.PasswordField(
        _l("New password, once more"), [validators.EqualTo("new", _l("The two new passwords differ"))]
    )

    def validate_current(self, field: wtforms.PasswordField) -> None:
        """Only who knows it may change it: a desk may be left for a moment."""
        if not verify_password(normalised(str(field.data)), current_user.password):
            raise validators.ValidationError(_("This is not your password"))

    def validate_new(self, field: wtforms.PasswordField) -> None:
        """A new one is not the old one."""
        if field.data == self.current.data:
            raise validators.ValidationError(_("This is the password that you have already"))
