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
from types import TracebackType
from typing import Self

import msgspec

from feeds.core.environment import for_child
from feeds.crawl.protocol import CrawlJob, CrawlMessage, FetchResult

_GRACE = 8.0


class Crawl:
    """A child process that waits for its job; a context manager that ends it in any case.

    `environment` is all that the child gets; None lets it have what a program on the network needs of this process's.
    `python` is the interpreter that runs it; "" stands for this process's.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, python: str = "") -> None:
        self.complete = False
        self.problem = ""
        # -P: a file in the working folder that is called like a module must not be imported
        self._child = subprocess.Popen(
            [python or sys.executable, "-P", "-m", "feeds.crawl"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment) if environment is not None else for_child(os.environ),
            cwd="/",
            process_group=0,  # Ctrl+C is for the parent, at whose end the child ends; it would write a traceback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, job: CrawlJob) -> Iterator[FetchResult]:
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
            decoder = msgspec.json.Decoder(CrawlMessage)
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
