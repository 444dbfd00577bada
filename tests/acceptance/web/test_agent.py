"""The agent: what its unit runs reports this host."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.storage.database import Database
from notifier.services.hosts.inventory import HostQuery, hosts
from tests.conftest import ROOT, Program
from tests.support.samples import NOW
from tests.support.server import serving

UNIT = ROOT / "deploy" / "agent" / "navtex-agent.service"
ENGINE = {"Version": "29.5.1", "Platform": {"Name": "Docker Engine - Community"}, "ApiVersion": "1.52"}


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_what_the_unit_runs_reports_this_host(
    sqlite_database: Database, program_with: Callable[..., Program], tmp_path: Path
) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=sqlite_database.url.render_as_string())
    (tmp_path / "probe.sh").write_text(navtex("inventory", "probe").stdout, encoding="utf-8")
    made = navtex("token", "add", "agents", "--scope", "inventory:push", "--hosts", "*").stdout
    (secret,) = re.findall(r"nvx_[\w-]+", made)
    (tmp_path / "headers").write_text(f"Authorization: Bearer {secret}\n", encoding="utf-8")
    docker = tmp_path / "docker"
    answer = json.dumps({"Client": {"Version": "29.5.1"}, "Server": ENGINE | {"Components": []}})
    docker.write_text(f"#!/bin/sh\n[ \"$1\" = version ] && printf '%s\\n' '{answer}'\n", encoding="utf-8")
    docker.chmod(0o755)
    (command,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program = [part.replace("/etc/navtex-agent", str(tmp_path)) for part in shlex.split(command)]
    with serving(navtex) as (port, _):
        environment = {"PATH": f"{tmp_path}:{navtex.environment['PATH']}", "NAVTEX_URL": f"http://127.0.0.1:{port}"}
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["new"]) == (0, 1), done.stderr
    (found,) = hosts(sqlite_database, HostQuery(), NOW).value.hosts
    assert ("engine", "29.5.1") in [(c.product, c.version) for c in found.components]
