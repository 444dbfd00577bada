"""The command line in a process forked from one that has already imported it, which saves most of a call's time.

The process has the arguments, environment, folder, input and output that the test gives, as a real one has.
`make test-all` starts real processes instead.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path

import notifier

_FILES = ("stdin", "stdout", "stderr")
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.preloaded"])

MAIN = Path(notifier.__file__).with_name("cli") / "__main__.py"
"""What `python -m notifier.cli` has as the name of the program."""


def call(
    arguments: Sequence[str], *, stdin: str, home: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `navtex` with these arguments; subprocess.TimeoutExpired after so many seconds."""
    with tempfile.TemporaryDirectory(prefix="navtex-call-") as folder:
        paths = [Path(folder) / name for name in _FILES]
        paths[0].write_text(stdin, encoding="utf-8")
        process = _CONTEXT.Process(target=_navtex, args=(list(arguments), paths, home, dict(environment)))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        output, errors = (p.read_text(encoding="utf-8") if p.exists() else "" for p in paths[1:])
        return subprocess.CompletedProcess(list(arguments), process.exitcode, output, errors)


def _navtex(arguments: list[str], paths: list[Path], home: Path, environment: dict[str, str]) -> None:
    from notifier.cli import main

    for number, path in enumerate(paths):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = TextIOWrapper(BufferedReader(FileIO(0, closefd=False)), "utf-8", "surrogateescape")
    sys.stdout = TextIOWrapper(BufferedWriter(FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
    sys.stderr = TextIOWrapper(
        BufferedWriter(FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(home)
    time.tzset()
    warnings.resetwarnings()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)
    sys.argv = [str(MAIN), *arguments]
    main(arguments)


def preload() -> None:
    """Import every module of the program."""
    for package in ("feeds", "notifier"):
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
