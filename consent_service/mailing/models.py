"""The outbox, and the mailings that fill its bulk lane."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import MailingId, MessageId, ProviderId, PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Language, LeftOut
from consent_service.mailing.audiences import LONGEST_AUDIENCE, Audience
from consent_service.mailing.rules import (
    AlarmKind,
    BounceKind,
    MailingState,
    MailKind,
    MessageState,
    Part,
    ReturnKind,
    TroubleKind,
)


class Mailing(Base):
    """One run to all who may be written to for a purpose; the worker fills its messages in chunks."""

    __tablename__ = "mailings"

    id: Mapped[MailingId] = mapped_column(primary_key=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))
    state: Mapped[MailingState] = mapped_column(index=True)
    audience: Mapped[Audience | None] = mapped_column(sa.String(LONGEST_AUDIENCE), index=True)  # None: no further limit
    filled_to: Mapped[SubjectId]  # the last person looked at
    is_filled: Mapped[bool]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    moved_at: Mapped[datetime | None]  # when something last went out, or it was resumed, give or take a minute


class MailingAlarm(Base):
    """What staff were warned of about a mailing, or what paused it; settled by resuming or cancelling it."""

    __tablename__ = "mailing_alarms"
    __table_args__ = (
        sa.Index(
            "uq_mailing_alarms_unsettled",
            "mailing_id",
            "kind",
            unique=True,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[MailingId] = mapped_column(sa.ForeignKey("mailings.id"), index=True)
    kind: Mapped[AlarmKind]
    at: Mapped[datetime]
    share: Mapped[float | None]  # of what was handed over, that came back
    is_pause: Mapped[bool]
    settled_at: Mapped[datetime | None] = mapped_column(index=True)


class MailingTemplate(Base):
    """A mailing's MIME in one language, built once, with slots for what differs from person to person."""

    __tablename__ = "mailing_templates"

    mailing_id: Mapped[MailingId] = mapped_column(sa.ForeignKey("mailings.id"), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(sa.Text)
    mime: Mapped[bytes] = mapped_column(sa.LargeBinary)


class Message(Base):
    """One person's copy, and where it stands on its way out."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint("mailing_id", "subject_id"),
        sa.Index(
            "ix_messages_waiting",
            "mailing_id",
            "provider_id",
            "not_before",
            "id",
            sqlite_where=sa.text("state IN ('queued', 'deferred')"),
            postgresql_where=sa.text("state IN ('queued', 'deferred')"),
        ),
        sa.Index(
            "ix_messages_leased",
            "lease_until",
            sqlite_where=sa.text("state IN ('claimed', 'handing')"),
            postgresql_where=sa.text("state IN ('claimed', 'handing')"),
        ),
        sa.Index(
            "ix_messages_failed",
            "mailing_id",
            "not_before",
            "id",
            sqlite_where=sa.text("state = 'failed'"),
            postgresql_where=sa.text("state = 'failed'"),
        ),
        # Without what workers have in hand: on its way out, a message comes and goes here once, and not three times.
        sa.Index(
            "ix_messages_at_rest",
            "mailing_id",
            "state",
            "id",
            sqlite_where=sa.text("state NOT IN ('claimed', 'handing')"),
            postgresql_where=sa.text("state NOT IN ('claimed', 'handing')"),
        ),
        sa.Index("ix_messages_subject_id", "subject_id"),
        sa.Index(
            "ix_messages_recipient",
            "recipient",
            sqlite_where=sa.text("recipient IS NOT NULL"),
            postgresql_where=sa.text("recipient IS NOT NULL"),
        ),
    )

    id: Mapped[MessageId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)  # in the Message-ID and the envelope sender
    kind: Mapped[MailKind]
    state: Mapped[MessageState]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[PublicId | None]  # fences off a worker whose lease has ended
    handed_over_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(sa.Text)
    left_out: Mapped[LeftOut | None]
    # The bulk lane: the content is the mailing's, the address is looked up at hand-over.
    mailing_id: Mapped[MailingId | None] = mapped_column(sa.ForeignKey("mailings.id"))
    subject_id: Mapped[SubjectId | None] = mapped_column(sa.ForeignKey("subjects.id"))
    provider_id: Mapped[ProviderId] = mapped_column(server_default=sa.text("0"))  # kept apart for it; 0: for none
    # The single lane: a whole mail, encrypted, to an address that need not be a person's yet.
    recipient: Mapped[str | None] = mapped_column(sa.String(254))
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary)


class MailingCount(Base):
    """How many of a mailing's messages stand where, as last counted; counting a million takes a while."""

    __tablename__ = "mailing_counts"

    mailing_id: Mapped[MailingId] = mapped_column(sa.ForeignKey("mailings.id"), primary_key=True)
    state: Mapped[MailingState]  # the mailing's, when it was counted
    messages: Mapped[dict[str, int]] = mapped_column(sa.JSON)  # by their state
    left_out: Mapped[dict[str, int]] = mapped_column(sa.JSON)  # of these, by the reason
    # Whom we knew at the start, but not for this purpose: they have no message. None: not counted at that time.
    unconcerned: Mapped[dict[str, int] | None] = mapped_column(sa.JSON(none_as_null=True))
    count_again_at: Mapped[datetime | None]  # None: it has ended


class MailingRetry(Base):
    """Somebody's word that failed messages shall go out again; the worker carries it out in chunks."""

    __tablename__ = "mailing_retries"

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[MailingId] = mapped_column(sa.ForeignKey("mailings.id"))
    kinds: Mapped[list[str]] = mapped_column(sa.JSON)
    retried_to: Mapped[MessageId]  # the last message looked at
    is_done: Mapped[bool] = mapped_column(index=True)


class MessageReturn(Base):
    """What came back about a message; the reporting server's own words, encrypted."""

    __tablename__ = "returns"
    __table_args__ = (
        sa.UniqueConstraint("message_id", "kind"),
        sa.Index("ix_returns_classification_at", "classification", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[MessageId] = mapped_column(sa.ForeignKey("messages.id"))
    kind: Mapped[ReturnKind]
    classification: Mapped[BounceKind | None]
    status: Mapped[str | None] = mapped_column(sa.String(16))  # RFC 3463
    at: Mapped[datetime]
    text: Mapped[bytes | None] = mapped_column(sa.LargeBinary)


class DeliveryTrouble(Base):
    """The latest trouble with a part that delivery needs, for staff to see; it names no person."""

    __tablename__ = "delivery_troubles"

    part: Mapped[Part] = mapped_column(primary_key=True)
    kind: Mapped[TroubleKind]
    since: Mapped[datetime]
    latest_at: Mapped[datetime]
    times: Mapped[int]
    reason: Mapped[str] = mapped_column(sa.Text)
    ended_at: Mapped[datetime | None]
