"""The command line in a process forked from one that has already imported it, which saves most of a call's time.

The process has the arguments, environment, folder, input and output that the test gives, as a real one has.
`make test-all` starts real processes in most of `tests/acceptance` instead.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import notifier
from feeds.crawl.client import Crawl
from notifier.alerts import sample
from notifier.rendering.notices import specimen
from tests.support import interpreter

_FILES = ("stdin", "stdout", "stderr")
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.preloaded"])

MAIN = Path(notifier.__file__).with_name("cli") / "__main__.py"
"""What `python -m notifier.cli` has as the name of the program."""


def python() -> str:
    """An interpreter that has imported the whole program: what the program starts itself is then forked, too."""
    return interpreter.started(_CONTEXT)


def crawl(**variables: str) -> Crawl:
    """A crawl by that interpreter, with this process's environment and these variables."""
    return Crawl(environment(**variables), python=python())


def environment(**variables: str) -> dict[str, str]:
    """This process's environment for a crawl, without a proxy or a token that may be in it."""
    unwanted = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "gh_token", "github_token"}
    return {**{k: v for k, v in os.environ.items() if k.lower() not in unwanted}, **variables}


def call(
    arguments: Sequence[str], *, stdin: str, home: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `navtex` with these arguments; subprocess.TimeoutExpired after so many seconds."""
    with tempfile.TemporaryDirectory(prefix="navtex-call-") as folder:
        paths = [Path(folder) / name for name in _FILES]
        paths[0].write_text(stdin, encoding="utf-8")
        given = (list(arguments), paths, home, dict(environment), python())
        process = _CONTEXT.Process(target=_navtex, args=given)
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        output, errors = (p.read_text(encoding="utf-8") if p.exists() else "" for p in paths[1:])
        return subprocess.CompletedProcess(list(arguments), process.exitcode, output, errors)


def _navtex(arguments: list[str], paths: list[Path], home: Path, environment: dict[str, str], python: str) -> None:
    from notifier.cli import main

    files = [os.open(p, os.O_WRONLY | os.O_CREAT if n else os.O_RDONLY) for n, p in enumerate(paths)]
    interpreter.become(files, home, environment)
    for file in files:
        os.close(file)
    sys.argv = [str(MAIN), *arguments]
    sys.executable = python
    main(arguments)


_LATER = (
    "alembic.autogenerate",
    "alembic.command",
    "cvss",
    "feedparser",
    "prometheus_client.openmetrics.exposition",
    "rich.console",
    "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg",
)
"""What the program imports only where it needs it."""


def preload() -> None:
    """Import every module of the program, and the libraries that it imports only where it needs them; make a digest."""
    for package in ("feeds", "notifier"):
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    for name in _LATER:
        importlib.import_module(name)
    # Apprise imports its two hundred plugins when it is given an address, Jinja compiles a template when it is rendered
    importlib.import_module("apprise.manager_plugins").NotificationManager().load_modules()
    specimen("a subscription", sample.AT)
    gc.collect()
    gc.freeze()  # so that collecting garbage does not copy what processes share
