"""Answers that other threads have: those that come at once wake the event loop once, and not once each."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_Pair = tuple["asyncio.Future[Any]", "Future[Any]"]
"""Who waits in the event loop, and for what."""


class Arrivals:
    """Waits in one event loop for what is finished in other threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._lock = threading.Lock()
        self._arrived: list[_Pair] = []

    async def of(self, given: Future[T]) -> T:
        """What another thread finds out."""
        waiting: asyncio.Future[T] = self.loop.create_future()
        given.add_done_callback(lambda found: self._add((waiting, found)))
        try:
            return await waiting
        except asyncio.CancelledError:
            given.cancel()
            raise

    def _add(self, pair: _Pair) -> None:
        with self._lock:
            first = not self._arrived
            self._arrived.append(pair)
        if first:
            self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, []
        for waiting, found in arrived:
            if waiting.done():
                continue
            if found.cancelled():
                waiting.cancel()
            elif error := found.exception():
                waiting.set_exception(error)
            else:
                waiting.set_result(found.result())
