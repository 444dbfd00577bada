"""How thorough a run of the tests is: `make test` is short, `make test-all` is long."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

_NAME = "NAVTEX_TESTS_LONG"
_PROCESSES = "NAVTEX_TESTS_PROCESSES"


def is_long() -> bool:
    """Whether this is a long run (`pytest --long`)."""
    return bool(os.environ.get(_NAME))


def be_long() -> None:
    """Make this run, and the processes that it starts, a long one."""
    os.environ[_NAME] = "1"


def starts_processes() -> bool:
    """Whether the command line is started for each call instead of forked."""
    return bool(os.environ.get(_PROCESSES))


def start_processes(whether: bool) -> None:
    """Say so, for this process and those that it starts."""
    os.environ[_PROCESSES] = "1" if whether else ""


def examples(count: int) -> int:
    """How many examples Hypothesis tries: `count` in a long run, a tenth of that but at least 20 in a short one."""
    return count if is_long() else max(20, count // 10)


def size(count: int) -> int:
    """How much of something is tried: `count` in a long run, a tenth of that in a short one."""
    return count if is_long() else count // 10


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """The block takes at most so many seconds of processor time, whatever else the machine does.

    Four times as many where each line is traced, as it is when coverage is measured.
    """
    if sys.gettrace() is not None:
        seconds *= 4
    began = process_time()
    yield
    taken = process_time() - began
    assert taken < seconds, f"it took {taken:.1f} seconds of processor time"
