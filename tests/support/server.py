"""`navtex serve` as a process."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import Program


@contextmanager
def serving(navtex: Program, port: int = 0) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server that answers; its port, and its process, which may be killed."""
    port = port or free_port()
    command = [sys.executable, "-m", "notifier.cli", "serve", "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, env=navtex.environment, cwd=navtex.home, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port, process
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/-/live")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError(f"the server does not answer; status {process.returncode}")
