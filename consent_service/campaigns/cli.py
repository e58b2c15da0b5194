"""`consent-service campaign`: what the pages for staff do, at the command line."""

import json
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.campaigns import alarms, queries, service
from consent_service.campaigns.alarms import CampaignAlarm
from consent_service.campaigns.queries import Details
from consent_service.campaigns.rules import Act, Reach, Words
from consent_service.campaigns.service import Draft
from consent_service.database import reading, transaction
from consent_service.deliverability import queries as deliverability
from consent_service.deliverability.rules.findings import CampaignWarning
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language, LeftOut

campaign = AppGroup("campaign", help="Write, check and send mailings to all who may be written to for one purpose.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_number = click.argument("campaign_id", metavar="CAMPAIGN")
_text_file = click.Path(exists=True, dir_okay=False, path_type=Path)

_REASONS = {
    LeftOut.ERASED: "had their data deleted",
    LeftOut.NEVER_AGREED: "never agreed to this purpose",
    LeftOut.WITHDRAWN: "withdrew their consent",
    LeftOut.OBJECTED: "objected",
    LeftOut.SUPPRESSED: "have a blocked address",
}

_WARNINGS = {
    CampaignWarning.NEVER_CHECKED: "warning: nobody has checked yet whether mail arrives: consent-service check --dns",
    CampaignWarning.RED: "warning: the last deliverability check found something wrong: consent-service check --dns",
}


@campaign.command("list")
@click.option("--page", "number", type=click.IntRange(1), default=1, show_default=True, help="Twenty to a page.")
@_as_json
def list_campaigns(number: int, as_json: bool) -> None:
    """List the campaigns, newest first.

    Example: consent-service campaign list --json
    """
    with reading() as session:
        page = queries.page(session, number, clock.now())
    if as_json:
        _print_json([_facts(one) for one in page.campaigns])
        return
    for one in page.campaigns:
        click.echo(f"{one.public_id}  {one.state.value:<9}  {one.wording.code}  {one.subject}")
    if not page.campaigns:
        click.echo("There is no campaign here.", err=True)


@campaign.command("create")
@click.option("--purpose", required=True, help="The purpose's code, such as newsletter.")
@click.option("--subject-de", required=True, help="The German subject.")
@click.option("--body-de", required=True, type=_text_file, help="A file with the German text in Markdown.")
@click.option("--subject-en", help="The English subject.")
@click.option("--body-en", type=_text_file, help="A file with the English text in Markdown.")
@click.option("--dry-run", is_flag=True, help="Only say whether it is right.")
@_as_json
def create(
    purpose: str,
    subject_de: str,
    body_de: Path,
    subject_en: str | None,
    body_en: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Keep a draft and print its number. Texts may hold {{greeting}} and {{name}}.

    Example: consent-service campaign create --purpose newsletter --subject-de "Neues im Mai" --body-de mai.md
    """
    if (subject_en is None) != (body_en is None):
        raise click.UsageError("--subject-en and --body-en go together")
    texts = {Language.GERMAN: Words(subject_de, _read(body_de))}
    if subject_en is not None and body_en is not None:
        texts[Language.ENGLISH] = Words(subject_en, _read(body_en))
    draft = Draft(purpose, texts)
    if dry_run:
        with reading() as session:
            service.check_draft(session, draft, clock.now())
        click.echo("The draft is right; it was not kept.", err=True)
        return
    with transaction() as session:
        public_id = service.create(session, draft, OPERATOR, clock.now())
    _print_json({"campaign": public_id}) if as_json else click.echo(public_id)


@campaign.command("check")
@_number
@_as_json
def check(campaign_id: str, as_json: bool) -> None:
    """Say how many a campaign would reach now, and how many are left out and why.

    The digest stands for the words and the purpose's wording as they are now: give it to `campaign send
    --checked`, and nothing else is sent.

    Example: consent-service campaign check 0123456789abcdef0123456789abcdef
    """
    with reading() as session:
        found = queries.campaign(session, PublicId(campaign_id), clock.now())
        reach = queries.reach(session, found)
    if as_json:
        _print_json({**_reach(reach), "digest": found.digest})
        return
    for line in [*_said(reach), f"digest: {found.digest}"]:
        click.echo(line)


@campaign.command("send")
@_number
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--checked", metavar="DIGEST", help="Refuse what is not any more as `campaign check` has shown it.")
@click.option("--dry-run", is_flag=True, help="Only say whom it would reach.")
@_as_json
def send(campaign_id: str, yes: bool, checked: str | None, dry_run: bool, as_json: bool) -> None:
    """Say whom a campaign reaches, ask, and send it; the worker carries it out.

    Example: consent-service campaign send 0123456789abcdef0123456789abcdef --yes
    """
    public_id = PublicId(campaign_id)
    with reading() as session:
        found = queries.campaign(session, public_id, clock.now())
        reach = queries.reach(session, found)
        warning = deliverability.warning(session, reach.people)
    if Act.SEND not in found.acts:
        raise Refused("the campaign was sent already")
    click.echo(f"{found.subject} ({found.wording.code})", err=True)
    for line in _said(reach):
        click.echo(line, err=True)
    if warning:
        click.echo(_WARNINGS[warning], err=True)
    if as_json:
        _print_json({"campaign": public_id, "sent": not dry_run, **_reach(reach)})
    if dry_run:
        return
    if not yes:
        click.confirm("Send it now?", abort=True, err=True)
    with transaction() as session:
        service.send(session, public_id, checked or found.digest, OPERATOR, clock.now())
    click.echo("The campaign is being sent; `consent-service campaign status` shows how it goes.", err=True)


@campaign.command("pause")
@_number
def pause(campaign_id: str) -> None:
    """Let nothing more of a campaign begin; what is in hand still goes.

    Example: consent-service campaign pause 0123456789abcdef0123456789abcdef
    """
    _steer(campaign_id, Act.PAUSE, "The campaign is paused.")


@campaign.command("resume")
@_number
def resume(campaign_id: str) -> None:
    """Go on with a paused campaign.

    Example: consent-service campaign resume 0123456789abcdef0123456789abcdef
    """
    _steer(campaign_id, Act.RESUME, "The campaign goes on.")


@campaign.command("cancel")
@_number
@click.option("--yes", is_flag=True, help="Do not ask.")
def cancel(campaign_id: str, yes: bool) -> None:
    """End a campaign for good: who has not got the mail will not get it.

    Example: consent-service campaign cancel 0123456789abcdef0123456789abcdef --yes
    """
    if not yes:
        click.confirm("This cannot be undone. Cancel the campaign?", abort=True, err=True)
    _steer(campaign_id, Act.CANCEL, "The campaign is cancelled.")


@campaign.command("status")
@_number
@_as_json
def status(campaign_id: str, as_json: bool) -> None:
    """Say where a campaign stands and how many mails have gone.

    Example: consent-service campaign status 0123456789abcdef0123456789abcdef --json
    """
    with reading() as session:
        found = queries.campaign(session, PublicId(campaign_id), clock.now())
        warned_of = alarms.of_campaign(session, found.public_id)
    facts = _facts(found)
    facts |= {f"{'paused_for' if one.is_pause else 'alarm_for'}_{one.kind.value}": _when(one) for one in warned_of}
    if as_json:
        _print_json(facts)
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")


@campaign.command("test")
@_number
@click.argument("address")
def test(campaign_id: str, address: str) -> None:
    """Mail a campaign to one address, in each of its languages; its unsubscribe link ends nothing.

    Example: consent-service campaign test 0123456789abcdef0123456789abcdef anna@example.org
    """
    with transaction() as session:
        mails = service.send_test(session, PublicId(campaign_id), address, OPERATOR, clock.now())
    click.echo(f"{mails} test mail(s) are on their way.", err=True)


def _steer(campaign_id: str, act: Act, done: str) -> None:
    with transaction() as session:
        service.steer(session, PublicId(campaign_id), act, OPERATOR, clock.now())
    click.echo(done, err=True)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: must be text in UTF-8") from error


def _facts(found: Details) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "campaign": found.public_id,
        "state": found.state.value,
        "purpose": found.wording.code,
        "subject": found.subject,
        "languages": [language.value for language in found.texts],
        "changed_at": found.changed_at.isoformat(),
    }
    if found.progress is not None:
        facts |= {state.value: number for state, number in sorted(found.progress.by_state.items())}
        facts |= {"started_at": found.progress.started_at.isoformat(), "is_gathered": found.progress.is_filled}
    return facts


def _when(alarm: CampaignAlarm) -> str:
    share = f" ({alarm.share:.2%})" if alarm.share is not None else ""
    return f"{alarm.at.isoformat()}{share}"


def _reach(reach: Reach) -> dict[str, Any]:
    return {"reaches": reach.people, "left_out": {reason.value: number for reason, number in reach.left_out.items()}}


def _said(reach: Reach) -> list[str]:
    return [
        f"would reach now: {reach.people}",
        *(f"left out: {number} {_REASONS[reason]}" for reason, number in reach.left_out.items()),
    ]


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
