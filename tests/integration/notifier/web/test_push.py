"""`POST /api/v1/inventory`: what a host pushes, what it is answered, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from feeds.storage.database import Database
from notifier.domain.access import Role, TokenScope, Viewer, Way
from notifier.domain.components import Host, component
from notifier.domain.filters import Scope
from notifier.domain.pushes import Push, PushResult
from notifier.inventory import InputOptions
from notifier.schemas.push import PushSummary
from notifier.services.hosts.inventory import host
from notifier.services.hosts.pushes import PushAnswer, read_push
from notifier.services.upkeep import metrics, push_checks
from notifier.storage import pushes
from notifier.web.api.push_queue import HostRates, PushQueue, QueueFull, QueueLimits, queue_of
from tests.support.api import Api, header
from tests.support.samples import NOW

NO_ENGINE = b"""=== navtex probe: begin ===
web-1

=== navtex probe: docker ===
Client:
 Version:           28.2.2
Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?
docker version ended with status 1

=== navtex probe: end ===
"""
DOCKER = (
    b'{"Client": {"Version": "29.5.1"}, "Server": {"Platform": {"Name": "Docker Engine - Community"}, "Version":'
    b'"29.5.1", "ApiVersion": "1.52", "Components": [{"Name": "Engine", "Version": "29.5.1", "Details": {}}]}}'
)
CSV = "host,product,version\n{},engine,{}\n"
HASTY = QueueLimits(gather=0.001, tell=0.01, idle=0.01)
"""Limits of a queue that waits for nothing: a writer without work ends at once."""
AGENT = Viewer("agents", Role.OPERATOR, way=Way.TOKEN, scopes=frozenset({TokenScope.PUSH}), hosts="web-*")


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    queue = queue_of(database, HASTY)
    yield Api(database, NOW, AGENT)
    waited_for(queue)


def waited_for(queue: PushQueue) -> None:
    """Let the writer of a queue end, as it does without work."""
    writer = queue._writer
    if writer:
        writer.join(20)


def content(name: str, version: str = "28.0.0") -> bytes:
    return CSV.format(name, version).encode()


def told(database: Database) -> dict[str, int]:
    with database.connect() as connection:
        return {result.value: number for result, number, _ in pushes.counts(connection)}


@pytest.mark.both
def test_a_host_reports_itself_and_is_told_what_changed(api: Api) -> None:
    ask = "POST /inventory"
    assert api.json(ask, content("web-1")) == {"hosts": 1, "new": 1, "changed": 0, "same": 0, "bad": []}
    assert api.json(ask, content("web-1")) == {"hosts": 1, "new": 0, "changed": 0, "same": 1, "bad": []}
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: api.json(ask, content("web-1", "29.0.0")), range(10)))
    assert sum(a["changed"] for a in answers) == 1
    assert sum(a["same"] for a in answers) == 9
    some_bad = content("web-2") + b"web-3,engine,latest\n"
    answer = api.json(ask, some_bad)
    assert (answer["hosts"], answer["new"], [row["where"] for row in answer["bad"]]) == (1, 1, ["line 3"])
    docker = DOCKER
    assert api.json(f"{ask}?host=web-4&tag=team%3Da", docker)["new"] == 1
    assert host(api.database, "web-4").tags == {"team": "a"}


def test_what_is_refused_says_why_stores_nothing_and_is_counted(sqlite_database: Database) -> None:
    queue = queue_of(sqlite_database, HASTY)
    api = Api(sqlite_database, NOW, AGENT)
    ask = "POST /inventory"
    for asked, body, status, words in (
        (ask, content("db-1"), 403, "'db-1'"),
        (ask, content("web-1") + content("DB-2").partition(b"\n")[2], 403, "'DB-2'"),
        (ask, b"hello", 422, "format"),
        (ask, b"", 422, "empty"),
        (ask, b"[" * 900_000, 422, "JSON"),
        (ask, content("web-1", "latest"), 422, "line 2"),
        (ask, DOCKER, 422, "?host=NAME"),
        (ask, NO_ENGINE, 422, "web-1: no engine answers: the docker daemon does not run"),
        (f"{ask}?from=nothing", content("web-1"), 400, "'nothing'"),
        (f"{ask}?prune=true", content("web-1"), 400, "'prune'"),
        (f"{ask}?host=web-{'0' * 300}", content("web-1"), 400, "too long"),
    ):
        said = api.json(asked, body, status)
        assert words in said["detail"], (body[:50], said)
    waited_for(queue)
    assert told(sqlite_database) == {"forbidden": 2, "unreadable": 8}
    with sqlite_database.connect() as connection:
        found = [f.what for f in push_checks.pushes(connection, datetime.now(UTC))]
        written = metrics.text(metrics.gather(connection, NOW))
    assert [what.rpartition(":")[2] for what in found] == [
        " the host is not one of the token's pattern",
        " nothing in them could be read",
    ]
    assert 'navtex_pushes{result="unreadable"} 8.0' in written


def test_a_limited_token_reports_hosts_with_its_tags_and_takes_over_no_other(sqlite_database: Database) -> None:
    api = Api(sqlite_database, NOW, AGENT)
    mine = replace(api, viewer=replace(AGENT, scope=Scope(tags={"team": "a"})))
    api.json("POST /inventory?tag=team%3Db", content("web-1"))
    assert "'web-1'" in mine.json("POST /inventory", content("web-1", "29.0.0"), 403)["detail"]
    tagged = b"host,product,version,tags\nweb-2,engine,28.0.0,team=b;env=lab\n"
    assert mine.json("POST /inventory", tagged)["new"] == 1
    assert host(sqlite_database, "web-1").tags == {"team": "b"}
    assert host(sqlite_database, "web-2").tags == {"team": "a", "env": "lab"}


def test_a_key_gets_the_same_answer_again_and_no_other_content(api: Api) -> None:
    ask = "POST /inventory"
    first = api.json(ask, content("web-1"), idempotency_key="k")
    assert api.json(ask, content("web-1"), idempotency_key="k") == first
    assert "Idempotency-Key" in api.json(ask, content("web-1", "29.0.0"), 422, idempotency_key="k")["detail"]
    other = replace(api, viewer=replace(AGENT, name="others"))
    assert other.json(ask, content("web-1"), idempotency_key="k")["same"] == 1
    assert api.json(ask, content("web-1"), 400, idempotency_key="with a blank")


def test_a_host_in_a_loop_is_slowed_down_and_no_other(api: Api) -> None:
    answers = [api("POST /inventory?host=web-9", content("web-9")).status for _ in range(HostRates.PER_MINUTE + 1)]
    assert answers == [200] * HostRates.PER_MINUTE + [429]
    refused = api("POST /inventory", content("web-9"))
    assert (refused.status, header(refused, "retry-after")) == (429, "60")
    assert api("POST /inventory", content("web-8")).status == 200


def put(queue: PushQueue, name: str, size: int = 0) -> Future[PushAnswer]:
    body = content(name)
    return queue.put(lambda: read_push(body, InputOptions()), size or len(body))


def test_too_many_that_wait_are_turned_away_and_those_that_wait_are_stored(sqlite_database: Database) -> None:
    queue = PushQueue(sqlite_database, QueueLimits(gather=0, waiting=2, bytes=1000, tell=0, idle=0.01))
    with sqlite_database.begin():  # the writer cannot commit
        put(queue, "a")
        while queue._waiting:
            threading.Event().wait(0.001)
        waiting = [put(queue, "b")]
        with pytest.raises(QueueFull):
            put(queue, "large", size=1000)
        waiting.append(put(queue, "c"))
        with pytest.raises(QueueFull):
            put(queue, "d")
        queue.refused(PushResult.BUSY)
    assert [isinstance(f.result(60), PushSummary) for f in waiting] == [True, True]
    waited_for(queue)
    assert told(sqlite_database) == {"busy": 1, "stored": 3}


def test_a_database_that_fails_is_told_and_the_next_push_is_stored(sqlite_database: Database) -> None:
    queue = PushQueue(sqlite_database, QueueLimits(gather=0, tell=0, idle=0.01))
    with sqlite_database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE host RENAME TO elsewhere")
    assert put(queue, "a").result(60) is PushResult.BUSY
    with sqlite_database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO host")
    assert isinstance(put(queue, "a").result(60), PushSummary)
    odd = Push((Host("\ud800", (component("engine", "28.0.0"),)),))
    assert queue.put(lambda: odd, 1).result(60) is PushResult.FAILED
    waited_for(queue)
    assert told(sqlite_database) == {"busy": 1, "failed": 1, "stored": 1}
