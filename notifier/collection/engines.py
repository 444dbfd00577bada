"""Querying an engine over its API: a unix socket, TCP, or TCP with TLS."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from feeds.core.errors import InventoryError
from notifier.inventory.formats.probe import fit

_LARGEST = 1 << 20
_TLS_FILES = ("ca.pem", "cert.pem", "key.pem")
_TCP = re.compile(r"tcp://(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}))(?::\d{1,5})?/?")


def host_of(address: str) -> str:
    """The host in the address of an engine; ValueError if the address is not `tcp://HOST:PORT`.

    >>> host_of("tcp://lab-1:2376"), host_of("tcp://[fd00::1]:2376")
    ('lab-1', 'fd00::1')
    """
    match = _TCP.fullmatch(address)
    if not match:
        raise ValueError(f"{address[:80]!r} is not the address of an engine: use tcp://HOST:PORT or unix:///PATH")
    return match["host"] or match["six"]


class EngineTls(NamedTuple):
    """TLS to an engine: the folder with ca.pem, cert.pem and key.pem, as far as they exist."""

    folder: Path
    verify: bool = True

    def problem(self) -> str:
        """Which file is missing of the three; "" if all are there."""
        missing = next((name for name in _TLS_FILES if not (self.folder / name).is_file()), "")
        return (
            f"there is no {missing} in {self.folder}, where `collect.tls` says the certificates are" if missing else ""
        )

    def context(self) -> ssl.SSLContext:
        """The SSL context; InventoryError if a file cannot be used."""
        ca, cert, key = (self.folder / name for name in _TLS_FILES)
        try:
            made = ssl.create_default_context(cafile=str(ca) if ca.exists() else None)
            if cert.exists() and key.exists():
                # an empty password, so that a key with one is an error and not a prompt
                made.load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as error:
            raise InventoryError(f"its TLS files cannot be used: {error}", where=str(self.folder)) from error
        if not self.verify:
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        return made


class Engine(NamedTuple):
    """The address of an engine: `unix:///PATH`, or `tcp://HOST:PORT`, with TLS or without."""

    address: str
    tls: EngineTls | None = None


class _Version(msgspec.Struct, frozen=True, rename="pascal"):
    arch: str = ""


class EngineAnswer(NamedTuple):
    """What an engine answers: its /version, and from its /info the host's name and the engine's id, or ""."""

    version: str
    name: str = ""
    id: str = ""

    @property
    def architecture(self) -> str:
        """The architecture of the host as images have it (`amd64`); "" where the engine does not report it."""
        try:
            return msgspec.json.decode(self.version, type=_Version).arch
        except (msgspec.DecodeError, RecursionError):
            return ""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(engine: Engine, seconds: float) -> EngineAnswer:
    """Query an engine; InventoryError, with the reason, if none answers. No step takes longer than `seconds`."""
    connection = connected(engine, seconds)
    try:
        status, version = get(connection, "/version")
        if status != 200:
            raise InventoryError(_refusal(status, version), where=engine.address)
        info = _info(connection)
    except (OSError, http.client.HTTPException, ValueError) as error:
        what, remedy = _reason(error, engine)
        raise InventoryError(what, where=engine.address, remedy=remedy) from error
    finally:
        connection.close()
    return EngineAnswer(version, *info)


def get(connection: http.client.HTTPConnection, path: str, largest: int = _LARGEST) -> tuple[int, str]:
    """The status and the body of an answer; ValueError if the body has more than `largest` bytes."""
    connection.request("GET", path, headers={"Host": "docker"})
    answer = connection.getresponse()
    body = answer.read(largest + 1)
    if len(body) > largest:
        raise ValueError(f"its answer is larger than {largest >> 20} MiB")
    return answer.status, body.decode("utf-8", "replace")


def _info(connection: http.client.HTTPConnection) -> tuple[str, str]:
    """The host's name and the engine's id; empty if the engine does not report them."""
    try:
        status, body = get(connection, "/info")
        said = msgspec.json.decode(body) if status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return "", ""
    if not isinstance(said, dict):
        return "", ""
    name, number = (str(said.get(field) or "").strip() for field in ("Name", "ID"))
    return (name if fit(name) else ""), number[:253]


def connected(engine: Engine, seconds: float) -> http.client.HTTPConnection:
    """A connection to an engine, which connects with its first request; InventoryError if the address is none."""
    try:
        parts = urlsplit(engine.address)
        port = parts.port
    except ValueError as error:
        raise InventoryError(f"cannot query an engine at {engine.address!r}: {error}", remedy=_ADDRESSES) from error
    if parts.scheme == "unix" and parts.path:
        return _UnixConnection(parts.path, seconds)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        if engine.tls or parts.scheme == "https":
            context = engine.tls.context() if engine.tls else None
            return http.client.HTTPSConnection(parts.hostname, port or 2376, timeout=seconds, context=context)
        return http.client.HTTPConnection(parts.hostname, port or 2375, timeout=seconds)
    raise InventoryError(f"cannot query an engine at {engine.address!r}", remedy=_ADDRESSES)


_ADDRESSES = "Use unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST"
_START = "Start Docker, or set DOCKER_HOST to its address"


def _refusal(status: int, body: str) -> str:
    if status == 400 and "HTTPS server" in body:
        return "it accepts only TLS: its context has no certificates, or DOCKER_TLS_VERIFY is not set"
    return f"the engine answers HTTP {status}"


def _reason(error: Exception, engine: Engine) -> tuple[str, str]:
    """Why no engine answers, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}", ""
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it: {error.reason or error}", ""
    if isinstance(error, PermissionError):
        return "permission denied to the socket", "Add this user to the group docker"
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        what = "no Docker: no engine answers" if engine.address.startswith("unix:") else "unreachable"
        return f"{what}: {error.strerror or error}", _START
    return ("timed out" if isinstance(error, TimeoutError) else f"the server is not an engine: {error}"), ""
