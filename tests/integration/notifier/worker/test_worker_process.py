"""A worker from outside: when it ends by itself, and what it says then."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.storage import jobs
from notifier.worker.worker_process import _said
from tests.conftest import fresh_postgres


@pytest.fixture
def database(postgres: sa.URL) -> Iterator[Database]:
    opened = Database(fresh_postgres(postgres))
    yield opened
    opened.close()


def alive(database: Database) -> int:
    """How many workers there are."""
    with database.connect() as connection:
        return len(jobs.workers(connection)) if jobs.ready(connection) else 0


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is sure to come."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.long
def test_a_worker_ends_when_another_version_has_upgraded_the_database(database: Database, tmp_path: Path) -> None:
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    environment = os.environ | {"HOME": str(tmp_path), "NAVTEX_DATABASE_URL": address, "NAVTEX_LOG_LEVEL": "info"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.hasty_worker"], env=environment, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr
        try:
            until(lambda: bool(alive(database)))
            with database.begin() as connection:
                connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
            assert worker.wait(60) == 1
        finally:
            worker.kill()
        assert "is of another version. Upgrade Navtex here, too" in worker.stderr.read()


def test_an_error_that_says_nothing_is_told_by_its_cause() -> None:
    error = RuntimeError()
    error.__cause__ = ConnectionRefusedError("nothing listens")
    assert _said(error) == "ConnectionRefusedError: nothing listens"
    assert _said(RuntimeError("a\nb")) == "RuntimeError: a b"
