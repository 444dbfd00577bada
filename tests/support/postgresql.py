"""Stopping and starting the tests' own PostgreSQL."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feeds.storage.database import Database


def restart(database: Database, away: float) -> None:
    """Stop the server of a database as its administrator would, and start it again after some seconds."""
    with database.connect() as connection:
        data = Path(connection.execute(sa.text("SHOW data_directory")).scalar_one())
    server = int((data / "postmaster.pid").read_text().splitlines()[0])
    start = Path(f"/proc/{server}/cmdline").read_bytes().split(b"\0")[1:-1]
    owner = Path(f"/proc/{server}").stat()
    pg_ctl = Path(f"/proc/{server}/exe").readlink().with_name("pg_ctl")
    as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "cwd": "/"}
    subprocess.run([pg_ctl, "-D", data, "-m", "fast", "-w", "stop"], check=True, capture_output=True, **as_owner)
    time.sleep(away)
    options = shlex.join(a.decode() for a in start)
    again: list[str | Path] = [pg_ctl, "-D", data, "-w", "-l", data / "log-again", "-o", options, "start"]
    subprocess.run(again, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_owner)
