"""The keys of batches: one file each, outside of the database, readable by this user alone.

Whoever has a copy of the database and its write-ahead log lacks them. Deleting the file is what makes it
impossible to tell who gave which answer, so nothing else may ever hold a copy.
"""

import os
from collections.abc import Collection
from pathlib import Path

from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.encryption import Key, new_key
from consent_service.extensions import settings

_SUFFIX = ".key"


def obtain(batch: PublicId) -> Key:
    """The batch's key; made, durably, when its first answer comes. Several processes get the same one."""
    folder = _folder()
    file = folder / f"{batch}{_SUFFIX}"
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(file)
    return Key(file.read_bytes())


def read(batch: PublicId) -> Key | None:
    """The batch's key; None where there is none (any more)."""
    try:
        return Key((_folder() / f"{batch}{_SUFFIX}").read_bytes())
    except FileNotFoundError:
        return None


def _write(file: Path) -> None:
    """Beside it first, whole and on disk; then under its name, unless somebody else was faster."""
    beside = file.with_name(f".{file.name}.{os.getpid()}-{os.urandom(6).hex()}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, new_key())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(beside, file)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    _sync(file.parent)


def existing() -> set[PublicId]:
    """The batches that have a key."""
    folder = settings().survey_keys
    if folder is None or not folder.is_dir():
        return set()
    return {PublicId(file.name.removesuffix(_SUFFIX)) for file in folder.glob(f"*{_SUFFIX}")}


def destroy(batches: Collection[PublicId]) -> int:
    """Deletes the keys of these batches; how many."""
    for batch in batches:
        (_folder() / f"{batch}{_SUFFIX}").unlink(missing_ok=True)
    if batches:
        _sync(_folder())
    return len(batches)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folder() -> Path:
    folder = settings().survey_keys
    if folder is None:
        raise Refused("CONSENT_SURVEY_KEYS is not set, and anonymous answers need a folder for their keys")
    return folder
