"""The list of people, a person's page, the proof, and ending what a person wants ended.

What is searched for is personal data: it is sent by POST and kept in the session, so that it stands in no
address, no log and no history, and going back to the list finds it as it was.
"""

import json
from datetime import datetime

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.inbound import words as inbox_words
from consent_service.localisation import current_language
from consent_service.mailing import service as mailing
from consent_service.people import overview, queries, service, words
from consent_service.people.forms import LiftForm, SearchForm, WithdrawForm
from consent_service.people.printing import printable
from consent_service.people.queries import Person
from consent_service.people.rules import Reported, Search, SearchBy
from consent_service.people.service import LeavingRequest
from consent_service.staff.guard import actor, staff_blueprint
from consent_service.staff.paging import asked_place

blueprint = staff_blueprint("people", __name__, "/people")

_SEARCH = "people_search"


@blueprint.get("/")
def index() -> str:
    """A part of the list."""
    search = _current_search()
    form = SearchForm(formdata=None, term=search.term if search else "", by=search.by.value if search else None)
    with reading() as read:
        page = queries.page(read, search, asked_place())
        titles = overview.titles(read, current_language(), clock.now())
    return render_template("people/index.html", form=form, page=page, search=search, titles=titles)


@blueprint.post("/search")
def search() -> Response:
    """Remembers what to search for; nothing typed means everybody."""
    form = SearchForm()
    if not form.validate():
        flash(_("That is too long for an address or a name."), "warning")
        return redirect(url_for("people.index"), 303)
    session.pop(_SEARCH, None)
    wanted = Search(SearchBy(form.by.data), (form.term.data or "").strip())
    if wanted.prefix:
        session[_SEARCH] = [wanted.by.value, wanted.term]
        with transaction() as written:
            service.note_search(written, wanted.by, actor(), clock.now())
    return redirect(url_for("people.index"), 303)


def _current_search() -> Search | None:
    kept = session.get(_SEARCH)
    return Search(SearchBy(kept[0]), kept[1]) if kept else None


@blueprint.get("/<public_id>")
def person(public_id: str) -> str:
    """Everything about one person."""
    now = clock.now()
    with transaction() as written:
        who = service.look_at(written, PublicId(public_id), actor(), now)
    with reading() as read:
        seen = overview.overview(read, who, current_language(), now)
    return render_template(
        "people/person.html",
        seen=seen,
        person=who,
        words=words,
        inbox_words=inbox_words,
        language_of=current_language(),
    )


@blueprint.get("/<public_id>/proof")
def proof(public_id: str) -> str:
    """The proof as a page to print."""
    with transaction() as written:
        made = service.prove_by_id(written, PublicId(public_id), actor(), clock.now())
    return render_template(
        "people/proof.html", proof=printable(made), words=words, language_code=current_language().value
    )


@blueprint.get("/<public_id>/proof.json")
def proof_as_json(public_id: str) -> Response:
    """The proof as a file."""
    with transaction() as written:
        made = service.prove_by_id(written, PublicId(public_id), actor(), clock.now())
    return FlaskResponse(
        json.dumps(made, ensure_ascii=False, indent=2),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="proof-{made["person"]["id"]}.json"'},
    )


@blueprint.route("/<public_id>/withdraw", methods=["GET", "POST"])
def withdraw(public_id: str) -> str | tuple[str, int] | Response:
    """Ends purposes that a person told us to end."""
    now = clock.now()
    with reading() as read:
        who = queries.person(read, PublicId(public_id))
        purposes = overview.purposes_of(read, who, current_language(), now)
    form = WithdrawForm([purpose for purpose in purposes if purpose.can_leave])
    if request.method == "GET":
        return _withdraw_page(who, form)
    if not form.validate():
        return _withdraw_page(who, form), 400
    asked = LeavingRequest(
        codes=form.purposes.data or (),
        reported=Reported(form.reported.data),
        note=(form.note.data or "").strip(),
        actor=actor(),
    )
    with transaction() as written:
        ended = service.withdraw(written, who.public_id, asked, now)
    mailing.wait_until_not_in_hand(ended)
    flash(_("Ended. The person is not written to for this any more."), "success")
    return redirect(url_for("people.person", public_id=who.public_id), 303)


def _withdraw_page(who: Person, form: WithdrawForm) -> str:
    return render_template("people/withdraw.html", person=who, form=form)


@blueprint.route("/<public_id>/lift", methods=["GET", "POST"])
def lift(public_id: str) -> str | tuple[str, int] | Response:
    """Lets mail go again to an address that it came back from, with a reason."""
    with reading() as read:
        who = queries.person(read, PublicId(public_id))
        since = queries.bounced_since(read, who.id)
    form = LiftForm()
    if request.method == "GET":
        return _lift_page(who, form, since)
    if not form.validate():
        return _lift_page(who, form, since), 400
    with transaction() as written:
        lifted = service.lift_bounce(written, who.public_id, str(form.reason.data).strip(), actor(), clock.now())
    if lifted:
        flash(_("Lifted. The address is written to again."), "success")
    else:
        flash(_("Nothing was changed: no returned e-mail stands against this person any more."), "warning")
    return redirect(url_for("people.person", public_id=who.public_id), 303)


def _lift_page(who: Person, form: LiftForm, since: datetime | None) -> str:
    return render_template("people/lift.html", person=who, form=form, bounced_since=since)
