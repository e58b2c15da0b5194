"""Reads for the list of people and for a person's page.

A page of the list is a range of an index, reached from the person that the page before ended with: at a
million people as fast as at ten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Language, SuppressionReason
from consent_service.domain.paging import Direction, Place
from consent_service.ledger import queries as ledger
from consent_service.people.rules import LAST_CHARACTER, Search, SearchBy
from consent_service.subjects.models import Subject
from consent_service.subjects.queries import suppressions

PEOPLE_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A person in the list; the time is aware, in UTC. Address and name are gone once the person was erased."""

    public_id: PublicId
    address: str | None
    name: str | None
    created_at: datetime
    active: frozenset[PurposeId]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list, and whether there is more on either side."""

    people: Sequence[Listed]
    has_more_before: bool
    has_more_after: bool


def page(session: Session, search: Search | None, place: Place | None, size: int = PEOPLE_PER_PAGE) -> Page:
    """The people found, in the order of what was searched for; without a search all, the newest first.

    A place whose person is not in the list (any more) is its beginning.
    """
    keys = _keys(search)
    ascending = search is not None
    anchor = _anchor(session, search, place)
    backwards = place is not None and anchor is not None and place.direction is Direction.BEFORE
    upwards = ascending is not backwards
    statement = (
        sa.select(Subject.id, Subject.public_id, Subject.address, Subject.name, Subject.created_at)
        .where(*_bounds(search, anchor, upwards))
        .order_by(*(key.asc() if upwards else key.desc() for key in keys))
        .limit(size + 1)
    )
    rows = session.execute(statement).all()
    is_cut, rows = len(rows) > size, rows[:size]
    if backwards:
        rows = rows[::-1]
    return Page(
        people=_listed(session, rows),
        has_more_before=is_cut if backwards else anchor is not None,
        has_more_after=True if backwards else is_cut,
    )


def _keys(search: Search | None) -> Sequence[sa.orm.InstrumentedAttribute[Any]]:
    if search is None:
        return (Subject.id,)
    return (Subject.normalised_address,) if search.by is SearchBy.ADDRESS else (Subject.sortable_name, Subject.id)


def _bounds(search: Search | None, anchor: tuple[Any, ...] | None, upwards: bool) -> Sequence[sa.ColumnElement[bool]]:
    """Where the page's range of the index begins and ends; one bound at each end, for SQLite heeds only one."""
    keys = _keys(search)
    begins: list[sa.ColumnElement[bool]] = [] if search is None else [keys[0] >= search.prefix]
    ends: list[sa.ColumnElement[bool]] = [] if search is None else [keys[0] < search.prefix + LAST_CHARACTER]
    if anchor is not None:
        here, there = sa.tuple_(*keys), sa.tuple_(*(sa.literal(value) for value in anchor))
        if upwards:
            begins = [here > there]
        else:
            ends = [here < there]
    return [*begins, *ends]


def _anchor(session: Session, search: Search | None, place: Place | None) -> tuple[Any, ...] | None:
    if place is None:
        return None
    row = session.execute(sa.select(*_keys(search)).where(Subject.public_id == place.entry)).one_or_none()
    is_listed = row is not None and (search is None or (row[0] is not None and row[0].startswith(search.prefix)))
    return tuple(row) if row is not None and is_listed else None


def _listed(session: Session, rows: Sequence[Any]) -> Sequence[Listed]:
    active = ledger.active_purposes(session, [row.id for row in rows])
    return [
        Listed(row.public_id, row.address, row.name, row.created_at, active.get(row.id, frozenset())) for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Person:
    """Who a page is about; times are aware, in UTC. Erased: address and name are gone, the record is not."""

    id: SubjectId
    public_id: PublicId
    address: str | None
    normalised_address: str | None
    name: str | None
    language: Language
    created_at: datetime
    erased_at: datetime | None


def person(session: Session, public_id: PublicId) -> Person:
    """The person whom a page's address names. Raises NotFound."""
    return _person(session, Subject.public_id == public_id, "there is no such person")


def person_by_address(session: Session, address: str) -> Person:
    """The person with this normalised address. Raises NotFound."""
    return _person(session, Subject.normalised_address == address, "nobody with this address is known")


def _person(session: Session, condition: sa.ColumnElement[bool], otherwise: str) -> Person:
    row = session.execute(sa.select(Subject).where(condition)).scalar_one_or_none()
    if row is None:
        raise NotFound(otherwise)
    return Person(
        row.id,
        row.public_id,
        row.address,
        row.normalised_address,
        row.name,
        row.language,
        row.created_at,
        row.erased_at,
    )


def bounced_since(session: Session, subject_id: SubjectId) -> datetime | None:
    """Since when mail that came back stands against writing to a person; aware, in UTC."""
    standing = (s.since for s in suppressions(session, subject_id) if s.reason is SuppressionReason.BOUNCED)
    return min(standing, default=None)
