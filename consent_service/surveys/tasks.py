"""The worker's part: counting, mixing anonymous answers and destroying their keys, reminding."""

from random import SystemRandom

from sqlalchemy.orm import Session

from consent_service import clock, database
from consent_service.surveys import counting, keys, mixing, queries, reminding

_REWRITTEN = ("survey_waiting_answers", "survey_taking_part", "survey_anonymous_answers")


def fold_counts(session: Session) -> int:
    """Adds what has been answered since into the counts."""
    return counting.fold(session)


def mix_answers(session: Session) -> bool:
    """Mixes one batch of anonymous answers, or finishes one survey."""
    return mixing.mix_next(session, clock.now(), SystemRandom())


def destroy_ended_keys(session: Session) -> int:
    """Deletes the keys of batches that are mixed, which is what makes it final; how many.

    The files are listed before the batches: a batch is committed before its key is made.
    """
    files = keys.existing()
    return keys.destroy(files - queries.batches(session)) if files else 0


def forget_overwritten() -> None:
    """Empties the write-ahead log, or the dead rows, of what was mixed."""
    database.forget_overwritten(*_REWRITTEN)


def remind(session: Session) -> bool:
    """Reminds the next few who have registered and not taken part."""
    return reminding.remind_next(session, clock.now())
