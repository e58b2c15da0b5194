"""What a campaign must have, what may be put into its texts, and what can be done with it when."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from consent_service.domain.kinds import Language, LeftOut
from consent_service.mailing.rules import MailingState

LONGEST_SUBJECT = 200
LONGEST_BODY = 100_000
PLACEHOLDERS = ("{{name}}", "{{greeting}}")
"""What writers may use; the links for leaving are put in by the layout alone."""

BLOCK = re.compile(r"\{\{([a-z]+):([0-9a-f]{32})\}\}")
"""A block that another feature fills in: its kind, and which one."""

_ANY_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{\{|\}\}")
_IN_LINK = re.compile(r"\]\(\s*<?[^)\s]*\{\{")


class State(StrEnum):
    """Where a campaign stands: a draft, or what its mailing is."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class Act(StrEnum):
    """What can be done with a campaign."""

    CHANGE = "change"
    DELETE = "delete"
    SEND = "send"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


_ACTS = {
    State.DRAFT: frozenset({Act.CHANGE, Act.DELETE, Act.SEND}),
    State.RUNNING: frozenset({Act.PAUSE, Act.CANCEL}),
    State.PAUSED: frozenset({Act.RESUME, Act.CANCEL}),
    State.CANCELLED: frozenset[Act](),
    State.DONE: frozenset[Act](),
}


def state(mailing: MailingState | None) -> State:
    """The campaign's state, from its mailing's; without a mailing it is a draft."""
    return State.DRAFT if mailing is None else State(mailing.value)


def acts(where: State) -> frozenset[Act]:
    """What can be done in this state; a test mail can be sent in each."""
    return _ACTS[where]


@dataclass(frozen=True, slots=True)
class Words:
    """What a campaign says in one language: a subject, and a body in Markdown."""

    subject: str
    body: str


def digest(purpose_version: int, texts: Mapping[Language, Words]) -> str:
    """Stands for what would be sent and to what wording: the id of the purpose's version, and every word."""
    words = {language.value: [said.subject, said.body] for language, said in texts.items()}
    written = json.dumps([purpose_version, words], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


class Problem(StrEnum):
    """Why words cannot be sent."""

    NO_SUBJECT = "no_subject"
    NO_BODY = "no_body"
    TOO_LONG = "too_long"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    PLACEHOLDER_IN_LINK = "placeholder_in_link"


def unknown_placeholders(text: str, with_blocks: bool = False) -> tuple[str, ...]:
    """What stands in double braces and is none of `PLACEHOLDERS`, each once, in its order; nor, in a body, a block."""
    without = BLOCK.sub("", text) if with_blocks else text
    found = (match[0] for match in _ANY_PLACEHOLDER.finditer(without))
    return tuple(dict.fromkeys(written for written in found if written not in PLACEHOLDERS))


def has_placeholder_in_link(body: str) -> bool:
    """Whether a link's address in Markdown holds a placeholder: it would be encoded, and not be filled."""
    return _IN_LINK.search(body) is not None


def problems(words: Words) -> tuple[Problem, ...]:
    """What is wrong with the words of one language."""
    checks = {
        Problem.NO_SUBJECT: not words.subject.strip(),
        Problem.NO_BODY: not words.body.strip(),
        Problem.TOO_LONG: len(words.subject) > LONGEST_SUBJECT or len(words.body) > LONGEST_BODY,
        Problem.UNKNOWN_PLACEHOLDER: bool(
            unknown_placeholders(words.subject) or unknown_placeholders(words.body, with_blocks=True)
        ),
        Problem.PLACEHOLDER_IN_LINK: has_placeholder_in_link(words.body),
    }
    return tuple(problem for problem, is_so in checks.items() if is_so)


def is_complete(languages: Collection[Language]) -> bool:
    """Whether everybody could be written to: who has no text in their language gets the German one."""
    return Language.GERMAN in languages


@dataclass(frozen=True, slots=True)
class Reach:
    """How many a campaign would reach now, and how many are left out, by the reason."""

    people: int
    left_out: Mapping[LeftOut, int]

    @property
    def not_written_to(self) -> int:
        """All that are left out although they once agreed, or were erased."""
        return sum(number for reason, number in self.left_out.items() if reason is not LeftOut.NEVER_AGREED)


def reach(counted: Mapping[LeftOut | None, int]) -> Reach:
    """From how many people there are by the reason why they are left out; None for those who are not."""
    return Reach(counted.get(None, 0), {reason: counted[reason] for reason in LeftOut if counted.get(reason)})


_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+.!|<>~&-])")


def as_markdown(text: str) -> str:
    """Words that Markdown shows as they are, on one line. Double braces are parted: a campaign fills those."""
    words = " ".join(text.split()).replace("{{", "{ {").replace("}}", "} }")
    return _MARKDOWN.sub(r"\\\1", words)
