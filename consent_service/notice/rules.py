"""What texts are made of, and when they differ."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consent_service.domain.kinds import Language, LegalBasis


@dataclass(frozen=True, slots=True)
class PurposeTexts:
    """A purpose as it is published: its facts, and title and wording per language."""

    code: str
    basis: LegalBasis
    offered: bool
    third_parties: tuple[str, ...]
    words: Mapping[Language, tuple[str, str]]

    def digest(self) -> bytes:
        """SHA-256 over words and third parties: what a consent is to."""
        return _digest(
            {
                "third_parties": list(self.third_parties),
                "words": {k.value: list(v) for k, v in self.words.items()},
            }
        )


def notice_digest(bodies: Mapping[Language, str]) -> bytes:
    """SHA-256 over a privacy notice in all languages."""
    return _digest({language.value: body for language, body in bodies.items()})


def _digest(value: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).digest()
