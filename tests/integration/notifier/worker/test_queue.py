"""The queue on PostgreSQL: jobs come with their transaction, and end once, whoever dies on the way."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from procrastinate.jobs import Job, Status

from feeds.core.errors import DatabaseError, UnknownName, UsageProblem
from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.components import Component, Host
from notifier.domain.jobs import DUE, MATCH, JobState, deliver_job, digest_jobs
from notifier.domain.pushes import Push
from notifier.services.hosts.host_storing import ImportOptions, store
from notifier.services.hosts.importing import ReadOptions, import_text
from notifier.services.hosts.pushes import store_pushes
from notifier.services.pipeline.stages import make_digests, match_all, queue_due
from notifier.services.sending.queueing import DigestStage, queue_digests
from notifier.services.snapshot.settings import Settings
from notifier.services.upkeep import jobs as services
from notifier.services.upkeep.jobs import JobQuery
from notifier.storage import jobs, jobs_schema, stage_statistics, subscriptions, tables, watermarks
from notifier.worker.queue import queue_of
from notifier.worker.tasks import Work
from tests.conftest import Program, fresh_postgres
from tests.support.pages import SCHEMAS
from tests.support.samples import DAY, NOW, install, publish, record, subscribe
from tests.support.schemas import problems

MINUTE = timedelta(minutes=1)
CSV = "host,product,version\nweb-1,engine,25.0.5\n{more}"


@pytest.fixture
def database(postgres: sa.URL) -> Iterator[Database]:
    opened = Database(fresh_postgres(postgres))
    yield opened
    opened.close()


def waiting(database: Database) -> list[str]:
    found = services.list_jobs(database, JobQuery((JobState.WAITING,))).jobs
    return sorted(f"{j.task} {j.about or j.items or ''}".strip() for j in found)


def imported(database: Database, more: str = "", *, strict: bool = False) -> bool:
    text = io.BytesIO(CSV.format(more=more).encode())
    options = (ReadOptions(), ImportOptions("test", strict=strict))
    return import_text(database, text, "hosts.csv", options, NOW).complete


def begun(database: Database, *numbers: int, worker: int | None = None) -> None:
    """Let jobs be at work, by a worker or by one that is forgotten."""
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = :w WHERE id = ANY(:n)"),
            {"w": worker, "n": list(numbers)},
        )


def registered(database: Database, silent: str = "0 seconds") -> int:
    """A worker that gave its last sign of life a time ago."""
    statement = "INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - :s ::interval) RETURNING id"
    with database.begin() as connection:
        return int(connection.execute(sa.text(statement), {"s": silent}).scalar_one())


def test_an_import_that_is_rolled_back_leaves_no_job_and_others_share_one(database: Database) -> None:
    assert imported(database, "web-2,engine,\n", strict=True) is False
    assert waiting(database) == []
    assert imported(database)
    assert imported(database)
    assert waiting(database) == ["match"]


def test_a_job_that_waits_is_not_begun_before_what_it_is_to_see_is_there(database: Database) -> None:
    imported(database)
    fetch = sa.text("SELECT id FROM jobs.procrastinate_fetch_job_v2(ARRAY['core'], :worker)")
    worker = registered(database)
    with database.begin() as connection:
        jobs.enqueue(connection, [MATCH])
        with database.begin() as other:
            assert other.execute(fetch, {"worker": worker}).scalar() is None
    with database.begin() as connection:
        assert connection.execute(fetch, {"worker": worker}).scalar() is not None


def test_the_installed_queue_is_the_one_that_the_schema_is_made_of() -> None:
    found = jobs_schema.installed()
    assert found is not None
    assert found[0] == jobs_schema.PINNED, "pin the new version, and write a migration from the old one"


def test_missing_tables_are_created_and_those_of_another_version_refused(database: Database) -> None:
    with database.begin() as connection:
        jobs_schema.drop(connection)
    imported(database)
    with pytest.raises(UsageProblem, match="no worker has worked on it"):
        services.list_jobs(database)
    services.prepare(database)
    imported(database)
    assert waiting(database) == ["match"]
    services.prepare(database)
    assert waiting(database) == ["match"], "an upgrade leaves what waits"
    with database.begin() as connection:
        connection.execute(sa.text("COMMENT ON SCHEMA jobs IS 'Procrastinate 1'"))
    with pytest.raises(DatabaseError, match=r"another version of the queue.*DROP SCHEMA jobs CASCADE"):
        services.prepare(database)


# fails when all is written and enqueued, and the transaction ends
_NO_COMMIT = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no commit today'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse()
"""


def test_an_upgrade_leaves_the_jobs_that_wait_and_are_at_work(database: Database) -> None:
    config = database.alembic()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0022")  # the revision that the queue came with
        jobs.enqueue(connection, [MATCH, deliver_job("a"), *digest_jobs(range(30))])
    at_work = services.list_jobs(database).jobs[0].id
    begun(database, at_work, worker=registered(database))
    before = [(j.id, j.task, j.state) for j in services.list_jobs(database).jobs]
    assert database.upgrade() is True
    services.prepare(database)
    assert [(j.id, j.task, j.state) for j in services.list_jobs(database).jobs] == before
    assert len(before) == 4


@pytest.mark.parametrize("fails", ["import", "push", "digests", "collection"])
def test_whatever_is_rolled_back_leaves_no_job(database: Database, tmp_path: Path, fails: str) -> None:
    host = Host("web-7", (Component("engine", "25.0.1"),))
    fleet(database, tmp_path)
    match_all(database, NOW, Settings())
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM jobs.procrastinate_jobs"))
        connection.execute(sa.text(_NO_COMMIT.format(table={"digests": "outbox"}.get(fails, "host"))))
    steps: dict[str, Callable[[], object]] = {
        "import": lambda: imported(database),
        "push": lambda: store_pushes(database, [Push((host,))], NOW),
        "digests": lambda: make_digests(database, range(1, 4), NOW, Settings()),
        "collection": lambda: store(database, [host], ImportOptions("zone"), NOW),
    }
    with pytest.raises(DatabaseError, match="no commit today"):
        steps[fails]()
    assert waiting(database) == []


def test_a_role_that_may_not_create_the_queue_is_told_what_to_grant(database: Database) -> None:
    role = f"weak_{database.url.database}"
    with database.begin() as connection:
        jobs_schema.drop(connection)
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data, pg_write_all_data")
    url = database.url.set(username=role, drivername="postgresql").render_as_string(hide_password=False)
    with closing(Database(url)) as weak:
        with pytest.raises(
            DatabaseError, match=rf"may not create the schema `jobs`.*GRANT CREATE ON DATABASE.* {role}"
        ):
            services.prepare(weak)
        assert imported(weak), "all but workers works"


@pytest.mark.long
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("COMMENT ON SCHEMA jobs IS 'Procrastinate 9'", "DROP SCHEMA jobs CASCADE"),
        ("UPDATE alembic_version SET version_num = '9999'", "Upgrade Navtex, or restore a backup"),
    ],
    ids=["the queue's", "Navtex's own"],
)
def test_a_worker_refuses_another_schema(
    database: Database, program_with: Callable[..., Program], statement: str, said: str
) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(statement)
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    assert said in program_with(NAVTEX_DATABASE_URL=url)("worker", "--drain", status=1).stderr


def test_jobs_of_the_dead_wait_again_unless_the_next_one_does_their_work(database: Database) -> None:
    dead, living = registered(database, "61 seconds"), registered(database, "50 seconds")
    with database.begin() as connection:
        jobs.enqueue(connection, [deliver_job("a"), MATCH, DUE])
    by_task = {j.task: j.id for j in services.list_jobs(database).jobs}
    begun(database, by_task["match"], by_task["deliver"], worker=dead)
    begun(database, by_task["digests_due"], worker=living)
    with database.begin() as connection:
        jobs.enqueue(connection, [MATCH])
    assert services.rescue(database, NOW) == (1, 1)
    assert waiting(database) == ["deliver a", "match"]
    states = {j.id: j.state for j in services.list_jobs(database).jobs}
    assert states[by_task["match"]] is JobState.FAILED
    assert states[by_task["digests_due"]] is JobState.RUNNING
    assert services.rescue(database, NOW) == (0, 0)
    printed = json.loads(msgspec.json.encode(services.list_jobs(database)))
    assert list(problems(printed, json.loads((SCHEMAS / "job-list.json").read_text()))) == []
    with database.connect() as connection:
        assert {t.stage: t.runs for t in stage_statistics.tallies(connection)} == {"rescued": 1, "superseded": 1}


def test_a_job_that_kills_its_workers_is_given_up(database: Database) -> None:
    with database.begin() as connection:
        jobs.enqueue(connection, [deliver_job("a")])
    for n in range(6):
        begun(database, 1)
        assert services.rescue(database, NOW) == ((1, 0) if n < 5 else (0, 1))
    assert waiting(database) == []


def test_whoever_was_taken_for_dead_does_not_end_the_job_of_another(database: Database) -> None:
    with database.begin() as connection:
        jobs.enqueue(connection, [deliver_job("a")])
    old, new = registered(database), registered(database)
    begun(database, 1, worker=new)
    work = Work(Config(), database, {}, lambda: NOW, lambda *_, **__: None, lambda _: None)
    job = Job(id=1, queue="deliver", lock=None, queueing_lock=None, task_name="deliver")

    async def ends(worker: int) -> None:
        app = queue_of(work, (), 1, periodic=False)
        async with app.open_async():
            await app.job_manager.finish_job(job.evolve(worker_id=worker), Status.SUCCEEDED, delete_job=False)

    asyncio.run(ends(old))
    assert services.list_jobs(database).jobs[0].state is JobState.RUNNING
    asyncio.run(ends(new))
    assert services.list_jobs(database).jobs[0].state is JobState.DONE


def test_failed_jobs_are_retried_and_waiting_ones_cancelled(database: Database) -> None:
    with database.begin() as connection:
        jobs.enqueue(connection, [deliver_job("a")])
    with pytest.raises(UsageProblem, match="job 1 is waiting"):
        services.retry_job(database, 1)
    services.cancel_job(database, 1)
    with pytest.raises(UsageProblem, match=r"job 1 is cancelled\. Only waiting"):
        services.cancel_job(database, 1)
    with pytest.raises(UnknownName, match="no job 7"):
        services.cancel_job(database, 7)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE jobs.procrastinate_jobs SET status = 'failed'"))
    services.retry_job(database, 1)
    assert waiting(database) == ["deliver a"]
    services.tidy(database, NOW + 400 * DAY, 30)
    assert waiting(database) == ["deliver a"], "only what has ended is forgotten"


def fleet(database: Database, folder: Path) -> None:
    publish(database, record("CVE-2026-1", below="26.0.0"), record("CVE-2026-2", below="25.0.6"))
    install(database, lab_1="25.0.5", lab_2="25.0.6", web_1="24.0.0")
    for n in range(30):
        subscribe(database, f"file://{folder}/{n:02}", name=f"s{n:02}")


def messages(database: Database) -> list[tuple[Any, ...]]:
    """Everything that is to be sent, and what the history has of it, without numbers that depend on the order."""
    digest, told = tables.digest, tables.told
    with database.connect() as connection:
        sent = connection.execute(sa.select(digest.c.key, digest.c.message, digest.c.welcome).order_by(digest.c.key))
        known = sa.select(told.c.subscription, told.c.advisory, told.c.facets, told.c.at)
        rows = connection.execute(known.order_by(told.c.subscription, told.c.advisory))
        return [*map(tuple, sent), *map(tuple, rows)]


def test_cron_and_workers_make_identical_digests_of_one_state(
    database: Database, postgres: sa.URL, tmp_path: Path
) -> None:
    with closing(Database(fresh_postgres(postgres))) as other:
        compare(database, other, tmp_path)


def compare(database: Database, other: Database, folder: Path) -> None:
    """Make the same digests in both, as cron and as workers do."""
    for one in (database, other):
        fleet(one, folder)
    stage = DigestStage()
    for at in (NOW, NOW + DAY):
        queue_digests(database, at)
        match_all(other, at, Settings())
        queue_due(other, at, Settings())
        with other.connect() as connection:
            parts = [j.arguments["subscriptions"] for j in jobs.listed(connection) if j.task == "digest"]
        assert sorted(map(len, parts)) == [5, 25]
        for part in parts:
            make_digests(other, part, at, Settings(), stage)
        assert messages(database) == messages(other)
        with other.begin() as connection:
            connection.execute(sa.text("DELETE FROM jobs.procrastinate_jobs"))
        for one in (database, other):
            install(one, at + timedelta(hours=2), lab_9="25.0.1")
            publish(one, record("CVE-2026-3", below="25.0.7"), at=at + timedelta(hours=2))


def test_only_what_has_changed_since_the_last_look_is_looked_at(database: Database, tmp_path: Path) -> None:
    fleet(database, tmp_path)
    base = NOW.replace(minute=5)

    def due(at: int) -> list[str]:
        queue_due(database, base + at * MINUTE, Settings())
        return [name for name in waiting(database) if name.startswith("digest ")]

    def served(at: int) -> None:
        with database.begin() as connection:
            connection.execute(sa.text("DELETE FROM jobs.procrastinate_jobs"))
            numbers = [s.id for s in subscriptions.every(connection)]
        make_digests(database, numbers, base + at * MINUTE, Settings())

    assert len(due(0)) == 2
    assert len(due(0)) == 2, "what a job is at is left to it"
    served(0)
    assert due(1) == []
    with database.begin() as connection:
        subscriptions.pause(connection, "s07", paused=False)
    assert len(due(2)) == 1, "one was touched"
    served(3)
    install(database, base + 4 * MINUTE, lab_8="25.0.2")
    assert len(due(5)) == 2
    served(6)
    assert due(7) == []
    assert len(due(61)) == 2, "once an hour, whatever depends on the time"


def suspended(database: Database) -> None:
    """Begin to look, and go on when an import has waited for it."""
    with database.begin() as connection:
        watermarks.begin(connection, NOW)
        install(database, NOW, lab_1="25.0.5")
        connection.execute(sa.text("SELECT 1"))


@pytest.mark.long
def test_whoever_is_suspended_as_it_begins_to_look_stops_nobody_for_long(database: Database) -> None:
    with pytest.raises(DatabaseError, match=r"terminating connection .* Check the server, then try again"):
        suspended(database)
    with database.begin() as connection:
        assert connection.execute(sa.text("SHOW idle_in_transaction_session_timeout")).scalar() == "0"


def test_workers_and_jobs_need_postgresql(program_with: Callable[..., Program], tmp_path: Path) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=f"sqlite:///{tmp_path / 'navtex.db'}")
    navtex("db", "init")
    assert "workers need PostgreSQL, and the database is SQLite. Use `navtex run`" in navtex("worker", status=2).stderr
    assert "Workers need PostgreSQL" in navtex("job", "list", status=2).stderr
    assert "there is no queue 'mail'" in navtex("worker", "--queues", "core,mail", status=2).stderr
