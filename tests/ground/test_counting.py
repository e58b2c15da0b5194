"""Counters of rate limits in a process's memory."""

import threading

import pytest

from consent_service import counting
from consent_service.counting import Counters


def test_each_key_is_counted_by_itself_until_its_window_ends() -> None:
    counters = Counters()
    assert [counters.incr("a", 60), counters.incr("a", 60), counters.incr("b", 60)] == [1, 2, 1]
    assert (counters.get("a"), counters.get("c")) == (2, 0)
    assert [counters.incr("over", 0), counters.incr("over", 0)] == [1, 1]
    assert counters.get("over") == 0


def test_what_is_over_is_cleared_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_SWEEP_SECONDS", 0)
    counters = Counters()
    counters.incr("over", 0)
    counters.incr("running", 60)
    counters.incr("new", 60)
    assert set(counters._windows) == {"running", "new"}


def test_no_thread_is_started() -> None:
    before = set(threading.enumerate())
    counters = Counters()
    for _ in range(10):
        counters.incr("a", 60)
    assert set(threading.enumerate()) <= before


def test_hits_of_threads_are_all_counted() -> None:
    counters = Counters()
    threads = [threading.Thread(target=lambda: [counters.incr("a", 60) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.get("a") == 2000


def test_forgetting() -> None:
    counters = Counters()
    counters.incr("a", 60)
    counters.incr("b", 60)
    counters.clear("a")
    assert (counters.get("a"), counters.get("b")) == (0, 1)
    assert counters.reset() == 1
    assert counters.get("b") == 0
