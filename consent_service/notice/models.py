"""Purposes, their versions and texts, and the privacy notices. Versions are never edited, only followed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base, Digest
from consent_service.domain.identifiers import NoticeId, PurposeId, PurposeVersionId
from consent_service.domain.kinds import Language, LegalBasis


class Purpose(Base):
    """What a person may be written to for; one legal basis each."""

    __tablename__ = "purposes"

    id: Mapped[PurposeId] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(64), unique=True)
    basis: Mapped[LegalBasis]
    position: Mapped[int]
    offered: Mapped[bool]  # on the public sign-up form


class PurposeVersion(Base):
    """One edition of a purpose's wording; a consent is to a version."""

    __tablename__ = "purpose_versions"
    __table_args__ = (sa.UniqueConstraint("purpose_id", "number"),)

    id: Mapped[PurposeVersionId] = mapped_column(primary_key=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))
    number: Mapped[int]
    valid_from: Mapped[datetime]
    digest: Mapped[Digest]  # SHA-256 of texts and third parties
    third_parties: Mapped[list[str]] = mapped_column(sa.JSON)  # recipients that this wording names


class PurposeText(Base):
    """A version's words in one language."""

    __tablename__ = "purpose_texts"

    version_id: Mapped[PurposeVersionId] = mapped_column(sa.ForeignKey("purpose_versions.id"), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    wording: Mapped[str] = mapped_column(sa.Text)


class Notice(Base):
    """One edition of the privacy notice (GDPR Art. 13)."""

    __tablename__ = "notices"

    id: Mapped[NoticeId] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    valid_from: Mapped[datetime]
    digest: Mapped[Digest]


class NoticeText(Base):
    """A notice in one language, in Markdown."""

    __tablename__ = "notice_texts"

    notice_id: Mapped[NoticeId] = mapped_column(sa.ForeignKey("notices.id"), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(sa.Text)
