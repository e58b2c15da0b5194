"""Marketing settings. With a link from an old mail one can only withdraw; a fresh one opens everything (I7)."""

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.errors import FreshLinkNeeded
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Channel
from consent_service.localisation import current_language
from consent_service.mailing import service as mailing
from consent_service.preferences import queries, service
from consent_service.preferences.forms import AskForLinkForm, NameForm
from consent_service.preferences.queries import Person
from consent_service.preferences.rules import Power
from consent_service.preferences.sections import sections
from consent_service.public_forms import check_origin, request_evidence
from consent_service.public_side import PublicBlueprint, limited

blueprint = PublicBlueprint("preferences", __name__)


@blueprint.get("/settings")
def ask() -> str:
    """The form that mails a fresh link to whoever asks."""
    return render_template("preferences/ask.html", form=AskForLinkForm())


@blueprint.post("/settings")
@limited
def mail_link() -> tuple[str, int]:
    """Takes the request; says the same whether or not the address is known (design I8)."""
    check_origin()
    form = AskForLinkForm(request.form)
    if not form.validate():
        return render_template("preferences/ask.html", form=form), 400
    with transaction() as session:
        service.ask_for_link(session, form.email.data or "", current_language(), request_evidence(), clock.now())
    return render_template("preferences/check_your_mail.html", again=form, address=form.email.data), 200


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who came by which kind of link."""

    person: Person
    power: Power


def _holder(token: str) -> _Holder:
    public_id, power = _read(token)
    with reading() as session:
        return _Holder(queries.person(session, public_id), power)


def _read(token: str) -> tuple[PublicId, Power]:
    found = links.read_settings(token)
    return found.identifier, Power.EVERYTHING if found.is_fresh else Power.WITHDRAW


def _owner(token: str) -> Person:
    """The holder of a fresh link. Raises FreshLinkNeeded for any other."""
    holder = _holder(token)
    if holder.power is not Power.EVERYTHING:
        raise FreshLinkNeeded("this needs a settings link that was just mailed")
    return holder.person


@blueprint.get("/settings/<token>")
def settings(token: str) -> str:
    """Each purpose with its state; with a fresh link also the history, the name, and giving anew."""
    holder = _holder(token)
    return _page(token, holder, NameForm(name=holder.person.name))


def _page(token: str, holder: _Holder, form: NameForm) -> str:
    fresh = holder.power is Power.EVERYTHING
    with reading() as session:
        choices = queries.choices(session, holder.person.id, current_language(), clock.now())
        history = queries.happenings(session, holder.person.id, current_language()) if fresh else ()
        more = sections(session, holder.person.id) if fresh else ()
    return render_template(
        "preferences/settings.html",
        token=token,
        fresh=fresh,
        person=holder.person if fresh else None,
        choices=choices,
        history=history,
        sections=more,
        form=form,
        done=request.args.get("done"),
    )


@blueprint.post("/settings/<token>/withdraw")
def withdraw(token: str) -> Response:
    """Ends one purpose, or with `everything` all of them."""
    check_origin()
    person = _holder(token).person
    now = clock.now()
    with transaction() as session:
        if request.form.get("purpose") == "everything":
            service.leave_everything(session, person.id, Channel.LINK, request_evidence(), now)
        else:
            purpose = queries.purpose_id(session, request.form.get("purpose", ""), now)
            service.leave(session, person.id, [purpose], Channel.LINK, request_evidence(), now)
    mailing.wait_until_not_in_hand(person.id)
    return redirect(url_for("preferences.settings", token=token, done="withdrawn"), 303)


@blueprint.post("/settings/<token>/give")
@limited
def give(token: str) -> Response:
    """Starts a double opt-in for one purpose."""
    check_origin()
    person = _owner(token)
    with transaction() as session:
        service.ask_again(session, person.id, [request.form.get("purpose", "")], request_evidence(), clock.now())
    return redirect(url_for("preferences.settings", token=token, done="asked"), 303)


@blueprint.post("/settings/<token>/name")
def rename(token: str) -> Response | tuple[str, int]:
    """Changes the person's name (GDPR Art. 16)."""
    check_origin()
    person = _owner(token)
    form = NameForm(request.form)
    if not form.validate():
        return _page(token, _Holder(person, Power.EVERYTHING), form), 400
    with transaction() as session:
        service.rename(session, person.id, form.name.data)
    return redirect(url_for("preferences.settings", token=token, done="renamed"), 303)
