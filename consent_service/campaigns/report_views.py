"""The report of a campaign for staff: what became of each message, a list of it, and sending failed ones again."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from consent_service import clock
from consent_service.campaigns import queries, report, service
from consent_service.campaigns.report_forms import ReportListForm, RetryForm
from consent_service.campaigns.rules import State
from consent_service.campaigns.staff_views import Answer, blueprint
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.exports.downloads import download
from consent_service.mailing import reporting, retrying, words
from consent_service.mailing.outcomes import MAY_GO_AGAIN, Outcome
from consent_service.staff.guard import actor
from consent_service.staff.paging import asked_place


@blueprint.get("/<public_id>/report")
def report_page(public_id: PublicId) -> str:
    """The numbers, and a part of the messages: all, or those with one outcome."""
    outcome = request.args.get("outcome")
    return _page(public_id, ReportListForm(Outcome(outcome) if outcome in list(Outcome) else None))


def _page(public_id: PublicId, form: ReportListForm) -> str:
    outcome = Outcome(form.outcome.data) if form.outcome.data in list(Outcome) else None
    with reading() as session:
        found = queries.sent(session, public_id, clock.now())
        page = reporting.page(session, found.mailing_id, outcome, asked_place())
    return render_template(
        "campaigns/report.html",
        campaign=found.campaign,
        progress=found.progress,
        page=page,
        outcome=outcome,
        outcomes=Outcome,
        form=form,
        words=words,
    )


@blueprint.post("/<public_id>/report/list")
def report_list(public_id: PublicId) -> Answer | Response:
    """The messages as a file, once the export is on record."""
    form, now = ReportListForm(), clock.now()
    if not form.validate():
        return _page(public_id, form), 400
    with transaction() as session:
        begun = report.begin(session, public_id, form.asked, actor(), now)
    return download(report.send(begun), begun.asked.format, f"campaign-{public_id[:8]}-{now:%Y-%m-%d}")


@blueprint.route("/<public_id>/report/retry", methods=["GET", "POST"])
def retry(public_id: PublicId) -> Answer:
    """Which messages failed, and why; and the word that some of them shall go again."""
    with reading() as session:
        found = queries.sent(session, public_id, clock.now())
        failed = retrying.failures(session, found.mailing_id)
    form = RetryForm(failed)
    if found.campaign.state is State.CANCELLED or not form.kinds.choices:
        return _nothing_to_retry(public_id)
    values = {"campaign": found.campaign, "failed": failed, "may_go_again": MAY_GO_AGAIN, "form": form, "words": words}
    if not form.is_submitted():
        return render_template("campaigns/retry.html", **values)
    if not form.validate():
        return render_template("campaigns/retry.html", **values), 400
    try:
        with transaction() as session:
            service.send_failed_again(session, public_id, form.chosen, actor(), clock.now())
    except Refused:
        return _nothing_to_retry(public_id)
    flash(_("They are being sent again. Who may not be written to any more is left out."), "success")
    return redirect(url_for("campaigns.report_page", public_id=public_id), 303)


def _nothing_to_retry(public_id: PublicId) -> Answer:
    flash(
        _(
            "Nothing was changed: no message is left that could be sent again. "
            "Where a mailbox does not exist, or the person was deleted, another try would not help."
        ),
        "warning",
    )
    return redirect(url_for("campaigns.report_page", public_id=public_id), 303)
