"""The staff pages of limits: what may go where how fast, and why; set, lift, warm up."""

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.extensions import settings
from consent_service.limits import queries, steering
from consent_service.limits.forms import LimitsForm, NewLimitForm, WarmUpForm
from consent_service.limits.rules import Limits
from consent_service.staff.guard import actor, staff_blueprint

blueprint = staff_blueprint("limits", __name__, "/limits")
Answer = str | Redirect | tuple[str, int]


@blueprint.get("/")
def index() -> str:
    """All providers with their limits, and what may leave from our domain."""
    with reading() as session:
        providers = queries.providers(session)
        sender = queries.sender(session, settings().sending_domain, clock.now())
    return render_template("limits/index.html", providers=providers, sender=sender)


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """Limits for a domain or provider by its name."""
    form = NewLimitForm()
    if not form.is_submitted():
        return render_template("limits/edit.html", form=form, title=_("Limit a domain"))
    if not form.validate():
        return render_template("limits/edit.html", form=form, title=_("Limit a domain")), 400
    try:
        with transaction() as session:
            steering.limit_provider(session, str(form.name.data), form.limits, actor(), clock.now())
    except Refused:
        form.name.errors = [_("Enter a domain such as example.org, or a provider's name from the list")]
        return render_template("limits/edit.html", form=form, title=_("Limit a domain")), 400
    return _done(_("The limits are saved."))


@blueprint.route("/<int:provider_id>", methods=["GET", "POST"])
def edit(provider_id: int) -> Answer:
    """Changes the limits of a provider."""
    with reading() as session:
        provider = queries.provider(session, provider_id)
    form = _limits_form(provider.limits)
    if not form.is_submitted():
        return render_template("limits/edit.html", form=form, title=provider.name)
    if not form.validate():
        return render_template("limits/edit.html", form=form, title=provider.name), 400
    with transaction() as session:
        steering.limit_provider(session, provider.name, form.limits, actor(), clock.now())
    return _done(_("The limits are saved."))


@blueprint.route("/sender", methods=["GET", "POST"])
def sender() -> Answer:
    """Changes what may leave from our domain."""
    domain = settings().sending_domain
    with reading() as session:
        form = _limits_form(queries.sender(session, domain, clock.now()).limits)
    if not form.is_submitted():
        return render_template("limits/edit.html", form=form, title=domain)
    if not form.validate():
        return render_template("limits/edit.html", form=form, title=domain), 400
    with transaction() as session:
        steering.limit_sender(session, domain, form.limits, actor(), clock.now())
    return _done(_("The limits are saved."))


@blueprint.post("/<int:provider_id>/pause")
def pause(provider_id: int) -> Answer:
    """Lets nothing more of campaigns go to a provider."""
    with transaction() as session:
        name = queries.provider(session, provider_id).name
        steering.pause_provider(session, name, actor(), clock.now())
    return _done(_("Campaigns do not go to %(provider)s any more.", provider=name))


@blueprint.post("/<int:provider_id>/lift")
def lift(provider_id: int) -> Answer:
    """Ends a pause or a back-off."""
    try:
        with transaction() as session:
            name = queries.provider(session, provider_id).name
            steering.lift(session, name, actor(), clock.now())
    except Refused:
        flash(_("Nothing was changed: it was lifted meanwhile."), "warning")
        return redirect(url_for("limits.index"), 303)
    return _done(_("Campaigns go to %(provider)s again, at full speed.", provider=name))


@blueprint.route("/warm-up", methods=["GET", "POST"])
def warm_up() -> Answer:
    """Begins a warm-up plan for our domain."""
    form = WarmUpForm()
    domain = settings().sending_domain
    if not form.is_submitted():
        return render_template("limits/warm_up.html", form=form, domain=domain)
    if not form.validate():
        return render_template("limits/warm_up.html", form=form, domain=domain), 400
    with transaction() as session:
        steering.warm_up(session, domain, form.first.data, form.until.data, actor(), clock.now())
    return _done(_("The warm-up has begun."))


@blueprint.post("/warm-up/end")
def end_warm_up() -> Answer:
    """Ends the plan before it is done."""
    try:
        with transaction() as session:
            steering.end_warm_up(session, settings().sending_domain, actor(), clock.now())
    except Refused:
        flash(_("Nothing was changed: the warm-up has ended already."), "warning")
        return redirect(url_for("limits.index"), 303)
    return _done(_("The warm-up is ended."))


def _limits_form(limits: Limits) -> LimitsForm:
    """The form as sent, or as the limits are."""
    values = {"per_second": limits.per_second, "per_hour": limits.per_hour, "connections": limits.connections}
    return LimitsForm(data=values)


def _done(said: str) -> Redirect:
    flash(said, "success")
    return redirect(url_for("limits.index"), 303)
