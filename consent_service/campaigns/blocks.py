"""Blocks in a campaign's text that other features fill in: `{{seminar:ID}}` becomes that seminar.

Campaigns stand beside those features: each registers how its block is written and filled in.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from consent_service.campaigns.rules import BLOCK, Words
from consent_service.domain.kinds import Language


@dataclass(frozen=True, slots=True)
class Offered:
    """A block that a writer can put in: what it is, and how it is written."""

    title: str
    written: str


@dataclass(frozen=True, slots=True)
class Block:
    """A kind of block: which there are now, and one in Markdown (None: there is no such one)."""

    offer: Callable[[Session, Language, datetime], Sequence[Offered]]
    fill: Callable[[Session, str, Language, datetime], str | None]


_blocks: dict[str, Block] = {}


def register(kind: str, block: Block) -> None:
    """Adds a kind of block."""
    _blocks[kind] = block


def offered(session: Session, language: Language, at: datetime) -> list[Offered]:
    """Every block that can be put in now."""
    return [one for block in _blocks.values() for one in block.offer(session, language, at)]


def filled(session: Session, texts: Mapping[Language, Words], at: datetime) -> dict[Language, Words]:
    """The texts with every block filled in, as it is at `at` (aware); one that names nothing (any more) stays."""

    def fill(found: re.Match[str], language: Language) -> str:
        block = _blocks.get(found[1])
        return (block.fill(session, found[2], language, at) if block else None) or found[0]

    return {
        language: replace(words, body=BLOCK.sub(partial(fill, language=language), words.body))
        for language, words in texts.items()
    }


def is_unfilled(texts: Mapping[Language, Words]) -> bool:
    """Whether a block is left in texts that were filled in: it names nothing that is announced."""
    return any(BLOCK.search(words.body) for words in texts.values())
