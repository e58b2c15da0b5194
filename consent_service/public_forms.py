"""Forms for visitors: they work embedded in another site, without cookies, and from a page with no referrer.

In place of a cookie stands a signed, timed token in the form, and the Origin header is looked at where the
browser sends one (design I11). A robot is slowed down by a field to leave blank and a shortest time; a
person who trips over either is asked to send again and loses nothing.
"""

import secrets
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary

import wtforms
from flask import request
from flask_babel import lazy_gettext as _l
from itsdangerous import BadData
from werkzeug.datastructures import MultiDict

from consent_service import clock
from consent_service.domain.addresses import deliverable
from consent_service.domain.errors import ForeignSite, InvalidAddress
from consent_service.extensions import settings
from consent_service.tokens import Serializer, TimedSerializer, serializer, timed_serializer

SHORTEST_TIME = timedelta(seconds=2)
LONGEST_TIME = timedelta(hours=24)
_LONGEST_USER_AGENT = 400


def _tokens() -> TimedSerializer:
    return timed_serializer(settings().secret_keys, "public form")


def _embedded_tokens() -> Serializer:
    return serializer(settings().secret_keys, "embedded form")


def new_token() -> str:
    """A token for a form that is shown now."""
    return str(_tokens().dumps(secrets.token_hex(8)))


def embedded_token(page: str) -> str:
    """The token of a form that stands as plain HTML in a page of another website.

    It has no time, for that HTML is copied once; it names the page's address, which is evidence (design I3).
    """
    return str(_embedded_tokens().dumps(page))


_bound: WeakKeyDictionary[Any, wtforms.Field] = WeakKeyDictionary()


class PublicForm(wtforms.Form):
    """A form that anybody may send; `website` is the field that people never see."""

    class Meta:
        def bind_field(self, form: wtforms.Form, unbound: Any, options: dict[str, Any]) -> wtforms.Field:
            """A field of this form: a copy of one bound before, whose label, flags and validators serve all forms.

            WTForms would make these anew for each form, which took a sixteenth of a sign-up.
            """
            if unbound not in _bound:
                _bound[unbound] = unbound.bind(form=None, _meta=self, **options)
            field: wtforms.Field = object.__new__(type(_bound[unbound]))  # Field.__new__ takes it for another unbound
            field.__dict__.update(_bound[unbound].__dict__, _form=form, meta=self)
            return field

    form_token = wtforms.HiddenField()
    website = wtforms.StringField(_l("Leave this field blank"))

    def __init__(self, formdata: MultiDict[str, str] | None = None, **values: Any) -> None:
        super().__init__(formdata, **values)
        self.submitted_token = self.form_token.data or ""
        if not self.submitted_token:
            self.form_token.data = new_token()

    def validate_website(self, field: wtforms.StringField) -> None:
        if field.data:
            raise wtforms.ValidationError(_l("Leave this field blank"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all fields are right and the form was really shown; `errors` and `form_errors` say what is not."""
        valid = super().validate(extra_validators)
        problem = self._token_problem(clock.now()) if valid else None  # mistakes to mend come first
        if problem is not None:
            self.form_errors = [*self.form_errors, problem]
        if not valid or problem is not None:
            self.form_token.data = new_token()
        return valid and problem is None

    @cached_property
    def _shown_at(self) -> datetime | None:
        """When our own form was shown, as its token says; None where it is not such a token."""
        try:
            _, shown_at = _tokens().loads(self.submitted_token, return_timestamp=True)
        except BadData:
            return None
        return cast(datetime, shown_at)

    @cached_property
    def embedding_page(self) -> str | None:
        """The page of another website that this form stood in, as its token says; None for our own form."""
        if self._shown_at is not None:
            return None
        try:
            return str(_embedded_tokens().loads(self.submitted_token))
        except BadData:
            return None

    def _token_problem(self, now: datetime) -> str | None:
        if self.embedding_page is not None:
            return None
        if self._shown_at is None:
            return str(_l("Please check your details and send the form once more."))
        if now - self._shown_at > LONGEST_TIME:
            return str(_l("The form was open for a long time. Please send it once more."))
        if now - self._shown_at < SHORTEST_TIME:
            return str(_l("That was very quick. Please send the form once more."))
        return None


def check_origin() -> None:
    """Refuses a form that a browser says comes from a site that may not embed it. Raises ForeignSite.

    Browsers say `null` on pages that forbid the referrer; there the form's token alone decides.
    """
    origin = request.headers.get("Origin")
    if origin in (None, "null"):
        return
    if origin not in (settings().base_url, request.host_url.rstrip("/"), *settings().embed_sites):
        raise ForeignSite("the form comes from a site that may not embed it")


def request_evidence() -> dict[str, str]:
    """What can be shown later of who pressed a button: address and browser of the request."""
    return {
        "ip": request.remote_addr or "",
        "user_agent": (request.user_agent.string or "")[:_LONGEST_USER_AGENT],
    }


def without_margins(value: str | None) -> str | None:
    """A field's filter: what was pasted with blanks around it, without them."""
    return value.strip() if value else value


class Deliverable:
    """A validator: the field holds an address that mail can be sent to."""

    def __call__(self, form: wtforms.Form, field: wtforms.StringField) -> None:
        try:
            deliverable(field.data or "")
        except InvalidAddress as error:
            raise wtforms.ValidationError(_l("Enter an e-mail address, for example name@example.com")) from error
