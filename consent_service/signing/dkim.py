"""DKIM signatures (RFC 6376, and RFC 8463 for Ed25519): a mail goes in, the same mail with signatures comes out.

Headers are canonicalised the relaxed way, the body the simple way: ours are seven-bit with CRLF, so that
nothing on the way needs to touch them, and the body costs one hash.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from consent_service.signing.rules import Algorithm

COVERED = (
    *("From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"),
    *("CFBL-Address", "CFBL-Feedback-ID"),
)
"""What a signature covers where it is there: RFC 6376 section 5.4.1, RFC 8058 section 4, RFC 9477 section 3.1."""

SIGNATURE_LINE = 72
NAMES_ON_A_LINE = 4
PrivateKey = RSAPrivateKey | Ed25519PrivateKey
_PADDING, _SHA256 = PKCS1v15(), SHA256()


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of a domain, parsed, and the selector under which its public half is published."""

    domain: str
    selector: str
    key: PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        """What the key signs by."""
        return Algorithm.RSA if isinstance(self.key, RSAPrivateKey) else Algorithm.ED25519

    def sign(self, headers: bytes) -> bytes:
        """The signature of canonical headers; Ed25519 signs their SHA-256 (RFC 8463 section 3)."""
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(headers, _PADDING, _SHA256)
        return self.key.sign(hashlib.sha256(headers).digest())


Signers = Mapping[str, Sequence[Signer]]
"""Those of each domain, in lower case."""


def signed(data: bytes, signers: Signers, now: datetime) -> bytes:
    """The mail with a DKIM-Signature in front from each signer of the domain of its From.

    `data` is seven-bit, its lines end in CRLF; `now` is aware. Whose domain has no signer comes back as it is.
    Raises ValueError for what has no From or no end of its headers.
    """
    end = data.index(b"\r\n\r\n")
    fields = _covered(data[:end])
    chosen = signers.get(_domain(fields), ())
    if not chosen:
        return data
    headers = b"".join(b"%b:%b\r\n" % (name, value) for name, values in fields.items() for value in reversed(values))
    # Each is named once more than it is there, so that none can be added (RFC 6376 section 5.4.2).
    names = tuple(name for name, values in fields.items() for _ in range(len(values) + 1))
    body_hash = base64.b64encode(_body_digest(data, end + 4))
    parts = [_signature_field(signer, names, headers, body_hash, now) for signer in chosen]
    return b"".join((*parts, data))


_COVERED = frozenset(name.lower().encode() for name in COVERED)
_Fields = dict[bytes, list[bytes]]


def _covered(head: bytes) -> _Fields:
    """The covered headers' relaxed values by their names in lower case (RFC 6376 section 3.4.2)."""
    fields: _Fields = {}
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").replace(b"\t", b" ")
    for line in unfolded.split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.rstrip(b" ").lower()
        if name in _COVERED:
            fields.setdefault(name, []).append(b" ".join(filter(None, value.split(b" "))))
    return fields


def _domain(fields: _Fields) -> str:
    """The domain of the address in From, in lower case."""
    if b"from" not in fields:
        raise ValueError("a mail without From cannot be signed")
    return fields[b"from"][0].rpartition(b"@")[2].rstrip(b"> ").lower().decode("ascii")


def _body_digest(data: bytes, start: int) -> bytes:
    """SHA-256 of the body in its simple form: empty lines at its end do not count (RFC 6376 section 3.4.3)."""
    end = len(data)
    while data.endswith(b"\r\n", start, end):
        end -= 2
    digest = hashlib.sha256(memoryview(data)[start:end])
    digest.update(b"\r\n")
    return digest.digest()


def _signature_field(
    signer: Signer, names: tuple[bytes, ...], headers: bytes, body_hash: bytes, now: datetime
) -> bytes:
    """The whole DKIM-Signature header of one signer, its line end included."""
    unsigned = b"v=1; a=%b-sha256; c=relaxed/simple; d=%b;\r\n s=%b; t=%d;\r\n h=%b;\r\n bh=%b;\r\n b=" % (
        signer.algorithm.value.encode(),
        signer.domain.encode(),
        signer.selector.encode(),
        int(now.timestamp()),
        _folded_names(names),
        body_hash,
    )
    signature = base64.b64encode(signer.sign(headers + b"dkim-signature:" + unsigned.replace(b"\r\n", b"")))
    lines = (signature[at : at + SIGNATURE_LINE] for at in range(0, len(signature), SIGNATURE_LINE))
    return b"DKIM-Signature: " + unsigned + b"\r\n ".join(lines) + b"\r\n"


@lru_cache(maxsize=64)
def _folded_names(names: tuple[bytes, ...]) -> bytes:
    """The names between colons, on lines that are not too long."""
    return b":\r\n ".join(b":".join(names[at : at + NAMES_ON_A_LINE]) for at in range(0, len(names), NAMES_ON_A_LINE))
