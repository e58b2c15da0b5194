"""Publishing purposes, wordings and notices from a file that an organisation keeps."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import Digest
from consent_service.domain.errors import Refused
from consent_service.domain.kinds import Language, LegalBasis
from consent_service.notice.models import Notice, NoticeText, Purpose, PurposeText, PurposeVersion
from consent_service.notice.rules import PurposeTexts, notice_digest


@dataclass(frozen=True, slots=True)
class Texts:
    """Everything that a file of texts holds, in its order."""

    purposes: tuple[PurposeTexts, ...]
    notice: dict[Language, str]


def read(document: str) -> Texts:
    """The texts of a TOML document, as docs/settings.md describes it. Raises Refused that says what is wrong."""
    try:
        content = tomllib.loads(document)
        purposes = tuple(_purpose(code, table) for code, table in content["purposes"].items())
        notice = {language: content["notice"][language.value]["body"].strip() for language in Language}
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise Refused(f"the file of texts is not complete: {error}") from error
    return Texts(purposes, notice)


def _purpose(code: str, table: dict[str, Any]) -> PurposeTexts:
    return PurposeTexts(
        code=code,
        basis=LegalBasis(table["basis"]),
        offered=bool(table["offered"]),
        third_parties=tuple(table.get("third_parties", ())),
        words={
            language: (table[language.value]["title"].strip(), table[language.value]["wording"].strip())
            for language in Language
        },
    )


def publish(session: Session, texts: Texts, at: datetime) -> list[str]:
    """Adds a new version of each text that differs from the one in force; returns what was published.

    Raises Refused where a purpose would change its legal basis: that is a new purpose.
    """
    published = [
        f"{purpose.code} version {number}"
        for position, purpose in enumerate(texts.purposes)
        if (number := _publish_purpose(session, purpose, position, at)) is not None
    ]
    number = _publish_notice(session, texts.notice, at)
    return published if number is None else [*published, f"privacy notice version {number}"]


def _publish_purpose(session: Session, texts: PurposeTexts, position: int, at: datetime) -> int | None:
    row = session.execute(sa.select(Purpose).where(Purpose.code == texts.code)).scalar_one_or_none()
    if row is None:
        row = Purpose(code=texts.code, basis=texts.basis)
        session.add(row)
    if row.basis != texts.basis:
        raise Refused(f"{texts.code}: a purpose keeps its legal basis; make it a purpose of its own")
    row.position, row.offered = position, texts.offered
    session.flush()
    newest = (
        session.execute(
            sa.select(PurposeVersion).where(PurposeVersion.purpose_id == row.id).order_by(PurposeVersion.number.desc())
        )
        .scalars()
        .first()
    )
    digest = Digest(texts.digest())
    if newest is not None and newest.digest == digest:
        return None
    version = PurposeVersion(
        purpose_id=row.id,
        number=newest.number + 1 if newest else 1,
        valid_from=at,
        digest=digest,
        third_parties=list(texts.third_parties),
    )
    session.add(version)
    session.flush()
    session.add_all(
        PurposeText(version_id=version.id, language=language, title=title, wording=wording)
        for language, (title, wording) in texts.words.items()
    )
    return version.number


def _publish_notice(session: Session, bodies: dict[Language, str], at: datetime) -> int | None:
    newest = session.execute(sa.select(Notice).order_by(Notice.number.desc())).scalars().first()
    digest = Digest(notice_digest(bodies))
    if newest is not None and newest.digest == digest:
        return None
    row = Notice(number=newest.number + 1 if newest else 1, valid_from=at, digest=digest)
    session.add(row)
    session.flush()
    session.add_all(NoticeText(notice_id=row.id, language=language, body=body) for language, body in bodies.items())
    return row.number
