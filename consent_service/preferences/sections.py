"""What other features show on the settings page, for whoever holds a fresh link.

The settings stand beside those features: each registers its part when the application is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from consent_service.domain.identifiers import SubjectId


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its template, which finds `values` as `section`."""

    template: str
    values: Any


Part = Callable[[Session, SubjectId], Section | None]
_parts: dict[str, Part] = {}


def register(name: str, part: Part) -> None:
    """Adds a part to the page; one of the same name takes its place."""
    _parts[name] = part


def sections(session: Session, subject_id: SubjectId) -> list[Section]:
    """What there is to show about this person."""
    found = (part(session, subject_id) for part in _parts.values())
    return [section for section in found if section is not None]
