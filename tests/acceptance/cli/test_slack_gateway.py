"""Slack's hosts are replaced in the configuration: a gateway, or a server of these tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.support.loopback import Answer, over_http


@pytest.mark.parametrize(
    ("channel", "setting", "path"),
    [
        ("https://hooks.slack.com/services/T1/B1/secret", "hook", "/services/T1/B1/secret"),
        ("https://hooks.slack-gov.com/services/T1/B1/secret", "hook", "/services/T1/B1/secret"),
        ("slack://xoxb-1234-1234-abc124/#ops", "api", "/chat.postMessage"),
    ],
)
def test_a_digest_for_slack_goes_to_the_configured_host(
    program_with: Callable[..., Program], tmp_path: Path, channel: str, setting: str, path: str
) -> None:
    navtex = program_with(NAVTEX_CONFIG=str(tmp_path / "navtex.toml"))
    with over_http(Answer(200, '{"ok": true}')) as gateway:
        (tmp_path / "navtex.toml").write_text(f'[slack]\n{setting} = "{gateway.url}"\n')
        navtex("subscription", "add", "ops", "--to", channel)
        assert "accepted by Slack" in navtex("subscription", "test", "ops").stderr
    assert gateway.paths == [path]
    assert "[Navtex]" in gateway.bodies[0]
