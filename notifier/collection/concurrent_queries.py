"""Querying many targets, some at a time, and passing on what they answer while others are still queried.

However many targets there are, only the answers of a few hundred are in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from notifier.collection.collected_images import HeldImages
from notifier.collection.target_queries import CollectedTarget, ask
from notifier.collection.targets import CollectionTarget
from notifier.collection.threads import in_a_thread

TOGETHER = 250
"""Answers that are passed on together."""
_FILES, _FILES_BESIDE = 4, 256
"""Files that a query has open: three pipes and the process; and those of everything else."""
Told = Callable[[Sequence[CollectedTarget]], None]
"""Gets answers; one call at a time, in any thread."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How many targets are queried at a time, the seconds that each may take, and whether to query no more of them."""

    jobs: int
    seconds: float
    stopping: Callable[[], bool] = lambda: False
    together: int = TOGETHER


def gather(
    targets: Sequence[CollectionTarget],
    effort: Effort,
    told: Told,
    held: HeldImages | None = None,
) -> int:
    """Query every target, in this order; returns how many, which are fewer if it was to stop.

    `told` gets the answers as they come, a few hundred together, and `held` the images that hosts have. A signal that
    ends the program also ends the processes that it started: what was answered is passed on, and KeyboardInterrupt
    raised.
    """
    work = _Gathering(targets, effort, told, held or HeldImages())
    _allow_files(effort.jobs)
    try:
        asyncio.run(work.run())
    except (asyncio.CancelledError, KeyboardInterrupt):
        work.pass_rest()
        raise KeyboardInterrupt from None
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    work.pass_rest()
    return work.begun


@dataclass(slots=True)
class _Gathering:
    targets: Sequence[CollectionTarget]
    effort: Effort
    told: Told
    held: HeldImages
    begun: int = 0
    answers: list[CollectedTarget] = field(default_factory=list)
    """Those that were not passed on."""
    passing: asyncio.Future[None] | None = None
    """The call of `told` that is at work."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Query all, each part of the work taking the next target."""
        try:
            with _ended_by_signals():
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self.effort.jobs, len(self.targets))):
                        group.create_task(self._ask_on())
        finally:
            if self.passing is not None:
                await self.passing

    async def _ask_on(self) -> None:
        while self.begun < len(self.targets) and not self.effort.stopping():
            number = self.begun
            self.begun += 1
            answer = await ask(self.targets[number], self.effort.seconds, self.held)
            self.answers.append(replace(answer, place=number))
            if len(self.answers) >= self.effort.together:
                await self._pass_on()

    async def _pass_on(self) -> None:
        """Pass the answers on in a thread, since the event loop watches the time limits. Others wait for their turn."""
        async with self.turn:
            if len(self.answers) >= self.effort.together:
                some, self.answers = self.answers, []
                self.passing = asyncio.ensure_future(in_a_thread(partial(self.told, some)))
                await asyncio.shield(self.passing)

    def pass_rest(self) -> None:
        """Pass on what is left."""
        if self.answers:
            self.told(self.answers)


def _allow_files(jobs: int) -> None:
    """Raise the soft limit of open files, if it is too low for so many queries: most systems say 1,024."""
    wanted = _FILES * jobs + _FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within this block, SIGTERM and SIGHUP cancel the task as SIGINT does, unless they are ignored."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    own = threading.current_thread() is threading.main_thread()
    caught = [s for s in (signal.SIGTERM, signal.SIGHUP) if own and signal.getsignal(s) is not signal.SIG_IGN]
    for number in caught:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
