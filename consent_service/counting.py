"""Rate limits counted in the memory of this process.

The storage that comes with `limits` starts a thread to clear up after almost every request; this one clears
up now and then itself.
"""

import threading
import time
from typing import Any

from limits.storage import Storage

from consent_service import clock

COUNTERS = "counters://"
_SWEEP_SECONDS = 60.0


class Counters(Storage):
    """Counts hits per key in windows of fixed length; each process has its own. Times are of the monotonic clock."""

    STORAGE_SCHEME = ["counters"]  # noqa: RUF012 (limits reads it so)
    base_exceptions = ValueError

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}
        self._swept = time.monotonic()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Counts a hit in a window that ends `expiry` seconds after its first; how many there are now."""
        now = time.monotonic()
        with self._lock:
            self._sweep(now)
            end, count = self._windows.get(key, (0.0, 0))
            if end <= now:
                end, count = now + expiry, 0
            self._windows[key] = (end, count + amount)
        return count + amount

    def _sweep(self, now: float) -> None:
        if now - self._swept > _SWEEP_SECONDS:
            self._swept = now
            self._windows = {key: window for key, window in self._windows.items() if window[0] > now}

    def get(self, key: str) -> int:
        """How many hits the present window has."""
        end, count = self._windows.get(key, (0.0, 0))
        return count if end > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """When the present window ends, in seconds since the epoch."""
        return clock.now().timestamp() + max(0.0, self._windows.get(key, (0.0, 0))[0] - time.monotonic())

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forgets every hit; how many keys there were."""
        forgotten, self._windows = len(self._windows), {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forgets the hits of one key."""
        self._windows.pop(key, None)
