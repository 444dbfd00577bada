"""Calls that block, beside an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def in_a_thread(call: Callable[[], T]) -> T:
    """The result of a call in a daemon thread; asyncio's own threads would delay the end of the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            settle = partial(done.set_result, call())
        except Exception as error:  # noqa: BLE001 - raised again where it is awaited
            settle = partial(done.set_exception, error)
        # in a closed loop nobody waits for it
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: done.done() or settle())

    threading.Thread(target=work, daemon=True).start()
    return await done
