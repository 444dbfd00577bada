"""Whom API tokens stand for: tokens that come at the same time are looked up together, in one query."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from typing import Any

from notifier.domain.access import Viewer

Lookup = Callable[[Collection[str]], Mapping[str, Viewer]]
"""Finds whom some tokens stand for; those that are not valid are left out."""


class TokenChecks:
    """Looks tokens up in a thread pool, one query at a time.

    What comes while a query is under way waits for the next one, so every token is looked up after it came: a token
    that is revoked is refused from then on.
    """

    def __init__(self, pool: Executor, lookup: Lookup) -> None:
        self._pool, self._lookup = pool, lookup
        self._waiting: dict[str, list[asyncio.Future[Viewer | None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def viewer(self, secret: str) -> Viewer | None:
        """Whom a token stands for; None if it is not valid."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Viewer | None] = loop.create_future()
        self._waiting.setdefault(secret, []).append(found)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        return await found

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            known: Mapping[str, Viewer] = {}
            failed: Exception | None = None
            try:
                known = await asyncio.get_running_loop().run_in_executor(self._pool, self._lookup, list(batch))
            except Exception as error:  # noqa: BLE001 - whatever it is, each request that waits gets it
                failed = error
            for secret, waiting in batch.items():
                for one in waiting:
                    _finish(one, known.get(secret), failed)


def _finish(waiting: asyncio.Future[Any], value: Viewer | None, failed: Exception | None) -> None:
    if waiting.done():  # its request was cancelled
        return
    if failed is None:
        waiting.set_result(value)
    else:
        waiting.set_exception(failed)
