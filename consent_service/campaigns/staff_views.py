"""Campaigns for staff: write, look, try, check, send, and watch."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from consent_service import clock
from consent_service.campaigns import alarms, blocks, composing, queries, service
from consent_service.campaigns.forms import CampaignForm, TestMailForm
from consent_service.campaigns.queries import PER_PAGE, Details
from consent_service.campaigns.rules import Act
from consent_service.campaigns.service import ChangedSinceCheck
from consent_service.database import reading, transaction
from consent_service.deliverability import queries as deliverability
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.localisation import current_language
from consent_service.mailing import words
from consent_service.mailing.composition import Text
from consent_service.notice import queries as notice
from consent_service.staff.guard import actor, staff_blueprint
from consent_service.staff.paging import asked_page, number_of_pages

blueprint = staff_blueprint("campaigns", __name__, "/campaigns")
Answer = str | Redirect | tuple[str, int]

# The writer's own words in the mail's own styles: no script, no form, and nothing but pictures from elsewhere.
PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)


@blueprint.get("/")
def index() -> str:
    """All campaigns, newest first."""
    number = asked_page()
    with reading() as session:
        page = queries.page(session, number, clock.now())
    return render_template(
        "campaigns/index.html",
        page=page,
        number=number,
        pages=number_of_pages(page.total, PER_PAGE),
        language_of_titles=current_language(),
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """A new draft."""
    form = _form()
    if not form.is_submitted():
        return render_template("campaigns/edit.html", form=form, campaign=None)
    if not form.validate():
        return render_template("campaigns/edit.html", form=form, campaign=None), 400
    with transaction() as session:
        public_id = service.create(session, form.draft, actor(), clock.now())
    flash(_("The draft is saved. See how it looks, and send yourself a test mail."), "success")
    return redirect(url_for("campaigns.show", public_id=public_id), 303)


@blueprint.route("/<public_id>/edit", methods=["GET", "POST"])
def edit(public_id: PublicId) -> Answer:
    """Changes a draft."""
    campaign = _campaign(public_id)
    if Act.CHANGE not in campaign.acts:
        return _moved_on(public_id)
    form = _form(campaign)
    if not form.is_submitted():
        return render_template("campaigns/edit.html", form=form, campaign=campaign)
    if not form.validate():
        return render_template("campaigns/edit.html", form=form, campaign=campaign), 400
    with transaction() as session:
        service.change(session, public_id, form.draft, actor(), clock.now())
    flash(_("The changes are saved."), "success")
    return redirect(url_for("campaigns.show", public_id=public_id), 303)


@blueprint.get("/<public_id>")
def show(public_id: PublicId) -> str:
    """One campaign: how it looks, how it goes, and what can be done now."""
    return _show(_campaign(public_id), TestMailForm(formdata=None))


@blueprint.get("/<public_id>/preview/<language>")
def preview_html(public_id: PublicId, language: str) -> Response:
    """The mail's HTML as its reader sees it, for a frame; its policy lets nothing run."""
    campaign = _campaign(public_id)
    if language not in campaign.texts:
        raise NotFound("the campaign has no text in this language")
    response = make_response(_previews(campaign)[Language(language)].html)
    response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    return response


@blueprint.post("/<public_id>/test")
def test_mail(public_id: PublicId) -> Answer:
    """Mails the campaign to one address."""
    form = TestMailForm()
    if not form.validate():
        return _show(_campaign(public_id), form), 400
    with transaction() as session:
        service.send_test(session, public_id, str(form.address.data), actor(), clock.now())
    flash(_("The test mail is on its way to %(address)s.", address=form.address.data), "success")
    return redirect(url_for("campaigns.show", public_id=public_id), 303)


@blueprint.get("/<public_id>/check")
def check(public_id: PublicId) -> Answer:
    """How many it would reach now, and how many are left out and why, before it is sent."""
    campaign = _campaign(public_id)
    if Act.SEND not in campaign.acts:
        return _moved_on(public_id)
    with reading() as session:
        reach = queries.reach(session, campaign)
        warning = deliverability.warning(session, reach.people)
        filled = blocks.filled(session, campaign.texts, clock.now())
    if blocks.is_unfilled(filled):
        flash(
            _("A block names a seminar or survey that is not announced. Take it out, or publish it first."), "warning"
        )
        return redirect(url_for("campaigns.show", public_id=public_id), 303)
    return render_template(
        "campaigns/check.html",
        warning=warning,
        campaign=campaign,
        title=campaign.wording.title(current_language()),
        reach=reach,
    )


@blueprint.post("/<public_id>/send")
def send(public_id: PublicId) -> Answer:
    """Starts sending."""
    try:
        with transaction() as session:
            service.send(session, public_id, request.form.get("checked", ""), actor(), clock.now())
    except ChangedSinceCheck:
        flash(
            _(
                "Nothing was sent: the campaign, or the wording of its purpose, has changed since you checked it. "
                "This is how it is now."
            ),
            "warning",
        )
        return redirect(url_for("campaigns.check", public_id=public_id), 303)
    except Refused:
        return _moved_on(public_id)
    flash(_("The campaign is being sent."), "success")
    return redirect(url_for("campaigns.show", public_id=public_id), 303)


@blueprint.post("/<public_id>/pause")
def pause(public_id: PublicId) -> Answer:
    """Lets nothing more begin; what is in hand still goes."""
    return _steer(public_id, Act.PAUSE, _("The campaign is paused."))


@blueprint.post("/<public_id>/resume")
def resume(public_id: PublicId) -> Answer:
    """Goes on where it was paused."""
    return _steer(public_id, Act.RESUME, _("The campaign goes on."))


@blueprint.post("/<public_id>/cancel")
def cancel(public_id: PublicId) -> Answer:
    """Ends it for good."""
    return _steer(public_id, Act.CANCEL, _("The campaign is cancelled."))


@blueprint.post("/<public_id>/delete")
def delete(public_id: PublicId) -> Answer:
    """Throws a draft away."""
    try:
        with transaction() as session:
            service.delete(session, public_id, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(_("The draft is deleted."), "success")
    return redirect(url_for("campaigns.index"), 303)


def _steer(public_id: PublicId, act: Act, done: str) -> Answer:
    try:
        with transaction() as session:
            service.steer(session, public_id, act, actor(), clock.now())
    except Refused:
        return _moved_on(public_id)
    flash(done, "success")
    return redirect(url_for("campaigns.show", public_id=public_id), 303)


def _moved_on(public_id: PublicId) -> Redirect:
    """Somebody pressed a button of a page that is no longer true: show what is."""
    flash(_("Nothing was changed: the campaign has moved on meanwhile."), "warning")
    return redirect(url_for("campaigns.show", public_id=public_id), 303)


def _campaign(public_id: PublicId) -> Details:
    with reading() as session:
        return queries.campaign(session, public_id, clock.now())


def _previews(campaign: Details) -> dict[Language, Text]:
    with reading() as session:
        texts = blocks.filled(session, campaign.texts, clock.now())
    return {language: composing.preview(campaign.wording, language, words) for language, words in texts.items()}


def _show(campaign: Details, form: TestMailForm) -> str:
    with reading() as session:
        found = alarms.of_campaign(session, campaign.public_id)
    return render_template(
        "campaigns/show.html",
        campaign=campaign,
        alarms=found,
        title=campaign.wording.title(current_language()),
        previews=_previews(campaign),
        form=form,
        words=words,
    )


def _form(campaign: Details | None = None) -> CampaignForm:
    """The form as sent, or as the draft is."""
    values = {}
    if campaign is not None:
        values = {"purpose": campaign.wording.code}
        for language, words in campaign.texts.items():
            values[f"subject_{language.value}"], values[f"body_{language.value}"] = words.subject, words.body
    form = CampaignForm(data=values)
    with reading() as session:
        form.offer(notice.current_wordings(session, clock.now()), current_language())
        form.blocks = blocks.offered(session, current_language(), clock.now())
    return form
