"""The outbox while it is delivered: claims what is due, and keeps what came of it.

A transaction waits for the disk, which takes longer than a message over a fast line. So a thread of its
own keeps what came of the messages since, and claims the next ones, while others are sent: at once where
they are few, ten times a second where they are many. Nothing is sent before its claim is written, and
nothing waits for a slow one to be kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Condition, Thread
from time import monotonic
from types import TracebackType
from typing import Self

from feeds.storage.database import Database
from notifier.domain.deliveries import Delivery, Result
from notifier.domain.retry import LEASE
from notifier.storage import outbox

_SOON, _TOGETHER = 0.005, 0.1
"""Seconds of results that are kept in one transaction, at least and at most: more while they come quickly."""
_AHEAD = 256
"""Deliveries that are claimed at once, at most, and only while they are sent quickly."""
_RENEWAL = LEASE.total_seconds() / 15


class Journal:
    """A context manager: `take` gives claimed deliveries until there are none, `note` and `arrived` keep results.

    At its end, whatever caused it, everything is kept, and what was claimed and not taken is given back.
    """

    def __init__(self, database: Database, name: str, now: Callable[[], datetime], waiting: Iterable[int]) -> None:
        self._database, self._name, self._now = database, name, now
        self._changed = Condition()
        """Guards all that follows."""
        self._waiting = deque(waiting)
        self._claimed: deque[Delivery] = deque()
        self._results: list[Result] = []
        self._under_way: list[Result] = []
        """Results in a transaction that is not through yet."""
        self._ahead, self._pause = 4, _SOON
        self._claiming = self._closing = False
        self._asked = self._renewed = monotonic()
        self._error: BaseException | None = None
        self._disk = Thread(target=self._work, name="journal", daemon=True)

    def __enter__(self) -> Self:
        self._disk.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._disk.join()
        results = [*self._under_way, *self._results]
        if results or self._claimed:
            with self._database.begin() as connection:
                outbox.keep(connection, results)
                outbox.release(connection, list(self._claimed))

    def take(self) -> Delivery | None:
        """The next delivery, which nobody else has; None where there are no more."""
        with self._changed:
            if self._short():
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._error or self._claimed or not (self._waiting or self._claiming))
            if self._error:
                raise self._error
            return self._claimed.popleft() if self._claimed else None

    def following(self) -> Delivery | None:
        """What `take` would give without waiting; None where nothing is claimed yet."""
        with self._changed:
            return self._claimed[0] if self._claimed else None

    def note(self, result: Result) -> None:
        """What a try came to; it is kept within a tenth of a second and a transaction."""
        with self._changed:
            self._results.append(result)
            if len(self._results) == 1:
                self._changed.notify_all()

    def arrived(self, one: Delivery, parts: int) -> None:
        """Keep how many parts of a message have arrived, at once."""
        with self._database.begin() as connection:
            outbox.arrived(connection, one.id, parts)

    def _work(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001 - it is raised where deliveries are taken
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _turn(self) -> bool:
        """Keep what is known, claim what follows where little is left, and renew the claims, in one transaction.

        False at the end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._results or self._short(), _RENEWAL)
            self._changed.wait_for(lambda: self._closing or self._short(), self._pause)
            if self._closing:
                return False
            self._pause = min(2 * self._pause, _TOGETHER) if len(self._results) > 1 else _SOON
            numbers = self._following() if self._short() else []
            self._under_way, self._results = self._results, []
            self._claiming = bool(numbers)
        renewal = monotonic() - self._renewed > _RENEWAL
        claimed: list[Delivery] = []
        if self._under_way or numbers or renewal:
            with self._database.begin() as connection:
                outbox.keep(connection, self._under_way)
                if numbers:
                    claimed = outbox.claim(connection, numbers, self._name, self._now())
                if renewal:
                    outbox.renew(connection, self._name, self._now())
        with self._changed:
            self._under_way, self._claiming = [], False
            self._renewed = monotonic() if renewal else self._renewed
            self._claimed.extend(claimed)
            self._changed.notify_all()
        return True

    def _short(self) -> bool:
        """Whether few are left of what was claimed, and more can be."""
        return bool(self._waiting) and len(self._claimed) <= self._ahead // 2

    def _following(self) -> list[int]:
        """The next to claim: as many as are sent within moments, so that no more than those wait for a slow one."""
        quick = monotonic() - self._asked < 2 * _TOGETHER
        self._ahead = min(2 * self._ahead, _AHEAD) if quick else max(self._ahead // 2, 1)
        self._asked = monotonic()
        return [self._waiting.popleft() for _ in range(min(self._ahead, len(self._waiting)))]
