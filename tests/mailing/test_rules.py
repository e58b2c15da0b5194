"""What a server's answer means, and when to try again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.mailing.rules import (
    ADDRESS_IS_GONE,
    CONNECTION_LOST,
    LONGEST_PAUSE,
    LONGEST_PAUSE_BEFORE_RECONNECT,
    LONGEST_REASON,
    MOST_ATTEMPTS,
    MessageState,
    Reply,
    TroubleKind,
    is_address_gone,
    pause_before_reconnect,
    pause_before_retry,
    state_after,
    why_lost,
    without_mailboxes,
)

attempts = st.integers(1, 10_000)
jitters = st.floats(0, 1)
texts = st.text(max_size=60)
enhanced_codes = st.from_regex(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True)


@given(attempts, jitters)
def test_pauses_between_attempts_have_bounds(attempt: int, jitter: float) -> None:
    assert timedelta(seconds=45) <= pause_before_retry(attempt, jitter) <= LONGEST_PAUSE * 1.25


@given(attempts, jitters)
def test_pauses_between_attempts_grow(attempt: int, jitter: float) -> None:
    assert pause_before_retry(attempt, jitter) <= pause_before_retry(attempt + 1, jitter)


@given(st.integers(1, 8))
def test_pauses_between_attempts_double_at_first(attempt: int) -> None:
    assert pause_before_retry(attempt, 0.5) == timedelta(minutes=2 ** (attempt - 1))


@given(attempts, jitters, jitters)
def test_jitter_spreads_pauses_over_a_half(attempt: int, one: float, other: float) -> None:
    longer = pause_before_retry(attempt, max(one, other))
    assert pause_before_retry(attempt, min(one, other)) <= longer
    assert pause_before_retry(attempt, 1) > pause_before_retry(attempt, 0) * 1.6


def test_we_try_for_some_three_days() -> None:
    tried_for = sum((pause_before_retry(attempt, 0.5) for attempt in range(1, MOST_ATTEMPTS)), timedelta())
    assert timedelta(days=2.5) < tried_for < timedelta(days=3.5)


@given(attempts, jitters)
def test_pauses_before_reconnecting_grow_to_a_minute(failures: int, jitter: float) -> None:
    pause = pause_before_reconnect(failures, jitter)
    assert timedelta(seconds=0.5) <= pause <= LONGEST_PAUSE_BEFORE_RECONNECT
    assert pause <= pause_before_reconnect(failures + 1, jitter)
    assert pause_before_reconnect(1, jitter) <= timedelta(seconds=1)


@given(st.integers(200, 299), texts, attempts)
def test_2xx_is_sent(code: int, text: str, attempt: int) -> None:
    assert state_after(Reply(code, text), attempt) is MessageState.SENT


@given(st.integers(400, 499) | st.just(CONNECTION_LOST), texts, attempts)
def test_4xx_and_a_lost_connection_wait_until_we_give_up(code: int, text: str, attempt: int) -> None:
    expected = MessageState.DEFERRED if attempt < MOST_ATTEMPTS else MessageState.FAILED
    assert state_after(Reply(code, text), attempt) is expected


@given(st.integers(500, 599), texts, attempts)
def test_5xx_fails_at_once(code: int, text: str, attempt: int) -> None:
    assert state_after(Reply(code, text), attempt) is MessageState.FAILED


@given(st.integers(-1, 599), enhanced_codes, texts)
def test_only_a_few_permanent_refusals_say_that_an_address_is_gone(code: int, enhanced: str, text: str) -> None:
    gone = is_address_gone(Reply(code, f"{enhanced} {text}"))
    assert gone == (code >= 500 and enhanced in ADDRESS_IS_GONE)


@given(st.sampled_from(sorted(ADDRESS_IS_GONE)), st.integers(500, 599))
def test_each_of_these_says_so(enhanced: str, code: int) -> None:
    assert is_address_gone(Reply(code, f"{enhanced} <anna@example.org>: unknown"))


@given(st.integers(500, 599), texts.filter(lambda text: not text.split() or text.split()[0] not in ADDRESS_IS_GONE))
def test_words_alone_do_not(code: int, text: str) -> None:
    assert not is_address_gone(Reply(code, text))


@given(st.lists(st.sampled_from(["550", "5.1.1", "<anna.beispiel@mail.example>", "x@y.example:", "no", "such", "\n"])))
def test_a_reason_names_no_mailbox_and_is_one_line(words: list[str]) -> None:
    shown = without_mailboxes(" ".join(words))
    assert "anna" not in shown
    assert "x@" not in shown
    assert "\n" not in shown
    assert ("…@mail.example" in shown) == ("<anna.beispiel@mail.example>" in words)


def test_a_reason_is_not_longer_than_a_page_can_show() -> None:
    assert len(without_mailboxes("no " * 1000)) == LONGEST_REASON


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(421, "4.3.2 timed out waiting for you"), TroubleKind.HUNG_UP),
        (Reply(-1, "connection lost: SMTPServerDisconnected: Connection unexpectedly closed"), TroubleKind.HUNG_UP),
        (Reply(-1, "connection lost: TimeoutError: timed out"), TroubleKind.TOO_SLOW),
    ],
)
def test_why_a_connection_was_lost(reply: Reply, kind: TroubleKind) -> None:
    assert why_lost(reply) is kind
