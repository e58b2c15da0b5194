"""Taking a list out of the house: who may get which one, and the record of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId, PurposeId, new_public_id
from consent_service.exports import queries
from consent_service.exports.models import Export
from consent_service.exports.queries import Among, Chosen
from consent_service.exports.rules import LONGEST_REASON, ExportFormat
from consent_service.notice import queries as notice


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which list is wanted; `third_party` None: for the organisation itself; `among`: of these people only."""

    purpose_code: str
    third_party: str | None
    among: Among | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Which list is wanted, as what, and why."""

    criteria: Criteria
    format: ExportFormat
    reason: str


@dataclass(frozen=True, slots=True)
class Begun:
    """An export that is on record and has not left yet."""

    public_id: PublicId
    chosen: Chosen
    format: ExportFormat


def third_parties(session: Session, purpose_id: PurposeId) -> list[str]:
    """The recipients that any wording of a purpose has named."""
    return sorted({name for one in notice.all_wordings(session, purpose_id) for name in one.third_parties})


def count(session: Session, criteria: Criteria, at: datetime) -> int:
    """How many people the list would hold. Raises NotFound (purpose) and Refused (recipient)."""
    return queries.count(session, _chosen(session, criteria, at))


def begin(session: Session, request: Request, actor: str, at: datetime) -> Begun:
    """Records an export before its first byte leaves; `at` is aware.

    Raises NotFound where there is no such purpose, Refused where no consent can name this recipient or where
    no reason is given.
    """
    chosen = _chosen(session, request.criteria, at)
    export = Export(
        purpose_id=chosen.purpose_id,
        about=chosen.among.label if chosen.among else None,
        format=request.format,
        third_party=request.criteria.third_party,
        reason=request.reason,
    )
    details = {"purpose": request.criteria.purpose_code, "third_party": request.criteria.third_party}
    return Begun(_record(session, export, details, actor, at), chosen, request.format)


def begin_other(session: Session, about: str, wanted: ExportFormat, reason: str, actor: str, at: datetime) -> PublicId:
    """Records an export of something else than people to write to, before its first byte leaves; `at` is aware.

    `about` says what it is, and names nobody. Raises Refused without a reason.
    """
    export = Export(about=about, format=wanted, reason=reason)
    return _record(session, export, {}, actor, at)


def _record(session: Session, export: Export, details: Mapping[str, str | None], actor: str, at: datetime) -> PublicId:
    export.reason = export.reason.strip()
    if not export.reason or len(export.reason) > LONGEST_REASON:
        raise Refused(f"an export needs a reason of at most {LONGEST_REASON} characters")
    export.public_id, export.requested_by, export.started_at = new_public_id(), actor, at
    session.add(export)
    audit.record(
        session,
        at=at,
        actor=actor,
        action=Action.EXPORTED,
        target=export.public_id,
        details={**details, "format": export.format.value, "about": export.about},
    )
    return export.public_id


def _chosen(session: Session, criteria: Criteria, at: datetime) -> Chosen:
    """The purpose, and for a third party the wordings that name it: nobody else's data goes there (GDPR Art. 6)."""
    purpose_id = notice.purpose(session, criteria.purpose_code, at).purpose_id
    if criteria.third_party is None:
        return Chosen(purpose_id, among=criteria.among)
    wordings = notice.all_wordings(session, purpose_id)
    naming = [wording.version_id for wording in wordings if criteria.third_party in wording.third_parties]
    if not naming:
        raise Refused(f"no wording of {criteria.purpose_code!r} names this recipient")
    return Chosen(purpose_id, naming, criteria.among)


def finish(session: Session, public_id: PublicId, rows: int, sha256: str, at: datetime) -> None:
    """Completes the record, once the last byte has left; `at` is aware."""
    session.execute(
        sa.update(Export).where(Export.public_id == public_id).values(finished_at=at, rows=rows, sha256=sha256)
    )
