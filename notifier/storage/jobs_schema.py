"""The queue's tables: Procrastinate's own statements, in the PostgreSQL schema `jobs`, of one version.

The statements are those of the installed package; a note at the schema says which they were, since Procrastinate keeps
no record of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

SCHEMA: Final = "jobs"


@dataclass(frozen=True, slots=True)
class QueueVersion:
    """A version of the queue's tables: hashes of its statements, and of the names of the migrations up to it."""

    statements: str
    migrations: str

    def __str__(self) -> str:
        return f"Procrastinate {self.statements[:12]} {self.migrations[:12]}"


PINNED: Final = QueueVersion(
    statements="c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009",
    migrations="99204cea38f27d280f5ba638a15e9fb12e7fe52929c128d5bdef4fbee90279d8",
)
"""The version that this Navtex works with: that of Procrastinate 3.10, whose last migration is 3.4.0."""


class QueueState(Enum):
    """Whether a database has the queue's tables: not at all, as this version needs them, or others."""

    MISSING = "missing"
    READY = "ready"
    OTHER = "other"


def installed() -> tuple[QueueVersion, str] | None:
    """The version of the installed package, and its statements; None if it is not installed. It is not imported."""
    found = find_spec("procrastinate")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "sql"
    statements = (folder / "schema.sql").read_bytes()
    names = sorted(file.name for file in (folder / "migrations").glob("*.sql"))
    version = QueueVersion(_hash(statements), _hash("\n".join(names).encode()))
    return version, statements.decode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def state(connection: Connection) -> QueueState:
    """Whether the queue's tables are there."""
    if connection.dialect.name != "postgresql":
        return QueueState.MISSING
    row = connection.execute(
        sa.text(
            "SELECT to_regclass('jobs.procrastinate_jobs') IS NOT NULL,"
            " obj_description(to_regnamespace('jobs'), 'pg_namespace')"
        )
    ).one()
    if not row[0]:
        return QueueState.MISSING
    return QueueState.READY if row[1] == str(PINNED) else QueueState.OTHER


def create(connection: Connection) -> bool:
    """Create the queue's tables, if there are none, the right version of the package is installed, and we may."""
    found = installed()
    if found is None or found[0] != PINNED or state(connection) is not QueueState.MISSING:
        return False
    allowed = "to_regnamespace('jobs') IS NOT NULL OR has_database_privilege(current_database(), 'CREATE')"
    if not connection.execute(sa.text(f"SELECT {allowed}")).scalar():
        return False
    driver: Any = connection.connection.driver_connection
    before = connection.execute(sa.text("SHOW search_path")).scalar_one()
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS jobs"))
    connection.execute(sa.text("SET LOCAL search_path TO jobs"))
    driver.execute(found[1])
    driver.execute(_FUNCTIONS)
    connection.execute(sa.text(f"COMMENT ON SCHEMA jobs IS '{PINNED}'"))
    connection.execute(sa.text("SELECT set_config('search_path', :before, true)"), {"before": before})
    return True


# jobs are also enqueued by connections that do not look into this schema
_FUNCTIONS = """
DO $$
DECLARE each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path TO jobs, pg_temp', each);
    END LOOP;
END $$
"""


def drop(connection: Connection) -> None:
    """Remove the queue's tables, with every job, if they are of this version."""
    if state(connection) is QueueState.READY:
        connection.execute(sa.text("DROP SCHEMA jobs CASCADE"))
