"""Seminars, their dates, words and questions; who has registered; and the messages to all of them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import (
    MessageId,
    PublicId,
    SeatId,
    SeminarDateId,
    SeminarId,
    SeminarNoticeId,
    SubjectId,
)
from consent_service.domain.kinds import Channel, Language
from consent_service.seminars.rules import QuestionKind, SeatState, SeminarState, Venue


class Seminar(Base):
    """One seminar or webinar. Its row is what all who change its places lock first."""

    __tablename__ = "seminars"

    id: Mapped[SeminarId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    state: Mapped[SeminarState]
    venue: Mapped[Venue]
    address: Mapped[str | None] = mapped_column(sa.String(500))
    join_url: Mapped[str | None] = mapped_column(sa.String(500))
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    capacity: Mapped[int | None]
    waiting_capacity: Mapped[int]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    cut_off_hours: Mapped[int]
    leads: Mapped[list[str]] = mapped_column(sa.JSON)  # when to remind: values of rules.Lead
    contact: Mapped[str] = mapped_column(sa.String(254))
    starts_at: Mapped[datetime] = mapped_column(index=True)  # of the first date
    ends_at: Mapped[datetime] = mapped_column(index=True)  # of the last date
    sequence: Mapped[int]  # counts changes, for calendars (RFC 5545 section 3.8.7.4)
    next_position: Mapped[int]  # in the order of confirmation
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(sa.String(254))
    changed_at: Mapped[datetime]


class SeminarText(Base):
    """What a seminar is called and about, in one language; the description is Markdown."""

    __tablename__ = "seminar_texts"

    seminar_id: Mapped[SeminarId] = mapped_column(sa.ForeignKey("seminars.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text)


class SeminarDate(Base):
    """One time at which a seminar takes place; calendars know it by its public id."""

    __tablename__ = "seminar_dates"

    id: Mapped[SeminarDateId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    seminar_id: Mapped[SeminarId] = mapped_column(sa.ForeignKey("seminars.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class SeminarQuestion(Base):
    """An extra question of the form; `words` holds label, reason and choices by language."""

    __tablename__ = "seminar_questions"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[PublicId] = mapped_column(unique=True)
    seminar_id: Mapped[SeminarId] = mapped_column(sa.ForeignKey("seminars.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    kind: Mapped[QuestionKind]
    required: Mapped[bool]
    words: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class SeminarRequest(Base):
    """Which seminar an unconfirmed registration is for, and what was answered; gone with the registration."""

    __tablename__ = "seminar_requests"

    registration: Mapped[PublicId] = mapped_column(
        sa.ForeignKey("registrations.public_id", ondelete="CASCADE"), primary_key=True
    )
    seminar_id: Mapped[SeminarId] = mapped_column(sa.ForeignKey("seminars.id", ondelete="CASCADE"), index=True)
    answers: Mapped[dict[str, str]] = mapped_column(sa.JSON)


class Seat(Base):
    """A person who has confirmed, and what they have: a place, a wait, or neither any more."""

    __tablename__ = "seminar_seats"
    __table_args__ = (
        sa.UniqueConstraint("seminar_id", "subject_id"),
        sa.Index("ix_seminar_seats_seminar_id_state_position", "seminar_id", "state", "position"),
        sa.Index("ix_seminar_seats_subject_id", "subject_id"),
    )

    id: Mapped[SeatId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    seminar_id: Mapped[SeminarId] = mapped_column(sa.ForeignKey("seminars.id", ondelete="CASCADE"))
    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"))
    state: Mapped[SeatState]
    position: Mapped[int]
    language: Mapped[Language]
    channel: Mapped[Channel]  # LINK: by double opt-in; STAFF: added at the door
    registration: Mapped[PublicId | None]
    confirmed_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]  # since when there is a place
    cancelled_at: Mapped[datetime | None]
    attended_at: Mapped[datetime | None]
    sequence: Mapped[int]  # counts cancellations and returns, for calendars; added to the seminar's
    answers: Mapped[dict[str, str]] = mapped_column(sa.JSON)


class SeminarNotice(Base):
    """A message to all of a seminar that the worker sends out; `key` tells several of a kind apart."""

    __tablename__ = "seminar_notices"
    __table_args__ = (
        sa.UniqueConstraint("seminar_id", "kind", "key"),
        sa.Index(
            "ix_seminar_notices_unfinished",
            "id",
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        ),
    )

    id: Mapped[SeminarNoticeId] = mapped_column(primary_key=True)
    seminar_id: Mapped[SeminarId] = mapped_column(sa.ForeignKey("seminars.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(32))
    key: Mapped[str] = mapped_column(sa.String(64))
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class SeminarNoticeCopy(Base):
    """One person's copy of a notice. Its key is what makes each go out once, whoever tries how often."""

    __tablename__ = "seminar_notice_copies"

    notice_id: Mapped[SeminarNoticeId] = mapped_column(
        sa.ForeignKey("seminar_notices.id", ondelete="CASCADE"), primary_key=True
    )
    seat_id: Mapped[SeatId] = mapped_column(
        sa.ForeignKey("seminar_seats.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    message_id: Mapped[MessageId]
