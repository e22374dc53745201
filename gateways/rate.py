"""How fast we may ask: a bucket that fills with so many requests a second, and lets each out when there is one.

One bucket a destination and process: where several workers speak to one hospital, give each its share.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """At most ``per_second`` requests on average, and at most a second's worth at once. Thread-safe."""

    def __init__(
        self,
        per_second: float,
        *,
        elapsed: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._holds = max(1.0, per_second)
        self._left = self._holds
        self._elapsed = elapsed
        self._wait = wait
        self._seen = elapsed()
        self._turn = threading.Lock()

    def __call__(self) -> None:
        """Return when one more request may leave."""
        with self._turn:
            now = self._elapsed()
            self._left = min(self._holds, self._left + (now - self._seen) * self._per_second) - 1.0
            self._seen = now
            owing = -self._left / self._per_second
        if owing > 0:
            self._wait(owing)
