"""Pushes that wait to be stored: one thread reads and commits them in groups.

A transaction each would be too slow, and so would be a thread each that reads it.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from weakref import WeakKeyDictionary, ref

from feeds.core.errors import DatabaseError
from feeds.storage.database import Database
from notifier.domain.pushes import Push, PushResult
from notifier.services.hosts.pushes import PushAnswer, count_pushes, refresh_verdicts, store_pushes


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How pushes are grouped, and how many may wait."""

    gather: float = 0.05
    """Seconds that a group is waited for, from its first push on."""
    group: int = 500
    waiting: int = 2000
    bytes: int = 32 << 20
    """Of the contents that wait: each push may be a MiB."""
    tell: float = 1.0
    """Seconds after which what was refused is counted in the database, and new components are assessed."""
    idle: float = 5.0
    """Seconds without work after which the thread ends; the next push starts another."""


class QueueFull(Exception):
    """Too many pushes wait."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A push that waits, and its answer."""

    read: Callable[[], Push]
    size: int
    """Of the content, in bytes."""
    answer: Future[PushAnswer] = field(default_factory=Future)
    since: float = field(default_factory=monotonic)


class HostRates:
    """How often each host reports itself: a loop on one host must not keep the others from being heard."""

    PER_MINUTE = 60
    _MOST = 200_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = -1
        self._counts: Counter[str] = Counter()

    def allowed(self, name: str, now: datetime) -> bool:
        """Whether a host may report itself once more in this minute."""
        minute = int(now.timestamp() // 60)
        with self._lock:
            if minute != self._minute or len(self._counts) > self._MOST:
                self._minute, self._counts = minute, Counter()
            self._counts[name] += 1
            return self._counts[name] <= self.PER_MINUTE


class PushQueue:
    """The pushes of one process for a database. Other processes have queues of their own."""

    def __init__(
        self,
        database: Database,
        limits: QueueLimits = QueueLimits(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._known = ref(database)  # the queues must not keep it alive
        self._limits, self._clock = limits, clock
        self._changed = threading.Condition()
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._refused: Counter[PushResult] = Counter()
        self.rates = HostRates()
        self._unassessed = False
        self._told = 0.0
        self._writer: threading.Thread | None = None

    @property
    def _database(self) -> Database:
        found = self._known()
        if found is None:
            raise DatabaseError("it was closed")
        return found

    def put(self, read: Callable[[], Push], size: int) -> Future[PushAnswer]:
        """Let a push of so many bytes wait. Its answer comes when it is committed, or what `read` raises.

        QueueFull if too many wait.
        """
        one = Waiting(read, size)
        with self._changed:
            if len(self._waiting) >= self._limits.waiting or self._bytes + size > self._limits.bytes:
                raise QueueFull
            self._waiting.append(one)
            self._bytes += size
            if len(self._waiting) in (1, self._limits.group):  # else the writer is at work, or lets a group gather
                self._work()
        return one.answer

    def refused(self, why: PushResult) -> None:
        """Count a push that was not let in."""
        with self._changed:
            self._refused[why] += 1
            self._work()

    def _work(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name="navtex-pushes", daemon=True)
            self._writer.start()
        self._changed.notify()

    def _run(self) -> None:
        while True:
            group = self._next()
            if group is None:
                return
            if read := _read(group):
                self._commit(read)
            with self._changed:
                self._bytes -= sum(one.size for one in group)
            self._tell()

    def _next(self) -> list[Waiting] | None:
        """The next group; [] if there is something else to do, None if nothing came for a while."""
        limits = self._limits
        with self._changed:
            busy = bool(self._refused) or self._unassessed
            if not self._waiting and not self._changed.wait_for(
                lambda: self._waiting, limits.tell if busy else limits.idle
            ):
                if not (busy or self._refused):
                    self._writer = None
                    return None
                return []
            left = self._waiting[0].since + limits.gather - monotonic()
            self._changed.wait_for(lambda: len(self._waiting) >= limits.group, max(0.0, left))
            return [self._waiting.popleft() for _ in range(min(limits.group, len(self._waiting)))]

    def _commit(self, group: list[tuple[Push, Future[PushAnswer]]]) -> None:
        with self._changed:
            refused, self._refused = self._refused, Counter()
        pushes = [push for push, _ in group]
        try:
            answers: tuple[PushAnswer, ...] = store_pushes(self._database, pushes, self._clock(), refused)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            result = PushResult.BUSY if isinstance(error, DatabaseError) else PushResult.FAILED
            answers = (result,) * len(group)
            refused[result] += len(group)
            with self._changed:
                self._refused += refused
        with self._changed:
            self._unassessed = True
        for (_, future), answer in zip(group, answers, strict=True):
            future.set_result(answer)

    def _tell(self) -> None:
        """Count what was refused and assess what is new, now and then. The next time if the database fails."""
        if monotonic() - self._told < self._limits.tell:
            return
        self._told = monotonic()
        with self._changed:
            refused, self._refused = self._refused, Counter()
            unassessed, self._unassessed = self._unassessed, False
        try:
            if refused:
                count_pushes(self._database, refused, self._clock())
                refused.clear()
            if unassessed:
                refresh_verdicts(self._database, self._clock())
        except Exception:  # noqa: BLE001 - whatever it is, pushes go on
            with self._changed:
                self._refused += refused


def _read(group: Iterable[Waiting]) -> list[tuple[Push, Future[PushAnswer]]]:
    """The pushes that can be read, with their answers. The others are answered."""
    found = []
    for one in group:
        try:
            found.append((one.read(), one.answer))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            one.answer.set_exception(error)
    return found


_queues: WeakKeyDictionary[Database, PushQueue] = WeakKeyDictionary()
_lock = threading.Lock()


def queue_of(database: Database, limits: QueueLimits = QueueLimits()) -> PushQueue:
    """The queue of this process for a database. Whoever asks first sets its limits."""
    with _lock:
        found = _queues.get(database)
        if found is None:
            found = _queues[database] = PushQueue(database, limits)
        return found
