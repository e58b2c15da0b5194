"""Reads of purposes, wordings and notices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from consent_service.database import UtcDateTime
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import NoticeId, PurposeId, PurposeVersionId
from consent_service.domain.kinds import Language, LegalBasis
from consent_service.extensions import settings
from consent_service.notice.models import Notice, NoticeText, Purpose, PurposeText, PurposeVersion
from consent_service.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Words:
    """A purpose's title and exact wording in one language."""

    title: str
    wording: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a purpose, with its words in every language."""

    purpose_id: PurposeId
    code: str
    basis: LegalBasis
    offered: bool
    version_id: PurposeVersionId
    number: int
    valid_from: datetime
    digest: bytes
    third_parties: tuple[str, ...]
    words: dict[Language, Words]

    @property
    def reference(self) -> str:
        """How a form names this very wording: the purpose's code and the version's number."""
        return f"{self.code}:{self.number}"

    def title(self, language: Language) -> str:
        """The purpose's name."""
        return self.words[language].title


@dataclass(frozen=True, slots=True)
class PrivacyNotice:
    """One edition of the privacy notice, in every language, in Markdown."""

    id: NoticeId
    number: int
    valid_from: datetime
    digest: bytes
    bodies: dict[Language, str]


@dataclass(frozen=True, slots=True)
class InForce:
    """What the public forms show at a moment: the wordings that one may agree to, in their order, and the notice."""

    offered: tuple[Wording, ...]
    notice: PrivacyNotice


_AT = sa.bindparam("at", type_=UtcDateTime())
_LISTED = (
    sa.select(PurposeVersion.id, Purpose.offered)
    .join(Purpose, PurposeVersion.purpose_id == Purpose.id)
    .order_by(Purpose.position, Purpose.id, PurposeVersion.number)
)
_candidate = aliased(PurposeVersion)
_version_in_force = (
    sa.select(_candidate.id)
    .where(_candidate.purpose_id == Purpose.id, _candidate.valid_from <= _AT)
    .order_by(_candidate.number.desc())
    .limit(1)
    .correlate(Purpose)
    .scalar_subquery()
)
_CURRENT = Prepared(_LISTED.where(PurposeVersion.id == _version_in_force))
_notice_in_force = sa.select(Notice.id).where(Notice.valid_from <= _AT).order_by(Notice.number.desc()).limit(1)
_CURRENT_NOTICE = Prepared(_notice_in_force)
_IN_FORCE = Prepared(
    sa.select(Notice.id, _version_in_force)
    .outerjoin_from(Notice, Purpose, Purpose.offered.is_(True))
    .where(Notice.id == _notice_in_force.scalar_subquery())
    .order_by(Purpose.position, Purpose.id)
)


def current_wordings(session: Session, at: datetime) -> Sequence[Wording]:
    """The version of each purpose that is in force at `at` (aware), in their order on the form."""
    return _wordings(session, _CURRENT.all(session, {"at": at}))


def wordings(session: Session, versions: Sequence[PurposeVersionId]) -> dict[PurposeVersionId, Wording]:
    """These very versions, whether or not still in force."""
    found = _wordings(session, session.execute(_LISTED.where(PurposeVersion.id.in_(versions))))
    return {wording.version_id: wording for wording in found}


def all_wordings(session: Session, purpose_id: PurposeId) -> Sequence[Wording]:
    """Every version that a purpose has had."""
    return _wordings(session, session.execute(_LISTED.where(PurposeVersion.purpose_id == purpose_id)))


def _wordings(session: Session, listed: Iterable[tuple[PurposeVersionId, bool]]) -> Sequence[Wording]:
    return [_as_offered(_version(session, version), is_offered) for version, is_offered in list(listed)]


def _as_offered(wording: Wording, is_offered: bool) -> Wording:
    return wording if wording.offered is is_offered else replace(wording, offered=is_offered)


# A version never changes once it is published, so every process reads each one once.
_versions: dict[tuple[str, PurposeVersionId], Wording] = {}
_notices: dict[tuple[str, NoticeId], PrivacyNotice] = {}


def _version(session: Session, version_id: PurposeVersionId) -> Wording:
    key = (settings().database_url, version_id)
    if key not in _versions:
        purpose, version = session.execute(
            sa.select(Purpose, PurposeVersion)
            .join(PurposeVersion, PurposeVersion.purpose_id == Purpose.id)
            .where(PurposeVersion.id == version_id)
        ).one()
        texts = session.execute(sa.select(PurposeText).where(PurposeText.version_id == version_id)).scalars()
        _versions[key] = Wording(
            purpose_id=purpose.id,
            code=purpose.code,
            basis=purpose.basis,
            offered=purpose.offered,
            version_id=version.id,
            number=version.number,
            valid_from=version.valid_from,
            digest=version.digest,
            third_parties=tuple(version.third_parties),
            words={text.language: Words(text.title, text.wording) for text in texts},
        )
    return _versions[key]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is in force, and the rows that say so."""

    rows: list[tuple[NoticeId, PurposeVersionId]]
    in_force: InForce


_seen: dict[str, _Seen] = {}


def in_force(session: Session, at: datetime) -> InForce:
    """What is in force at `at` (aware). Raises NotFound before the first texts were published."""
    rows = _IN_FORCE.all(session, {"at": at})
    seen = _seen.get(settings().database_url)
    if seen is None or seen.rows != rows:
        offered = [_as_offered(_version(session, version), True) for _, version in rows if version is not None]
        seen = _seen[settings().database_url] = _Seen(rows, InForce(tuple(offered), current_notice(session, at)))
    return seen.in_force


def in_force_when_last_read() -> InForce | None:
    """What `in_force` found when this process last asked; whether it still holds, only `in_force` knows."""
    seen = _seen.get(settings().database_url)
    return seen.in_force if seen else None


def purpose_ids(session: Session) -> frozenset[PurposeId]:
    """Every purpose that there is."""
    return frozenset(session.execute(sa.select(Purpose.id)).scalars())


def purpose(session: Session, code: str, at: datetime) -> Wording:
    """The version in force of the purpose with this code. Raises NotFound."""
    for wording in current_wordings(session, at):
        if wording.code == code:
            return wording
    raise NotFound(f"there is no purpose {code!r}")


def current_notice(session: Session, at: datetime) -> PrivacyNotice:
    """The notice in force at `at` (aware). Raises NotFound before the first was published."""
    return _notice(session, _CURRENT_NOTICE.first(session, {"at": at}))


def notice(session: Session, number: int) -> PrivacyNotice:
    """The edition with this number. Raises NotFound."""
    return _notice(session, session.execute(sa.select(Notice.id).where(Notice.number == number)).one_or_none())


def notice_numbers(session: Session) -> dict[NoticeId, int]:
    """The number of each edition."""
    return {row.id: row.number for row in session.execute(sa.select(Notice.id, Notice.number))}


def _notice(session: Session, found: tuple[NoticeId] | None) -> PrivacyNotice:
    if found is None:
        raise NotFound("there is no such privacy notice; publish texts first")
    (notice_id,) = found
    key = (settings().database_url, notice_id)
    if key not in _notices:
        row = session.execute(sa.select(Notice).where(Notice.id == notice_id)).scalar_one()
        bodies = session.execute(sa.select(NoticeText).where(NoticeText.notice_id == notice_id)).scalars()
        texts = {text.language: text.body for text in bodies}
        _notices[key] = PrivacyNotice(row.id, row.number, row.valid_from, row.digest, texts)
    return _notices[key]
