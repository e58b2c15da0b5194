"""Use cases of signing keys: make them, let them sign, replace and retire them; and signing a mail.

A key signs only once its record stands in the DNS, and its record stays for a while after its last signature.
"""

import base64
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast

import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import OPERATOR, Action
from consent_service.database import alone, reading
from consent_service.domain.errors import NotFound, Refused
from consent_service.encryption import Keyring
from consent_service.evidence.service import keyring
from consent_service.extensions import settings
from consent_service.signing import dkim, rules
from consent_service.signing.dkim import PrivateKey, Signer
from consent_service.signing.models import DkimKey
from consent_service.signing.rules import Algorithm, KeyState

log = structlog.get_logger()

RSA_BITS = 2048
RSA_EXPONENT = 65537
KEYS_ARE_READ_EVERY = timedelta(seconds=5)


def signed(data: bytes, now: datetime) -> bytes:
    """The mail as it is handed over: with DKIM signatures where the service signs, else as it is; `now` is aware.

    Keys are read anew every few seconds, in a session of their own; call it from any thread.
    """
    if not settings().signs_dkim:
        return data
    whole = dkim.signed(data, _signers(now), now)
    if whole is data:
        log.warning("no DKIM key signs for the domain of a mail's From")
    return whole


_read: dict[str, tuple[datetime, dkim.Signers]] = {}


def _signers(now: datetime) -> dkim.Signers:
    """The signers of each domain, at most a few seconds old."""
    database_url = settings().database_url
    at, signers = _read.get(database_url, (None, {}))
    if at is None or not timedelta(0) <= now - at < KEYS_ARE_READ_EVERY:
        with reading() as session:
            signers = _read_signers(session)
        _read[database_url] = now, signers
    return signers


def _read_signers(session: Session) -> dkim.Signers:
    rows = session.execute(
        sa.select(DkimKey.domain, DkimKey.selector, DkimKey.private_key)
        .where(DkimKey.state == KeyState.SIGNING)
        .order_by(DkimKey.domain, DkimKey.algorithm.desc())  # RSA first: all verifiers know it
    )
    signers: defaultdict[str, list[Signer]] = defaultdict(list)
    for domain, selector, private_key in rows:
        signers[domain].append(_signer(settings().evidence_keys, domain, selector, private_key))
    return signers


@lru_cache(maxsize=32)
def _signer(secrets: tuple[str, ...], domain: str, selector: str, private_key: bytes) -> Signer:
    """A key decrypted and parsed, once: parsing an RSA key costs more than a hundred signatures."""
    plain = Keyring(secrets).open(private_key, _bound_to(domain, selector))
    return Signer(domain, selector, cast(PrivateKey, load_der_private_key(plain, password=None)))


def _bound_to(domain: str, selector: str) -> str:
    return f"dkim key {selector}._domainkey.{domain}"


def create(session: Session, domain: str, algorithms: Collection[Algorithm], now: datetime) -> None:
    """Makes the first keys of a domain, one of each algorithm; `now` is aware. Raises Refused where there are some."""
    _lock(session)
    there = {key.algorithm for key in _keys(session, domain, KeyState.PREPARED, KeyState.SIGNING)}
    for algorithm in algorithms:
        if algorithm in there:
            raise Refused(f"{domain} has a key for {algorithm} already; consent-service dkim rotate replaces it")
        _prepare(session, domain, algorithm, now)


def rotate(session: Session, domain: str, now: datetime) -> None:
    """Makes a successor for each key that signs; `now` is aware.

    Raises Refused where nothing signs, or where the last successors are still waiting.
    """
    _lock(session)
    signing = _keys(session, domain, KeyState.SIGNING)
    if not signing:
        raise Refused(f"no key signs for {domain}; consent-service dkim create makes one")
    if _keys(session, domain, KeyState.PREPARED):
        raise Refused(f"{domain} has new keys already; publish them, then run consent-service dkim activate")
    for key in signing:
        _prepare(session, domain, key.algorithm, now)


def activate(session: Session, domain: str, selectors: Collection[str], now: datetime) -> None:
    """Lets prepared keys sign from now on, in place of those that did; `now` is aware.

    Raises NotFound for what is not a prepared key of the domain.
    """
    _lock(session)
    prepared = {key.selector: key for key in _keys(session, domain, KeyState.PREPARED)}
    for selector in selectors:
        if selector not in prepared:
            raise NotFound(f"{domain} has no new key {selector}")
        key = prepared[selector]
        for former in _keys(session, domain, KeyState.SIGNING):
            if former.algorithm is key.algorithm:
                _become(session, former, KeyState.REPLACED, now)
        session.flush()  # the index knows one signing key at a time
        _become(session, key, KeyState.SIGNING, now)


def retire(session: Session, domain: str, selector: str, at_once: bool, now: datetime) -> None:
    """Ends a key and destroys its private half: its record may leave the DNS; `now` is aware.

    Raises NotFound; and Refused for a key that signs where the service signs, or, unless `at_once`, for one whose
    last signature may still be looked at.
    """
    _lock(session)
    key = session.execute(
        sa.select(DkimKey).where(DkimKey.domain == domain, DkimKey.selector == selector)
    ).scalar_one_or_none()
    if key is None or key.state is KeyState.RETIRED:
        raise NotFound(f"{domain} has no key {selector} that could be retired")
    if key.state is KeyState.SIGNING and settings().signs_dkim:
        raise Refused(f"{selector} signs; replace it first, or let the relay sign (CONSENT_DKIM)")
    if key.state is KeyState.REPLACED and not at_once:
        until = key.state_since + rules.PUBLISHED_AFTER_LAST_SIGNATURE
        if now < until:
            raise Refused(f"mail signed with {selector} may still be under way until {until:%Y-%m-%d}; or use --now")
    key.private_key = None
    _become(session, key, KeyState.RETIRED, now)


def _lock(session: Session) -> None:
    """One act on keys at a time."""
    alone(session, "dkim keys")


def _keys(session: Session, domain: str, *states: KeyState) -> list[DkimKey]:
    return list(
        session.execute(
            sa.select(DkimKey).where(DkimKey.domain == domain, DkimKey.state.in_(states)).order_by(DkimKey.id)
        ).scalars()
    )


def _become(session: Session, key: DkimKey, state: KeyState, now: datetime) -> None:
    key.state, key.state_since = state, now
    audit.record(
        session,
        at=now,
        actor=OPERATOR,
        action=Action.DKIM_KEY_CHANGED,
        target=key.selector,
        details={"domain": key.domain, "became": state.value},
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    private: bytes
    public: str


def _prepare(session: Session, domain: str, algorithm: Algorithm, now: datetime) -> None:
    taken = session.execute(sa.select(DkimKey.selector).where(DkimKey.domain == domain)).scalars().all()
    selector = rules.selector(algorithm, now.date(), taken)
    pair = _new_pair(algorithm)
    key = DkimKey(
        domain=domain,
        selector=selector,
        algorithm=algorithm,
        public_key=pair.public,
        private_key=keyring().close(pair.private, _bound_to(domain, selector)),
    )
    _become(session, key, KeyState.PREPARED, now)
    session.add(key)


def _new_pair(algorithm: Algorithm) -> _Pair:
    """A fresh pair; what is public is SubjectPublicKeyInfo for RSA (RFC 6376 section 3.6.1), 32 octets for Ed25519."""
    key: PrivateKey
    if algorithm is Algorithm.RSA:
        key = rsa.generate_private_key(RSA_EXPONENT, RSA_BITS)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return _Pair(private, base64.b64encode(public).decode("ascii"))
