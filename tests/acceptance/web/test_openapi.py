"""The API answers everything that its OpenAPI document permits, and refuses the rest, as the document says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feeds.storage.database import Database
from notifier.domain.access import Actor, TokenScope
from notifier.services.people.tokens import NewToken, add_token
from tests.conftest import Program
from tests.support import depth
from tests.support.server import serving

LEFT_OUT = "positive_data_acceptance"
"""Dates that have passed, and cursors of other questions, fit their schemas."""


@pytest.mark.browser
def test_schemathesis_finds_nothing(
    sqlite_database: Database, program_with: Callable[..., Program], tmp_path: Path
) -> None:
    pytest.importorskip("schemathesis")
    wanted = NewToken("test", frozenset({TokenScope.ADMIN}))
    secret = add_token(sqlite_database, Actor("test"), datetime.now(UTC), wanted, None).secret
    address = sqlite_database.url.render_as_string()
    with serving(program_with(NAVTEX_DATABASE_URL=address)) as (port, _):
        command = [f"{Path(sys.executable).parent}/schemathesis", "run", f"http://127.0.0.1:{port}/api/v1/openapi.json"]
        options = {
            "--header": f"Authorization: Bearer {secret}",
            "--exclude-checks": LEFT_OUT,
            "--max-examples": "100" if depth.is_long() else "15",
            "--max-time": "900" if depth.is_long() else "90",
            "--workers": "1",
            "--seed": "1",
            "--warnings": "off",
        }
        given = [part for option in options.items() for part in option]
        done = subprocess.run(
            [*command, *given, "--no-color"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
