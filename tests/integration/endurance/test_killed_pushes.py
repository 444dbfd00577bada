"""A server that is killed has stored everything that it answered with 200."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from feeds.storage.database import Database
from notifier.domain.access import Actor, TokenScope
from notifier.domain.filters import Scope
from notifier.services.hosts.inventory import HostQuery, hosts
from notifier.services.people.tokens import NewToken, add_token
from notifier.storage import inventory
from tests.conftest import Program
from tests.support.server import serving

PUSHES, ENOUGH = 2000, 300


async def pushed(ports: list[int], secret: str, enough: threading.Event) -> dict[str, str]:
    """Push until the servers are gone; the versions of the hosts that were answered with 200."""
    done: dict[str, str] = {}
    waiting = iter([(f"web-{n % 700}", f"29.{n // 700}.0") for n in range(PUSHES)])

    async def one(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await send(port, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.transport.abort()

    async def send(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for name, version in waiting:
            body = f"host,product,version\n{name},engine,{version}\n".encode()
            front = f"POST /api/v1/inventory HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n"
            writer.write(front.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(part[15:]) for part in head.lower().split(b"\r\n") if part.startswith(b"content-length:"))
            await reader.readexactly(size)
            assert head.startswith(b"HTTP/1.1 200 "), head
            done[name] = max(done.get(name, ""), version)
            if len(done) >= ENOUGH:
                enough.set()

    await asyncio.gather(*(one(ports[n % len(ports)]) for n in range(32)))
    return done


@pytest.mark.long
def test_what_was_answered_is_stored_when_two_servers_are_killed(
    database: Database, program_with: Callable[..., Program]
) -> None:
    wanted = NewToken("test", frozenset({TokenScope.PUSH}))
    secret = add_token(database, Actor("test"), datetime.now(UTC), wanted, None).secret
    address = database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False)
    navtex = program_with(NAVTEX_DATABASE_URL=address)
    enough = threading.Event()
    with serving(navtex) as (first, one), serving(navtex) as (second, other):

        def kill() -> None:
            enough.wait(300)
            one.kill()
            other.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        done = asyncio.run(pushed([first, second], secret, enough))
        enough.set()
        killer.join()
    assert len(done) >= ENOUGH
    listed = hosts(database, HostQuery(), datetime.now(UTC)).value.hosts
    stored = {h.host: h.components[0].version for h in listed}
    assert {name: version for name, version in done.items() if stored.get(name, "") < version} == {}
    assert all(len(h.components) == 1 for h in listed)
    with database.connect() as connection:
        assert sum(p.hosts for p in inventory.populations(connection, Scope()).values()) == len(listed)
