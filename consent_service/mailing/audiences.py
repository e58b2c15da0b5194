"""Whom a mailing is limited to, among those who may be written to: `survey:ID`, those whom that survey still waits for.

Who that is only the feature itself knows, which stands above mailings: it registers how its audience is found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType

import sqlalchemy as sa
from flask_babel import LazyString

from consent_service.domain.identifiers import PublicId, SubjectId

Audience = NewType("Audience", str)
"""A kind of audience and which one, as `audience` writes it."""

LONGEST_AUDIENCE = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """How an audience of this kind is found, looked up anew each time, and what staff read about it."""

    people: Callable[[PublicId], sa.Select[SubjectId]]
    words: LazyString


_kinds: dict[str, Kind] = {}


def register(name: str, kind: Kind) -> None:
    """Adds a kind of audience."""
    _kinds[name] = kind


def audience(kind: str, public_id: PublicId) -> Audience:
    """How the audience of this kind and id is written."""
    return Audience(f"{kind}:{public_id}")


def people(of: Audience) -> sa.Select[SubjectId]:
    """Those who belong to it at the moment of the query, whether or not they may be written to."""
    kind, _colon, public_id = of.partition(":")
    return _kinds[kind].people(PublicId(public_id))


def words(of: Audience) -> LazyString:
    """Who they are, as staff read it."""
    return _kinds[of.partition(":")[0]].words
