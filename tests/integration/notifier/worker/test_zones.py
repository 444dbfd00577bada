"""Collecting by zones: in batches, by the worker that reaches the hosts, with a list of those that do not answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import trustme

from feeds.core.errors import ConfigError
from feeds.storage.database import Database
from notifier.config import Collecting
from notifier.domain.jobs import JobRequest, JobState
from notifier.services.hosts import inventory
from notifier.services.hosts.zones import ZonePart, collect_part, list_unanswered, plan_zone
from notifier.storage import jobs
from tests.conftest import Program, fresh_postgres
from tests.support.engines import files, listening
from tests.support.fleet import VERSION, client, computer
from tests.support.loopback import Answer, over_tls
from tests.support.samples import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(postgres: sa.URL) -> Iterator[Database]:
    opened = Database(fresh_postgres(postgres))
    yield opened
    opened.close()


def waiting(database: Database) -> list[tuple[str, int, int]]:
    """The collections that wait: queue, number of hosts, tries before."""
    with database.connect() as connection:
        found = [j for j in jobs.listed(connection, (JobState.WAITING,)) if j.task == "collect"]
    return [(j.queue, len(j.arguments["targets"]), j.arguments["tries"]) for j in found]


def test_a_round_is_planned_in_batches_and_voids_the_last_one(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    settings = Collecting(zones={"berlin": str(file)})
    with pytest.raises(ConfigError, match="hosts of the zone 'berlin' cannot be read"):
        plan_zone(database, settings, "berlin", NOW)
    file.write_text("".join(f"web-{n} env=prod\n" for n in range(230)))
    assert plan_zone(database, settings, "berlin", NOW) == 230
    assert plan_zone(database, settings, "berlin", NOW + MINUTE) == 230
    assert waiting(database) == [("collect.berlin", 30, 0), ("collect.berlin", 100, 0), ("collect.berlin", 100, 0)]
    late = ZonePart("berlin", ("web-1",), NOW)
    assert collect_part(database, settings, late, {}, NOW + 2 * MINUTE) == 0, "of an earlier round, nobody is asked"
    assert list_unanswered(database).hosts == ()


def test_a_worker_of_a_zone_asks_its_hosts_and_lists_those_that_do_not_answer(
    database: Database, program_with: Callable[..., Program], tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet"
    client(fleet)
    computer(fleet / "web-1", docker=VERSION)
    (tmp_path / "hosts").write_text("web-1 env=prod\nops@web-2\n")
    config = tmp_path / "config.toml"
    config.write_text(f'[collect.zones]\nberlin = "{tmp_path / "hosts"}"\n')
    navtex = program_with(
        PATH=f"{fleet / 'bin'}:{os.environ['PATH']}",
        NAVTEX_DATABASE_URL=database.url.set(drivername="postgresql").render_as_string(hide_password=False),
        NAVTEX_CONFIG=str(config),
    )
    plan_zone(database, Collecting(zones={"berlin": str(tmp_path / "hosts")}), "berlin", NOW)
    said = navtex("worker", "--drain", "--queues", "core", "--zone", "berlin").stderr
    assert "1 of 2 hosts of the zone berlin did not answer: see `navtex inventory unanswered`" in said
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert (host["host"], host["tags"]) == ("web-1", {"env": "prod"})
    (missing,) = navtex.json("inventory", "unanswered")["hosts"]
    assert (missing["zone"], missing["target"]) == ("berlin", "ops@web-2")
    assert missing["reason"]
    assert waiting(database) == [("collect.berlin", 1, 1)], "it is asked again in a minute"


def test_a_zone_holds_engines_that_are_queried_over_their_api(database: Database, tmp_path: Path) -> None:
    authority = trustme.CA()
    settings = Collecting(tls=str(files(tmp_path / "tls", authority)), timeout=5)
    info, server = Answer(body='{"Name": "other", "ID": "A"}'), json.dumps(json.loads(VERSION)["Server"])
    with over_tls(listening(authority), Answer(body=server), info) as engine:
        address = engine.url.replace("https://", "tcp://")
        lines = (f"{address} env=lab", "tcp://127.0.0.1:1 env=lab", "context:lob")
        part = ZonePart("lab", lines, NOW)
        assert collect_part(database, settings, part, {"DOCKER_CONFIG": str(tmp_path)}, NOW) == 2
    host = inventory.host(database, "127.0.0.1")
    assert (host.host, host.tags) == ("127.0.0.1", {"env": "lab"})
    reasons = {one.target: one.reason for one in list_unanswered(database).hosts}
    assert {name: reason.split(" (")[0] for name, reason in reasons.items()} == {
        "context:lob": f"there is no docker context 'lob' in {tmp_path}",
        "tcp://127.0.0.1:1": "unreachable: Connection refused",
    }
    assert waiting(database) == [("collect.lab", 2, 1)], "only those that did not answer are asked again"


def test_a_worker_that_is_to_stop_leaves_the_hosts_that_it_has_not_asked_to_the_next(
    database: Database, tmp_path: Path
) -> None:
    lines = tuple(f"tcp://127.0.0.1:{n}" for n in range(1, 7))
    asked = iter((False, False, True))
    part, settings = ZonePart("lab", lines, NOW), Collecting(jobs=1, timeout=5)
    assert collect_part(database, settings, part, {}, NOW, stopping=lambda: next(asked)) == 2
    assert sorted(waiting(database)) == [("collect.lab", 2, 1), ("collect.lab", 4, 0)]
    assert [one.target for one in list_unanswered(database).hosts] == list(lines[:2])


def test_why_a_job_failed_is_told(database: Database, program_with: Callable[..., Program], tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[collect.zones]\nberlin = "{tmp_path}/berlin.hosts"\n')
    navtex = program_with(
        NAVTEX_DATABASE_URL=database.url.set(drivername="postgresql").render_as_string(hide_password=False),
        NAVTEX_CONFIG=str(config),
    )
    with database.begin() as connection:
        jobs.enqueue(connection, [JobRequest("collect_plan", "core", {"zone": "berlin"})])
    navtex("worker", "--drain", "--queues", "core")
    (failed,) = navtex.json("job", "list", "--state", "failed")["jobs"]
    assert failed["problem"].startswith(f"{tmp_path}/berlin.hosts: the hosts of the zone 'berlin' cannot be read")
    said = navtex("job", "list", "--state", "failed").stderr
    assert f"Job {failed['id']} failed: {failed['problem']}" in said
