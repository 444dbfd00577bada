"""Fetching, seen from outside: a job goes to a child process, outcomes come back one by one.

The crawl runs in a process of its own (`python -m feeds.crawl`).  That gives it a deadline and a
memory limit that hold whatever a document does to a parser, lets it run again and again, and lets
this process load its database layer meanwhile.  The child reads its job from standard input and
ends when that closes, so it cannot outlive the process that asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

import msgspec

from feeds.document import Ask, Wanted

MEMORY = 2 << 30
"""Bytes of address space that the child may use."""
_GRACE = 8.0


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a document between polls: its validators, and what it led to."""

    etag: str = ""
    last_modified: str = ""
    follow: tuple[Ask, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch, and how. Times are in seconds."""

    sources: tuple[str, ...] = ()
    """Which to ask; () is all of them."""
    disabled: frozenset[str] = frozenset()
    urls: dict[str, dict[str, str]] = {}
    wanted: Wanted = Wanted()
    known: dict[str, Known] = {}
    not_before: dict[str, datetime] = {}
    """Hosts that asked to be left alone, and until when."""
    mirror: str = ""
    contact: str = ""
    host_seconds: float = 60.0
    poll_seconds: float = 120.0
    bodies: bool = False
    """Whether outcomes are to hold what was read as it came."""


class Piece(msgspec.Struct, frozen=True):
    """One item of a document: its key there, and its JSON, kept as it is until somebody needs the value."""

    key: str
    payload: msgspec.Raw


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one question.

    `result` is "read" (items are new), "same" (304), "missing" (404 or 410, where that may be)
    or "failed".
    """

    source: str
    url: str
    form: str
    complete: bool
    """Whether the source's documents list everything there is."""
    result: str
    at: datetime
    reason: str = ""
    etag: str = ""
    last_modified: str = ""
    items: tuple[Piece, ...] = ()
    follow: tuple[Ask, ...] = ()
    retry_at: datetime | None = None
    status: int = 0
    """Of HTTP; 0 where nothing was answered."""
    body: bytes = b""


class Line(msgspec.Struct, omit_defaults=True):
    """One line of the child's answer; the last one says that all questions were answered."""

    outcome: Outcome | None = None
    done: bool = False
    problem: str = ""


class Crawl:
    """A child process that waits for its job; a context manager that ends it in any case."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.complete = False
        self.problem = ""
        # -P: a file in the working folder that is called like a module must not be imported
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "feeds.crawl"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment if environment is not None else os.environ),
            cwd="/",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, job: Job) -> Iterator[Outcome]:
        """Send the job, and yield what comes of it. Afterwards `complete` says whether all was answered."""
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        limit = threading.Timer(job.poll_seconds + _GRACE, child.kill)
        limit.daemon = True
        limit.start()
        try:
            child.stdin.write(msgspec.json.encode(job) + b"\n")
            child.stdin.flush()
            decoder = msgspec.json.Decoder(Line)
            for raw in child.stdout:
                line = decoder.decode(raw)
                if line.outcome is not None:
                    yield line.outcome
                self.complete = self.complete or line.done
                self.problem = line.problem or self.problem
        except (BrokenPipeError, msgspec.MsgspecError) as error:
            self.problem = f"the crawl broke off: {error}"
        finally:
            limit.cancel()
        if not self.complete and not self.problem:
            code = child.wait()
            cause = "out of time" if code == -9 else f"exit status {code}"
            self.problem = f"the crawl ended early ({cause})"

    def close(self) -> None:
        """End the child if it still runs, and release its pipes."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
