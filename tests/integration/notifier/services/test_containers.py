"""Containers that share their host's name and network: each is process 1 of a PID namespace, and none sends twice."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from feeds.storage.database import Database
from notifier.domain.delivery_claims import ClaimOwner
from notifier.domain.messages import Target
from notifier.domain.retry import DeliveryState
from notifier.rendering.notices import written
from notifier.services.sending import delivery_senders
from notifier.storage import delivery_claims, delivery_log, outbox, subscriptions
from tests.support.loopback import served
from tests.support.samples import START, subscribe

MINUTE = timedelta(minutes=1)

_DELIVER = """
import os, sys
from datetime import datetime
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.services.sending import delivery_senders
from notifier.services.sending.delivery import Deliveries, deliver
report = Deliveries()
print(os.getpid(), *delivery_senders.here(), flush=True)
with MessageSender() as sender:
    deliver(Database(sys.argv[1]), sender, report, datetime.fromisoformat(sys.argv[2]))
print(len(report.delivered), len(report.taken_over), flush=True)
"""


@pytest.fixture
def container() -> list[str]:
    """The command that starts a program as process 1 of namespaces of its own; as root in its own right, if need be."""
    user = ("--user", "--map-root-user") if os.geteuid() else ()
    command = ["unshare", *user, "--pid", "--fork", "--kill-child", "--mount-proc", "--uts"]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT TESTED: no PID namespace can be made here ({error})")
    return command


@dataclass
class Slow:
    """A server that holds its first answer back until it is allowed to."""

    port: int = 0
    came: threading.Event = field(default_factory=threading.Event)
    may: threading.Event = field(default_factory=threading.Event)
    messages: list[tuple[str | None, bytes]] = field(default_factory=list)
    """The key and the body of each request."""


@contextmanager
def slow() -> Iterator[Slow]:
    found = Slow()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.messages.append((self.headers["Idempotency-Key"], body))
            if len(found.messages) == 1:
                found.came.set()
                found.may.wait(60)
            try:
                self.send_response(200)
                self.end_headers()
            except OSError:
                pass  # whoever asked was killed

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.port = server.server_port
        with served(server):
            try:
                yield found
            finally:
                found.may.set()


def put(database: Database, port: int) -> None:
    target = Target(f"json://127.0.0.1:{port}/")
    subscribe(database, target.address, name="ops")
    with database.begin() as connection:
        message = written("key", "Message", ["text"], START)
        outbox.put(connection, subscriptions.named(connection, "ops"), message, [target], welcome=False)


def begun(container: list[str], database: Database, at: datetime) -> tuple[subprocess.Popen[str], list[str]]:
    """A container that delivers; and what it says of itself: its process, host, boot and namespace."""
    url = database.url.render_as_string(hide_password=False)
    command = [*container, sys.executable, "-c", _DELIVER, url, at.isoformat()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()


def ended(process: subprocess.Popen[str]) -> list[int]:
    """How many it delivered, and how many of them others had taken over."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return list(map(int, out.split()))


def outcomes(database: Database) -> list[str]:
    with database.connect() as connection:
        (entry,) = delivery_log.entries(connection)
    assert entry.state is DeliveryState.SENT
    return [a.outcome.value for a in entry.log]


@pytest.mark.long
def test_two_containers_leave_each_other_their_deliveries_and_the_late_one_changes_nothing(
    database: Database, container: list[str]
) -> None:
    with slow() as target:
        put(database, target.port)
        one, who = begun(container, database, START)
        assert target.came.wait(30)
        other, whose = begun(container, database, START + 5 * MINUTE)
        assert who[:3] == whose[:3] == ["1", socket.gethostname(), delivery_senders.here().boot]
        assert len({who[3], whose[3], delivery_senders.here().namespace}) == 3
        assert ended(other) == [0, 0]
        assert len(target.messages) == 1
        # nothing was heard of the first one for too long
        other, _ = begun(container, database, START + 16 * MINUTE)
        assert ended(other) == [1, 0]
        target.may.set()
        assert ended(one) == [1, 1]
    assert len(target.messages) == 2
    assert len(set(target.messages)) == 1, "a repeat is the same message, with the same key"
    assert outcomes(database) == ["interrupted", "sent", "sent"]


@pytest.mark.long
def test_what_a_killed_container_was_at_is_sent_again_by_the_next_one(database: Database, container: list[str]) -> None:
    with slow() as target:
        put(database, target.port)
        one, _ = begun(container, database, START)
        assert target.came.wait(30)
        one.kill()
        one.communicate()
        # started anew, it is process 1 again, of the same boot
        again, who = begun(container, database, START + 16 * MINUTE)
        assert who[:3] == ["1", socket.gethostname(), delivery_senders.here().boot]
        assert ended(again) == [1, 0]
    assert len(target.messages) == 2
    assert len(set(target.messages)) == 1
    assert outcomes(database) == ["interrupted", "sent"]


def test_a_claim_whose_process_number_another_program_has_now_ends_by_its_age(database: Database) -> None:
    put(database, 9)
    name = str(ClaimOwner(delivery_senders.here(), os.getppid(), "00000000"))
    with database.begin() as connection:
        assert delivery_claims.claim(connection, outbox.due(connection, START), name, START)
    for later, expected in ((14 * MINUTE, []), (16 * MINUTE, [1])):
        with database.begin() as connection:
            assert delivery_claims.recover(connection, START + later, delivery_senders.ended) == expected
