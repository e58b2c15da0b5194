"""Encryption at rest: keys that wrap keys, and boxes that say what they belong to.

AES-256-GCM throughout. `bound_to` goes into each box as associated data, so that a box copied to another
row does not open.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Key = NewType("Key", bytes)
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_NAME_BYTES = 8


class CannotDecrypt(Exception):
    """The key is not the one that closed the box, or the box was changed or moved."""


def new_key() -> Key:
    """A fresh random 256-bit key."""
    return Key(secrets.token_bytes(32))


def close(key: Key, plain: bytes, bound_to: str) -> bytes:
    """Nonce and ciphertext of `plain`; opens only with the same key and `bound_to`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _close_pieces(key: Key, name: bytes, pieces: Sequence[bytes], bound_to: str) -> bytearray:
    """As `close`, with the key's name in front; of all that may be large it holds one copy, the box."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    encryptor = Cipher(AES(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound_to.encode())
    box = bytearray(len(name) + NONCE_BYTES + sum(map(len, pieces)) + TAG_BYTES)
    at = len(name) + NONCE_BYTES
    box[:at] = name + nonce
    with memoryview(box) as view:
        for piece in pieces:
            at += encryptor.update_into(piece, view[at:])
        at += len(encryptor.finalize())
        view[at:] = encryptor.tag
    return box


def open_box(key: Key, box: bytes | memoryview, bound_to: str) -> bytes:
    """What `close` was given. Raises CannotDecrypt."""
    try:
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotDecrypt(bound_to) from error


@lru_cache(maxsize=32)
def _derived(secret: str) -> Key:
    return Key(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"consent-service evidence").derive(secret.encode()))


@lru_cache(maxsize=32)
def _name(secret: str) -> bytes:
    return hashlib.sha256(b"name of " + _derived(secret)).digest()[:KEY_NAME_BYTES]


@dataclass(frozen=True, slots=True)
class Keyring:
    """The service's own keys, oldest first: the last one closes, each box names the one that opens it."""

    secrets: tuple[str, ...]

    def close(self, plain: bytes, bound_to: str) -> bytes:
        """A box under the newest key, with the key's name in front."""
        newest = self.secrets[-1]
        return _name(newest) + close(_derived(newest), plain, bound_to)

    def close_pieces(self, pieces: Sequence[bytes], bound_to: str) -> bytearray:
        """A box as `close` makes it of what is in these pieces, without a copy of them: for what may be large."""
        newest = self.secrets[-1]
        return _close_pieces(_derived(newest), _name(newest), pieces, bound_to)

    def open(self, box: bytes, bound_to: str) -> bytes:
        """What `close` was given, under whichever key. Raises CannotDecrypt."""
        for secret in self.secrets:
            if _name(secret) == box[:KEY_NAME_BYTES]:
                return open_box(_derived(secret), memoryview(box)[KEY_NAME_BYTES:], bound_to)
        raise CannotDecrypt(f"{bound_to}: its key is not in CONSENT_EVIDENCE_KEYS")
