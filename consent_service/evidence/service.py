"""Keys and boxes for evidence.

A request's evidence is closed under a data key of its own. That key is wrapped by the service's keyring
until somebody confirms, and by the person's key from then on. So evidence can end on its own day (delete
its data key), and a person at once (delete the person's key).
"""

import json
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import encryption
from consent_service.database import table
from consent_service.domain.identifiers import DataKeyId, PublicId, SubjectId
from consent_service.encryption import Key, Keyring
from consent_service.evidence.models import DataKey, PersonKey
from consent_service.extensions import settings
from consent_service.prepared import Prepared

Evidence = dict[str, Any]
SHORTEST_TO_COMPRESS = 1000
"""Bytes. Beginning and ending zlib takes as long as all that SQLite does for a sign-up, and spares a hundred bytes."""
_INSERT_KEY = Prepared(sa.insert(table(DataKey)).returning(DataKey.id))
_SELECT_KEY = Prepared(
    sa.select(DataKey.wrapped, PersonKey.subject_id, PersonKey.wrapped)
    .join(PersonKey, PersonKey.subject_id == DataKey.subject_id)
    .where(DataKey.id == sa.bindparam("data_key"))
)


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A data key and the row that keeps it."""

    id: DataKeyId
    key: Key


def keyring() -> Keyring:
    """The service's own keys."""
    return Keyring(settings().evidence_keys)


def new_request_key(session: Session, at: datetime) -> NamedKey:
    """A data key for a request that nobody has confirmed yet; `at` is aware."""
    key = encryption.new_key()
    columns = {"wrapped": keyring().close(key, _REQUEST), "created_at": at}
    return NamedKey(_INSERT_KEY.one(session, columns)[0], key)


def request_key(session: Session, data_key_id: DataKeyId) -> Key:
    """The data key of an unconfirmed request."""
    wrapped = session.execute(
        sa.select(DataKey.wrapped).where(DataKey.id == data_key_id, DataKey.subject_id.is_(None))
    ).scalar_one()
    return Key(keyring().open(wrapped, _REQUEST))


def bind_to_person(session: Session, data_key_id: DataKeyId, subject_id: SubjectId) -> NamedKey:
    """Wraps a request's data key anew under the person's key: from now on it ends with the person."""
    key = request_key(session, data_key_id)
    wrapped = encryption.close(_person_key(session, subject_id), key, _of_person(subject_id))
    session.execute(sa.update(DataKey).where(DataKey.id == data_key_id).values(wrapped=wrapped, subject_id=subject_id))
    return NamedKey(data_key_id, key)


def new_data_key(session: Session, subject_id: SubjectId, at: datetime) -> NamedKey:
    """A data key of a known person, for instance for one import; `at` is aware."""
    key = encryption.new_key()
    wrapped = encryption.close(_person_key(session, subject_id), key, _of_person(subject_id))
    statement = sa.insert(DataKey).values(subject_id=subject_id, wrapped=wrapped, created_at=at).returning(DataKey.id)
    return NamedKey(session.execute(statement).scalar_one(), key)


def new_data_keys(session: Session, people: Sequence[SubjectId], at: datetime) -> list[NamedKey]:
    """A data key for each of these people, in their order and in a few statements; `at` is aware."""
    if not people:
        return []
    person_keys = _person_keys(session, people)
    keys = [encryption.new_key() for _ in people]
    ids = session.execute(
        sa.insert(DataKey).returning(DataKey.id, sort_by_parameter_order=True),
        [
            {
                "subject_id": person,
                "wrapped": encryption.close(person_keys[person], key, _of_person(person)),
                "created_at": at,
            }
            for person, key in zip(people, keys, strict=True)
        ],
    ).scalars()
    return [NamedKey(row_id, key) for row_id, key in zip(ids, keys, strict=True)]


def _person_keys(session: Session, people: Sequence[SubjectId]) -> dict[SubjectId, Key]:
    """The key of each of these people; who has none yet gets one."""
    rows = session.execute(sa.select(PersonKey.subject_id, PersonKey.wrapped).where(PersonKey.subject_id.in_(people)))
    keys = {row.subject_id: Key(keyring().open(row.wrapped, _of_person(row.subject_id))) for row in rows}
    new = {person: encryption.new_key() for person in people if person not in keys}
    if new:
        session.execute(
            sa.insert(PersonKey),
            [
                {"subject_id": person, "wrapped": keyring().close(key, _of_person(person))}
                for person, key in new.items()
            ],
        )
    return keys | new


@dataclass(frozen=True, slots=True)
class ClosedKey:
    """A person's data key as it is stored: closed under the person's key, and that under the service's."""

    wrapped: bytes
    subject_id: SubjectId
    wrapped_person_key: bytes

    def open(self) -> Key:
        """The key itself. Raises CannotDecrypt."""
        person_key = Key(keyring().open(self.wrapped_person_key, _of_person(self.subject_id)))
        return Key(encryption.open_box(person_key, self.wrapped, _of_person(self.subject_id)))


def data_key(session: Session, data_key_id: DataKeyId) -> Key | None:
    """A person's data key; None where it, or the person's key, was destroyed."""
    row = _SELECT_KEY.first(session, {"data_key": data_key_id})
    return ClosedKey(*row).open() if row else None


def closed_keys(session: Session, data_keys: Collection[DataKeyId]) -> dict[DataKeyId, ClosedKey]:
    """Those of these data keys that were not destroyed, in one statement."""
    rows = session.execute(
        sa.select(DataKey.id, DataKey.wrapped, PersonKey.subject_id, PersonKey.wrapped)
        .join(PersonKey, PersonKey.subject_id == DataKey.subject_id)
        .where(DataKey.id.in_(data_keys))
    )
    return {key_id: ClosedKey(wrapped, person, by_service) for key_id, wrapped, person, by_service in rows}


def destroy_person(session: Session, subject_id: SubjectId) -> None:
    """Destroys the person's key and all data keys under it: nobody can read the evidence any more."""
    session.execute(sa.delete(DataKey).where(DataKey.subject_id == subject_id))
    session.execute(sa.delete(PersonKey).where(PersonKey.subject_id == subject_id))


def destroy_data_key(session: Session, data_key_id: DataKeyId) -> None:
    """Destroys one data key: the evidence under it has reached its day."""
    session.execute(sa.delete(DataKey).where(DataKey.id == data_key_id))


def close(key: Key, evidence: Evidence, bound_to: PublicId) -> bytes:
    """Evidence as it is stored: JSON, compressed if long, encrypted, and bound to the row's public id."""
    plain = json.dumps(evidence, ensure_ascii=False, sort_keys=True).encode()
    return encryption.close(key, plain if len(plain) < SHORTEST_TO_COMPRESS else zlib.compress(plain), bound_to)


def open_box(key: Key, box: bytes, bound_to: PublicId) -> Evidence:
    """What `close` was given. Raises CannotDecrypt where key or row are not the ones it was closed with."""
    plain = encryption.open_box(key, box, bound_to)
    value: Evidence = json.loads(plain if plain.startswith(b"{") else zlib.decompress(plain))  # RFC 1950: never a "{"
    return value


_REQUEST = "data key of a request"


def _of_person(subject_id: SubjectId) -> str:
    return f"key of person {subject_id}"


def _person_key(session: Session, subject_id: SubjectId) -> Key:
    return _person_keys(session, [subject_id])[subject_id]
