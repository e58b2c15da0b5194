"""`consent-service campaign report` and `retry`: what the report's page does, at the command line."""

import json
import sys

import click

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.campaigns import queries, report, service
from consent_service.campaigns.cli import campaign as campaign
from consent_service.campaigns.queries import Sent
from consent_service.campaigns.report import Asked
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.exports.rules import ExportFormat
from consent_service.mailing import retrying
from consent_service.mailing.outcomes import MAY_GO_AGAIN, FailureKind, Outcome

_number = click.argument("campaign_id", metavar="CAMPAIGN")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@campaign.command("report")
@_number
@click.option(
    "--format", "wanted", type=click.Choice([one.value for one in ExportFormat]), help="Print every message, as this."
)
@click.option(
    "--outcome", type=click.Choice([one.value for one in Outcome]), help="Only messages of which this became."
)
@click.option("--reason", help="What the list is for; it is kept with the record.")
@_as_json
def print_report(campaign_id: str, wanted: str | None, outcome: str | None, reason: str | None, as_json: bool) -> None:
    """Say how many messages were sent, left out (and why), refused, returned; or, with --format, list each.

    A list says when each message was handed over, what the server answered and as what it queued it, why a person
    was left out, and what came back. It holds addresses, so taking it out is recorded and needs a --reason.

    Example: consent-service campaign report 0123456789abcdef0123456789abcdef --format csv --outcome failed
    --reason "For the provider" > failed.csv
    """
    if (wanted is None) != (reason is None) or (outcome and not wanted):
        raise click.UsageError("--format and --reason go together, and --outcome goes with them")
    public_id = PublicId(campaign_id)
    if wanted is None or reason is None:
        _print_numbers(public_id, as_json)
        return
    asked = Asked(Outcome(outcome) if outcome else None, ExportFormat(wanted), reason)
    with transaction() as session:
        begun = report.begin(session, public_id, asked, OPERATOR, clock.now())
    for piece in report.send(begun):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    click.echo(f"Exported, and recorded as {begun.export}.", err=True)


def _print_numbers(public_id: PublicId, as_json: bool) -> None:
    with reading() as session:
        numbers = _numbers(queries.sent(session, public_id, clock.now()))
    if as_json:
        click.echo(json.dumps(numbers, ensure_ascii=False, indent=2))
        return
    for name, number in numbers.items():
        if isinstance(number, dict):
            for reason, people in number.items():
                click.echo(f"  {name.replace('_', ' ')}: {reason.replace('_', ' ')}: {people}")
        else:
            click.echo(f"{name.replace('_', ' ')}: {number}")


def _numbers(found: Sent) -> dict[str, object]:
    progress = found.progress
    return {
        "campaign": found.campaign.public_id,
        "state": progress.state.value,
        **{outcome.value: progress.number(outcome) for outcome in Outcome},
        "left_out_because": {reason.value: people for reason, people in progress.left_out.items()},
        "not_concerned": {reason.value: people for reason, people in (progress.unconcerned or {}).items()},
    }


@campaign.command("retry")
@_number
@click.option(
    "--because",
    "kinds",
    type=click.Choice([one.value for one in MAY_GO_AGAIN]),
    multiple=True,
    help="Only what failed for this reason; may be given several times.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what failed.")
@_as_json
def retry(campaign_id: str, kinds: tuple[str, ...], yes: bool, dry_run: bool, as_json: bool) -> None:
    """Send the failed messages of a campaign again; who may not be written to any more is left out.

    Example: consent-service campaign retry 0123456789abcdef0123456789abcdef --because policy --yes
    """
    public_id = PublicId(campaign_id)
    with reading() as session:
        failed = retrying.failures(session, queries.sent(session, public_id, clock.now()).mailing_id)
    chosen = [kind for kind in MAY_GO_AGAIN if kind in failed and (not kinds or kind in kinds)]
    if as_json:
        click.echo(json.dumps({"failed": failed, "again": sum(failed[kind] for kind in chosen)}, indent=2))
    else:
        _say_what_failed(failed, chosen)
    if dry_run:
        return
    if not chosen:
        raise Refused("nothing that failed for such a reason can go again")
    if not yes:
        click.confirm("Send them again?", abort=True, err=True)
    with transaction() as session:
        service.send_failed_again(session, public_id, chosen, OPERATOR, clock.now())
    click.echo("They are being sent again; `consent-service campaign status` shows how it goes.", err=True)


def _say_what_failed(failed: dict[FailureKind, int], chosen: list[FailureKind]) -> None:
    for kind, number in failed.items():
        click.echo(f"failed, {kind.value.replace('_', ' ')}: {number}{'' if kind in chosen else ' (stay)'}")
    click.echo(f"to be sent again: {sum(failed[kind] for kind in chosen)}")
