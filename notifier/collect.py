"""Asking engines what they are: the local one, over its socket."""

from __future__ import annotations

import http.client
import os
import socket
from urllib.parse import urlsplit

from feeds.errors import InventoryError
from notifier.inventory import Inventory, gathered, read

_SOCKET = "/var/run/docker.sock"
_TIMEOUT = 10


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


def local(host: str = "", address: str = "") -> Inventory:
    """What the engine at DOCKER_HOST, or of this machine, says of itself (GET /version of its API).

    The host is called `host`, or as this machine is. InventoryError where no engine answers.
    """
    address = address or os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    connection = _connection(address)
    try:
        connection.request("GET", "/version", headers={"Host": "docker"})
        answer = connection.getresponse()
        body = answer.read(1 << 20)
    except (OSError, http.client.HTTPException) as error:
        remedy = "Start Docker, add this user to the group docker, or set DOCKER_HOST"
        raise InventoryError(f"no engine answers: {error}", where=address, remedy=remedy) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise InventoryError(f"the engine answers HTTP {answer.status}", where=address)
    return gathered(read(body, form="docker-version", host=host or socket.gethostname()))


def _connection(address: str) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path)
    if parts.scheme in ("tcp", "http") and parts.hostname:
        return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=_TIMEOUT)
    raise InventoryError(f"cannot ask an engine at {address!r}", remedy="Use unix:///PATH or tcp://HOST:PORT")
