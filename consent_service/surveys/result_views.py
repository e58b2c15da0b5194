"""Results for staff: numbers, charts, free texts and exports; and the page of those that were published."""

from functools import partial

from flask import Response, abort, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from consent_service import charts, clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId
from consent_service.exports.downloads import download, marketing_list
from consent_service.localisation import current_language
from consent_service.notice import queries as notice
from consent_service.staff.guard import actor
from consent_service.surveys import exporting, queries, results, words
from consent_service.surveys.anonymity import BATCH, FEWEST_SHOWN
from consent_service.surveys.counting import Days
from consent_service.surveys.forms import ExportForm, FilterForm, SurveyMarketingForm
from consent_service.surveys.queries import Details
from consent_service.surveys.results import Results, Wanted
from consent_service.surveys.rules import Code, State
from consent_service.surveys.staff_views import blueprint
from consent_service.surveys.statistics import Figures, Share
from consent_service.surveys.views import blueprint as public


@blueprint.get("/<public_id>/results/")
def results_for_staff(public_id: PublicId) -> str:
    """The numbers, as they are now."""
    form = FilterForm(request.args)
    with reading() as session:
        survey = _survey(session, public_id)
        found = results.for_staff(session, survey, _wanted(form))
        numbers = queries.numbers(session, survey.id)
    form.offer(found.languages)
    form.language.data = found.wanted.language
    return render_template(
        "surveys/staff/results.html",
        form=form,
        numbers=numbers,
        batch=BATCH,
        fewest=FEWEST_SHOWN,
        chart="surveys_staff.chart",
        query=_query(found.wanted),
        **_values(survey, found),
    )


def _survey(session: Session, public_id: PublicId) -> Details:
    survey = queries.survey(session, public_id, clock.now())
    if survey.state is State.DRAFT:
        raise NotFound("a draft has no results")
    return survey


def _wanted(form: FilterForm) -> Wanted:
    form.validate()
    days = Days(*(None if field.errors else field.data for field in (form.first, form.last)))
    return Wanted(form.language.data or "", days)


def _query(wanted: Wanted) -> dict[str, str]:
    """The filter as part of an address."""
    given = {"language": wanted.language, "first": wanted.days.first, "last": wanted.days.last}
    return {name: str(value) for name, value in given.items() if value}


def _values(survey: Details, found: Results) -> dict[str, object]:
    language = current_language()
    return {
        "survey": survey,
        "results": found,
        "text": survey.text(language),
        "page_language": language,
        "words": words,
    }


@blueprint.get("/<public_id>/results/chart/<code>.svg")
def chart(public_id: PublicId, code: Code) -> Response:
    """One question's chart, as a picture."""
    with reading() as session:
        survey = _survey(session, public_id)
        found = results.for_staff(session, survey, _wanted(FilterForm(request.args)))
    return _picture(found.of(code), request.args.get("row", ""))


def _picture(figures: Figures, row: str) -> Response:
    shares: list[Share] = list((figures.rows or {}).get(row, ()) if row else figures.shares)
    if not shares:
        abort(404)
    language = current_language()
    values = [(figures.question.choice_words(share.value, language), share.number) for share in shares]
    return charts.picture(values, is_narrow="narrow" in request.args)


@blueprint.get("/<public_id>/results/texts/<code>")
def texts(public_id: PublicId, code: Code) -> str:
    """What was written, some at a time."""
    with reading() as session:
        survey = _survey(session, public_id)
        found = results.for_staff(session, survey, _wanted(FilterForm(request.args)))
        question = survey.question(code)
        page = results.texts(session, survey, found, question, request.args.get("after", ""))
    return render_template(
        "surveys/staff/texts.html",
        question=question,
        page=page,
        query=_query(found.wanted),
        **_values(survey, found),
    )


@blueprint.route("/<public_id>/results/export", methods=["GET", "POST"])
def export(public_id: PublicId) -> str | Response | tuple[str, int]:
    """Records an export, then sends it as it is read from the database."""
    wanted, form, now = _wanted(FilterForm(request.args)), ExportForm(), clock.now()
    with reading() as session:
        survey = _survey(session, public_id)
        found = results.for_staff(session, survey, wanted)
    values = {"form": form, "query": _query(found.wanted), **_values(survey, found)}
    if not form.is_submitted():
        return render_template("surveys/staff/export.html", **values)
    if not form.validate():
        return render_template("surveys/staff/export.html", **values), 400
    asked = exporting.Asked(found.wanted, form.chosen_format, form.reason.data or "")
    try:
        with transaction() as session:
            begun = exporting.begin(session, survey, asked, current_language(), actor(), now)
    except Refused:
        form.reason.errors = [_("There are no answers to export")]
        return render_template("surveys/staff/export.html", **values), 400
    return download(exporting.send(begun), asked.format, f"survey-{survey.public_id[:8]}-{now:%Y-%m-%d}")


@blueprint.route("/<public_id>/results/marketing", methods=["GET", "POST"])
def marketing(public_id: PublicId) -> str | Response | tuple[str, int]:
    """Those of the survey who may be written to: how many, and then the list (design I10)."""
    now = clock.now()
    with reading() as session:
        survey = _survey(session, public_id)
        form = SurveyMarketingForm(notice.current_wordings(session, now))
    return marketing_list(
        form,
        lambda: exporting.among(survey, exporting.Whom(form.whom.data)),
        partial(
            render_template,
            "surveys/staff/marketing.html",
            survey=survey,
            form=form,
            text=survey.text(current_language()),
        ),
    )


# --- For everybody, once the survey is over ---------------------------------------------------------------------------


@public.get("/<public_id>/results")
def public_results(public_id: PublicId) -> str:
    """The numbers, without free texts; published by staff."""
    survey, found = _public(public_id)
    return render_template("surveys/results.html", chart="surveys.public_chart", query={}, **_values(survey, found))


@public.get("/<public_id>/results/<code>.svg")
def public_chart(public_id: PublicId, code: Code) -> Response:
    """One question's chart."""
    found = _public(public_id)[1]
    return _picture(found.of(code), request.args.get("row", ""))


def _public(public_id: PublicId) -> tuple[Details, Results]:
    with reading() as session:
        survey = queries.published(session, public_id, clock.now())
        if not (survey.are_results_public and survey.is_finished):
            raise NotFound("the results are not public")
        return survey, results.for_everybody(session, survey)
