"""The outbox while it is delivered: claims what is due, and keeps what came of it.

A transaction waits for the disk, which takes longer than a message over a fast line. So what came of
several messages within a twentieth of a second is kept together, several are claimed at once, and the
next message is sent while the disk writes. Nothing is sent before its claim is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Self

from feeds.database import Database
from notifier.outbox import LEASE
from notifier.store import delivery
from notifier.store.delivery import Delivery, Result

_TOGETHER = 0.05
"""Seconds of results that are kept in one transaction."""
_AHEAD = 64
"""Deliveries that are claimed at once, at most, and only while they are sent quickly."""
_RENEWAL = LEASE.total_seconds() / 15


class Journal:
    """A context manager: `take` gives claimed deliveries until there are none, `note` and `arrived` keep results.

    At its end, whatever caused it, everything is kept, and what was claimed and not taken is given back.
    """

    def __init__(self, database: Database, name: str, now: Callable[[], datetime], waiting: Iterable[int]) -> None:
        self._database, self._name, self._now = database, name, now
        self._waiting = deque(waiting)
        self._claimed: deque[Delivery] = deque()
        self._coming: list[Delivery] = []
        """Claimed by a transaction that is still under way: not to be sent before it is through."""
        self._results: list[Result] = []
        self._kept = self._renewed = monotonic()
        self._ahead = 2
        self._disk = ThreadPoolExecutor(max_workers=1)
        self._commit: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._settle()
            if self._results or self._claimed:
                with self._database.begin() as connection:
                    delivery.keep(connection, self._results)
                    delivery.release(connection, list(self._claimed))
        finally:
            self._disk.shutdown()

    def take(self) -> Delivery | None:
        """The next delivery, which nobody else has; None where there are no more."""
        if self._claimed and monotonic() - self._kept >= _TOGETHER:
            self._keep()
        while not self._claimed and (self._waiting or self._commit):
            if self._commit is None:
                self._keep()
            self._settle()
        return self._claimed.popleft() if self._claimed else None

    def note(self, result: Result) -> None:
        """What a try came to; it is kept within a twentieth of a second of sending, or before the next is sent."""
        self._results.append(result)

    def arrived(self, one: Delivery, parts: int) -> None:
        """Keep how many parts of a message have arrived, at once."""
        self._settle()
        with self._database.begin() as connection:
            delivery.arrived(connection, one.id, parts)
            delivery.renew(connection, self._name, self._now())

    def _keep(self) -> None:
        """Keep what is known, claim what follows where little is left, and renew the claims, in one transaction.

        The next message is sent while the disk writes it.
        """
        self._settle()
        following = 0 if len(self._claimed) > self._ahead // 2 else min(self._ahead, len(self._waiting))
        numbers = [self._waiting.popleft() for _ in range(following)]
        renewal = monotonic() - self._renewed > _RENEWAL
        if self._results or numbers or renewal:
            with ExitStack() as stack:
                connection = stack.enter_context(self._database.begin())
                delivery.keep(connection, self._results)
                if numbers:
                    self._coming = delivery.claim(connection, numbers, self._name, self._now())
                if renewal:
                    delivery.renew(connection, self._name, self._now())
                self._commit = self._disk.submit(stack.pop_all().close)
        self._results = []
        # as many as are sent within that time, so that no more than those wait for a slow one
        quick = monotonic() - self._kept < 4 * _TOGETHER
        self._ahead = min(2 * self._ahead, _AHEAD) if quick else max(self._ahead // 2, 1)
        self._kept = monotonic()
        self._renewed = self._kept if renewal else self._renewed

    def _settle(self) -> None:
        """Wait for the transaction that is under way; its error is raised."""
        if self._commit is not None:
            commit, self._commit = self._commit, None
            commit.result()
            self._claimed.extend(self._coming)
            self._coming = []
