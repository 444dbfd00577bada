"""Running the probe on a host with the system's `ssh`, with limits of time and size."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from typing import NamedTuple

from feeds.core.environment import for_program
from feeds.core.errors import InventoryError
from notifier.inventory.formats.probe import SCRIPT

_LARGEST = 4 << 20
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@\\$-]{0,252}")
# in [USER@]HOST a colon is part of the name (IPv6); in ssh:// a port follows it
_ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[^/]*)@)?(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^@/:]*))(?::(?P<port>\d{1,5}))?/?"
)
_NAME = re.compile(r"(?:(?P<user>.*)@)?(?P<host>[^@]*)")


class Destination(NamedTuple):
    """A host as an argument of `ssh`: a name, an alias of its configuration, or an address."""

    host: str
    user: str = ""
    port: int = 0

    def arguments(self) -> list[str]:
        """The arguments of ssh; nothing in them can be an option."""
        named = f"{self.user}@{self.host}" if self.user else self.host
        return [*(["-p", str(self.port)] if self.port else []), "--", named]


def destination(text: str) -> Destination:
    """Parse `[USER@]HOST` or `ssh://[USER@]HOST[:PORT]`; ValueError if it is neither.

    Characters that ssh could read as an option, or a shell of its configuration as syntax, are refused.

    >>> destination("ssh://ops@web-1:2222").arguments(), destination("ops@web-1").arguments()
    (['-p', '2222', '--', 'ops@web-1'], ['--', 'ops@web-1'])
    """
    match = (_ADDRESS if text.startswith("ssh://") else _NAME).fullmatch(text)
    said = match.groupdict(default="") if match else {}
    host, user, port = said.get("six") or said.get("host", ""), said.get("user", ""), int(said.get("port") or 0)
    if not _HOST.fullmatch(host) or (user and not _USER.fullmatch(user)) or port > 65535:
        raise ValueError(f"{text[:80]!r} is not a host for ssh: use [USER@]HOST or ssh://[USER@]HOST[:PORT]")
    return Destination(host, user, port)


async def probe(to: Destination, seconds: float) -> str:
    """The output of the probe on a host; InventoryError, with the reason, if there is none.

    It ends within about `seconds`, with every process that `ssh` started here.
    """
    command = ["ssh", "-T", "-a", "-x", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={max(1, round(seconds))}"]
    # a master that stays in the background would keep our pipes open
    command += ["-o", "ClearAllForwardings=yes", "-o", "ControlMaster=no", *to.arguments(), "sh -s"]
    try:
        process = await _start(command)
    except OSError as error:
        raise InventoryError(f"ssh cannot be started: {error.strerror}", remedy="Install OpenSSH's client") from error
    try:
        async with asyncio.timeout(seconds):
            said, complaint = await _talk(process)
            status = await process.wait()
    except TimeoutError:
        raise InventoryError(f"timed out after {seconds:g} s") from None
    finally:
        await _end(process)
    if status == 0 or "=== navtex probe: end ===" in said:
        return said
    raise InventoryError(reason(status, complaint))


async def _start(command: list[str]) -> asyncio.subprocess.Process:
    """Start a program in a session of its own. If this is cancelled, the program is ended."""
    pipe = asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=for_program(os.environ)
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would end the program only, and wait for its children
        with contextlib.suppress(OSError):
            await _end(await starting)
        raise


async def _talk(process: asyncio.subprocess.Process) -> tuple[str, str]:
    assert process.stdin
    assert process.stdout
    assert process.stderr
    with contextlib.suppress(ConnectionError):
        process.stdin.write(SCRIPT.encode())
        process.stdin.write_eof()
    said, complaint = await asyncio.gather(_bounded(process.stdout), _bounded(process.stderr))
    return said.decode("utf-8", "replace"), complaint.decode("utf-8", "replace")


async def _bounded(stream: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while piece := await stream.read(1 << 16):
        found += piece
        if len(found) > _LARGEST:
            raise InventoryError(f"its answer is larger than {_LARGEST >> 20} MiB")
    return bytes(found)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and all processes of its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # closed before the wait: a pipe that is not read any more would not report the end of its writer
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
    await process.wait()


_REASONS = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key .{0,80} has changed", "host key changed"),
    (r"host key verification failed|no \S+ host key is known", "host key unknown"),
    (r"permission denied \(|too many authentication failures", "login refused"),
    (r"could not resolve hostname", "unreachable: unknown host name"),
    (r"timed out", "timed out"),
    (r"connection refused", "unreachable: connection refused"),
    (r"no route to host|network is unreachable|connection (?:closed|reset)|kex_exchange|broken pipe", "unreachable"),
)


def reason(status: int, complaint: str) -> str:
    """Why the probe did not run, by ssh's exit status and its standard error.

    >>> reason(255, "Host key verification failed.")
    'host key unknown (Host key verification failed.)'
    """
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    last = lines[-1][:200] if lines else ""
    known = next((words for pattern, words in _REASONS if re.search(pattern, complaint, re.IGNORECASE)), "")
    if status != 255:
        known = f"the remote command ended with status {status}"
    return f"{known or 'unreachable'}{f' ({last})' if last else ''}"
