"""The outbox while it is delivered: claims what is due, and writes the result of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Self

from feeds.core.errors import ChannelError
from feeds.storage.database import Database
from notifier.domain.deliveries import Delivery, Result
from notifier.domain.retry import LEASE
from notifier.storage import delivery_claims

HOLD = 0.05
"""Seconds for which results are held back, so that many quick messages share one transaction.

A transaction for each message would make 1,000 mails over a fast line take 1.9 times as long.
"""
FEWEST = 4
"""Deliveries that are claimed at once, at least."""
RENEWAL = LEASE.total_seconds() / 15


class DeliveryQueue:
    """A context manager: `take` claims the next delivery, `note` and `arrived` write the result of it.

    At its end, whatever caused it, every result is written and every unused claim is released. A claim that another
    process took over is its own: results of such deliveries are only logged, and gathered in `lost`.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        now: Callable[[], datetime],
        waiting: Iterable[int],
        *,
        renewal: float = RENEWAL,
    ) -> None:
        self._database, self._name, self._now, self._renewal = database, name, now, renewal
        self._waiting = deque(waiting)
        self._claimed: deque[Delivery] = deque()
        self._results: list[Result] = []
        self.lost: list[Result] = []
        self._written = self._renewed = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._results or self._claimed:
            with self._database.begin() as connection:
                self.lost += delivery_claims.keep(connection, self._results, self._name)
                delivery_claims.release(connection, list(self._claimed), self._name)

    def take(self) -> Delivery | None:
        """Return the next delivery, which no other process can claim; None when there are no more."""
        while self._waiting and not self._claimed:
            self._write()
        return self._claimed.popleft() if self._claimed else None

    def note(self, result: Result) -> None:
        """Record the result of an attempt: now, or with those of the next 50 milliseconds."""
        self._results.append(result)
        if monotonic() - self._written > HOLD:
            self._write()

    def arrived(self, one: Delivery, parts: int) -> None:
        """Write at once how many parts of a message have arrived. ChannelError where another process sends it now."""
        with self._database.begin() as connection:
            mine = delivery_claims.arrived(connection, one.id, parts, self._name)
            delivery_claims.renew(connection, self._name, self._now())
        if not mine:
            raise ChannelError(f"another process took it over after {parts} of its parts had arrived")

    def _write(self) -> None:
        """Write results, renew claims, and claim what is sent next: in one transaction."""
        renewal = monotonic() - self._renewed > self._renewal
        # enough until the next transaction, and not many more, so that few wait for a slow one
        missing = max(FEWEST, 2 * len(self._results)) - len(self._claimed)
        numbers = [self._waiting.popleft() for _ in range(min(missing, len(self._waiting)))]
        with self._database.begin() as connection:
            lost = delivery_claims.keep(connection, self._results, self._name)
            if renewal:
                delivery_claims.renew(connection, self._name, self._now())
            held = (
                delivery_claims.still_held(connection, [d.id for d in self._claimed], self._name) if renewal else set()
            )
            claimed = delivery_claims.claim(connection, numbers, self._name, self._now()) if numbers else []
        if renewal:
            # after a long pause, others may have taken over what was claimed before it
            self._claimed = deque(d for d in self._claimed if d.id in held)
        self.lost += lost
        self._results = []
        self._claimed.extend(claimed)
        self._written = monotonic()
        self._renewed = self._written if renewal else self._renewed
