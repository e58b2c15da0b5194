"""Mails that came in."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base, Digest
from consent_service.domain.identifiers import InboundId, MessageId, PublicId, SubjectId
from consent_service.inbound.rules import InboundState, MailClass, Result, Way
from consent_service.mailing.rules import BounceKind


class InboundMessage(Base):
    """One mail that came in, however often; its content is encrypted, and deleted when its time is over."""

    __tablename__ = "inbound_messages"
    __table_args__ = (
        sa.Index(
            "ix_inbound_messages_received",
            "id",
            sqlite_where=sa.text("state = 'received'"),
            postgresql_where=sa.text("state = 'received'"),
        ),
        sa.Index("ix_inbound_messages_state_id", "state", "id"),
        sa.Index(
            "ix_inbound_messages_content",
            "handled_at",
            sqlite_where=sa.text("content IS NOT NULL"),
            postgresql_where=sa.text("content IS NOT NULL"),
        ),
        sa.Index("ix_inbound_messages_subject_id", "subject_id"),
        sa.Index("ix_inbound_messages_message_id", "message_id"),
        sa.Index("ix_inbound_messages_sender", "sender"),
    )

    id: Mapped[InboundId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    digest: Mapped[Digest] = mapped_column(unique=True)  # what makes it the same mail, whichever way it comes
    way: Mapped[Way]
    received_at: Mapped[datetime]
    size: Mapped[int]
    is_cut: Mapped[bool]
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    state: Mapped[InboundState]
    mail_class: Mapped[MailClass | None]
    result: Mapped[Result | None]
    handled_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(sa.String(100))  # its kind; an error's own words may name a person
    bounce: Mapped[BounceKind | None]
    status: Mapped[str | None] = mapped_column(sa.String(16))
    sender: Mapped[Digest | None]  # keyed, as suppressions are: for erasure
    subject_id: Mapped[SubjectId | None] = mapped_column(sa.ForeignKey("subjects.id"))
    message_id: Mapped[MessageId | None] = mapped_column(sa.ForeignKey("messages.id"))  # which it is about
    forwarded_as: Mapped[MessageId | None] = mapped_column(sa.ForeignKey("messages.id"))
