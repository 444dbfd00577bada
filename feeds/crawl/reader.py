"""Reading, away from the loop that fetches: a process of its own reads one document after the other.

What a host's documents may take of it is bounded, so that a host whose documents are slow to read fails alone and the
others are fetched meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from time import process_time
from typing import Any

import msgspec

from feeds.core.errors import ShapeError
from feeds.core.limits import HOST_READING
from feeds.crawl.download import host_of
from feeds.crawl.protocol import ItemPayload
from feeds.crawl.response_reading import Reading, TookTooLong, read
from feeds.sources.base import Document, Source

_LEAST = 0.05
"""Seconds below which nothing can be read."""


class Reader:
    """A process that reads documents. It is forked at once, before there is a thread, and ends with this one.

    `seconds` is how long the poll may take, `of_host` the processor time for the documents of one host.
    """

    def __init__(self, sources: Iterable[Source], seconds: float, *, of_host: float = HOST_READING) -> None:
        self._of_host = of_host
        self._used: Counter[str] = Counter()
        self._turn = asyncio.Lock()
        self._pipe, there = Pipe()
        self._process = os.fork()
        if self._process == 0:
            self._pipe.close()
            _serve(there, {s.name: s for s in sources}, int(seconds) + 1)
        there.close()

    def close(self) -> None:
        """End the process, and wait for its end: it leaves nothing behind."""
        self._pipe.close()
        os.kill(self._process, signal.SIGKILL)  # it may be in the middle of a document; it holds nothing that is kept
        os.waitpid(self._process, 0)

    async def read(self, source: Source, document: Document) -> Reading:
        """What a document holds; ShapeError with the reason where it cannot be read."""
        async with self._turn:
            host = host_of(document.url)
            left = self._of_host - self._used[host]
            if left < _LEAST:
                raise ShapeError(f"the documents of {host} took {self._of_host:g} seconds to read")
            try:
                took, found = await asyncio.to_thread(self._asked, (source.name, document, left))
            except (EOFError, OSError):
                raise ShapeError("the process that reads documents has ended") from None
        self._used[host] += took
        if isinstance(found, str):
            raise ShapeError(found)
        parsed, pieces, refused = found
        return Reading(parsed, tuple(ItemPayload(key, msgspec.Raw(raw)) for key, raw in pieces), refused)

    def _asked(self, question: tuple[str, Document, float]) -> Any:
        self._pipe.send(question)
        return self._pipe.recv()


def _serve(pipe: Connection, sources: dict[str, Source], seconds: int) -> None:
    """Read until nobody asks any more. Never returns."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # whoever waits for the end of these must not wait for this process
        os.dup2(nothing, stream)
    # what a library written in C does not come back from ends here
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        while True:
            name, document, left = pipe.recv()
            began, least = process_time(), 0.0
            try:
                parsed, pieces, refused = read(sources[name], document, left)
                found: Any = (parsed, tuple((p.key, bytes(p.payload)) for p in pieces), refused)
            except ShapeError as error:
                found = str(error)
                # the clock that ends it is not the one that is read here
                least = left if isinstance(error, TookTooLong) else 0.0
            pipe.send((max(process_time() - began, least), found))
    except (EOFError, OSError):
        pass
    finally:
        sys.stderr.flush()
        os._exit(0)
