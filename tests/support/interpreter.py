"""A Python interpreter that starts with the whole program imported: what the program runs as a child is forked.

`started` gives the path of a small program. Called as `python -P -m MODULE` or `python -P -c CODE` is, it asks a server
to fork and to run that with its arguments, environment, folder and files; it ends as what it asked for does, and that
ends with it. Importing Scrapy or Apprise takes most of the time of a crawl or of a message otherwise.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import multiprocessing
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, NoReturn

_MOST = 1 << 17
_LATE = (
    "apprise",
    "feeds.crawl.__main__",
    "protego",
    "scrapy.dupefilters",
    "scrapy.logformatter",
    "scrapy.pqueues",
    "scrapy.robotstxt",
    "scrapy.squeues",
    "scrapy.statscollectors",
)
"""What the program, and Scrapy at each crawl, imports when it needs it."""
_PROGRAM = """#!{python} -ISE
import json, os, signal, socket, sys
asked = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    socket.send_fds(server, [asked], [0, 1, 2])
    for at in (0, 1, 2):
        os.close(at)
    status = int(server.recv(64) or b"255")
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), -status)
os._exit(status)
"""

_started: dict[int, str] = {}


def started(context: ForkServerContext) -> str:
    """The path of an interpreter of this process, which is started when it is asked for first."""
    if (path := _started.get(os.getpid())) is None:
        folder = Path(tempfile.mkdtemp(prefix="navtex-python-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        address = str(folder / "socket")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(address)
        listener.listen(64)  # who connects before the server is there waits
        program = folder / "python"
        context.Process(target=_serve, args=(listener, str(program)), daemon=True).start()
        listener.close()
        program.write_text(_PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
        program.chmod(0o700)
        path = _started[os.getpid()] = str(program)
    return path


def become(paths: Sequence[int], folder: str | Path, environment: Mapping[str, str]) -> None:
    """Give this process other files for its input and output, another folder and another environment."""
    for number, opened in enumerate(paths):
        os.dup2(opened, number)
    sys.stdin = TextIOWrapper(BufferedReader(FileIO(0, closefd=False)), "utf-8", "surrogateescape")
    sys.stdout = TextIOWrapper(BufferedWriter(FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
    sys.stderr = TextIOWrapper(
        BufferedWriter(FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    time.tzset()
    if "PYTHONWARNINGS" in environment:
        warnings.resetwarnings()
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)


def _serve(listener: socket.socket, program: str) -> None:
    """Fork a process for each that connects, until the process that started this ends."""
    sys.executable = program  # what they start is forked, too
    for module in _LATE:
        importlib.import_module(module)
    assert "twisted.internet.reactor" not in sys.modules  # children cannot share one
    gc.collect()
    gc.freeze()
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.sentinel not in (ready := wait([listener, parent.sentinel], 10)):
        if listener in ready:
            there, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(there)
            there.close()
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        gc.unfreeze()


def _attend(there: socket.socket) -> NoReturn:
    """Run what was asked for in a process, and say how that ended; end it when the one who asked goes away."""
    status = 255
    try:
        raw, files, _, _ = socket.recv_fds(there, _MOST, 3)
        arguments, environment, folder = json.loads(raw)
        child = os.fork()
        if child == 0:
            there.close()
            _run(arguments, environment, folder, files)
        for file in (*files, 0, 1, 2):
            os.close(file)
        ended = os.pidfd_open(child)
        if there.fileno() in select.select([there.fileno(), ended], [], [])[0]:
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        there.send(str(status).encode())
    finally:
        os._exit(0)


def _run(arguments: list[str], environment: dict[str, str], folder: str, files: list[int]) -> NoReturn:
    status = 1
    try:
        become(files, folder, environment)
        for file in files:
            os.close(file)
        gc.unfreeze()
        status = _program(arguments)
        sys.stdout.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
    finally:
        os._exit(status)


def _program(arguments: list[str]) -> int:
    match [a for a in arguments if a != "-P"]:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            sys.modules.pop(f"{module}.__main__", None)
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            space: dict[str, Any] = {"__name__": "__main__"}
            exec(code, space)  # noqa: S102 - this is what -c is
        case other:
            raise AssertionError(f"nothing runs {other} here")
    return 0
