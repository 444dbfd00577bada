"""How long a delivery may take, and how much of an answer is read; a watchdog holds the first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NamedTuple


class Limits(NamedTuple):
    """Seconds to connect, to wait for the next byte, and for one message in all; bytes of an answer."""

    connect: float = 10.0
    idle: float = 30.0
    total: float = 90.0
    answer: int = 256 * 1024


class Watchdog:
    """Cuts what takes too long, whatever the other side does: a byte now and then keeps no delivery alive."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until: float | None = None
        self._cut: Callable[[], object] = lambda: None
        self._thread: threading.Thread | None = None
        self._closed = False
        self.bitten = False
        """Whether the last block was cut."""

    @contextmanager
    def within(self, seconds: float, cut: Callable[[], object]) -> Iterator[None]:
        """Call `cut` from another thread when the block takes longer."""
        with self._changed:
            self._until, self._cut, self.bitten = monotonic() + seconds, cut, False
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._until = None

    def close(self) -> None:
        """End the watch."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                # looks now and then instead of being woken by every message
                self._changed.wait(0.1)
                if self._until is not None and monotonic() > self._until:
                    self._until, self.bitten = None, True
                    with suppress(OSError, AttributeError):
                        self._cut()
