"""Signed tokens: itsdangerous' serializers, made once for each keyring and use.

A campaign signs two links in every mail, and a sign-up reads one token and makes another. So keys are derived
once, nothing tries to compress what is an identifier, and signatures are made in one go.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any

from itsdangerous import HMACAlgorithm, Signer, TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode
from itsdangerous.url_safe import URLSafeSerializerMixin


class _InOneGo(HMACAlgorithm):
    """The same signature, without a Python object for each."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha1")


class _Signer(Signer):
    derive_key = lru_cache(Signer.derive_key)


class _TimestampSigner(TimestampSigner):
    derive_key = lru_cache(TimestampSigner.derive_key)


class _Uncompressed(URLSafeSerializerMixin):
    """Writes what URLSafeSerializer writes where compressing makes nothing shorter, and reads whatever it does."""

    _encode = json.JSONEncoder(separators=(",", ":")).encode

    def dump_payload(self, obj: Any) -> bytes:
        return base64_encode(self._encode(obj))


class Serializer(_Uncompressed, URLSafeSerializer):
    """For tokens that hold for ever."""

    make_signer = lru_cache(URLSafeSerializer.make_signer)


class TimedSerializer(_Uncompressed, URLSafeTimedSerializer):
    """For tokens that say when they were made."""

    make_signer = lru_cache(URLSafeTimedSerializer.make_signer)


_SIGNED = {"algorithm": _InOneGo()}


@lru_cache
def serializer(keys: tuple[str, ...], use: str) -> Serializer:
    """The serializer of tokens for this use; `keys` are oldest first, and a token for another use is refused."""
    return Serializer(list(keys), salt=use, signer=_Signer, signer_kwargs=_SIGNED)


def lasting(keys: tuple[str, ...], use: str, identifier: str) -> str:
    """The token that `serializer` makes of an identifier in plain ASCII, without its layers: every mail has two.

    (A signature begins with a copy of what has taken in the key: making that anew takes longer than signing.)
    """
    payload = urlsafe_b64encode(b'"%b"' % identifier.encode("ascii")).rstrip(b"=")
    signature = _keyed(keys, use).copy()
    signature.update(payload)
    return (b"%b.%b" % (payload, urlsafe_b64encode(signature.digest()).rstrip(b"="))).decode("ascii")


@lru_cache
def _keyed(keys: tuple[str, ...], use: str) -> hmac.HMAC:
    return hmac.new(serializer(keys, use).make_signer(use).derive_key(), digestmod="sha1")


@lru_cache
def timed_serializer(keys: tuple[str, ...], use: str) -> TimedSerializer:
    """As `serializer`, for tokens that say when they were made."""
    return TimedSerializer(list(keys), salt=use, signer=_TimestampSigner, signer_kwargs=_SIGNED)
