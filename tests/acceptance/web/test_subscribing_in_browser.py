"""Somebody subscribes, confirms, unsubscribes and comes back in Chromium, without scripts; axe-core finds nothing."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.services.sending.notifications import notify
from tests.conftest import Mailbox, Program, text_of
from tests.support.samples import NOW, install, publish, record, subscribe
from tests.support.server import free_port, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CONFIG = """\
[web]
url = "{url}"

[web.auth]
methods = ["proxy"]
trusted_networks = ["127.0.0.1/32"]
default_role = "viewer"

[web.subscribe]
domains = ["example.org"]
server = "mailto://127.0.0.1:{smtp}?from=navtex@example.org"
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: `make browser` installs it"),
]


def link(mailbox: Mailbox, to: str, kind: str, after: int = 0) -> str:
    """The link of a mail that arrives soon."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for mail in mailbox.mails[after:]:
            found = re.search(rf"http://\S+/{kind}/[\w-]+", text_of(mail))
            if mail["To"] == to and found:
                return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{to} got no mail with a link")


def looked_at(page: Any, axe: Any, address: str) -> None:
    """It fits every window, and axe-core finds nothing in it, by day and by night."""
    page.goto(address)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def served(
    sqlite_database: Database, program_with: Callable[..., Program], mailbox: Mailbox, tmp_path: Path
) -> Iterator[tuple[str, Any]]:
    """The address of a server whose team was sent a digest, and a browser."""
    browsers = pytest.importorskip("playwright.sync_api")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(url=url, smtp=mailbox.port))
    install(sqlite_database, lab_1="25.0.5")
    publish(sqlite_database, record("CVE-2026-1", below="25.0.6"))
    subscribe(sqlite_database, mailbox.address("a@example.org", "b@example.org"), name="team")
    with MessageSender(web=url) as courier:
        notify(sqlite_database, courier, now=NOW)
    address = sqlite_database.url.render_as_string()
    navtex = program_with(NAVTEX_DATABASE_URL=address, NAVTEX_CONFIG=str(config))
    with serving(navtex, port), browsers.sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield url, chromium
        chromium.close()


def test_a_stranger_subscribes_and_a_recipient_leaves_and_comes_back(served: tuple[str, Any], mailbox: Mailbox) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    url, chromium = served
    seen, plain = chromium.new_page(), chromium.new_context(java_script_enabled=False).new_page()
    looked_at(seen, axe, f"{url}/subscribe")
    plain.goto(f"{url}/subscribe")
    plain.fill("#field-to", "ann@example.org")
    plain.click("text=Change this")
    plain.select_option("#field-severity", "high")
    plain.click("text=Send the confirmation")
    assert plain.inner_text("h1") == "One more step"
    confirmation = link(mailbox, "ann@example.org", "c")
    looked_at(seen, axe, confirmation)
    plain.goto(confirmation)
    plain.click("button.large")
    assert plain.inner_text("h1") == "You are subscribed"

    leaving = link(mailbox, "b@example.org", "u")
    looked_at(seen, axe, leaving)
    before = len(mailbox.mails)
    plain.goto(leaving)
    plain.click("button.large")
    assert plain.inner_text("h1") == "You are unsubscribed"
    plain.goto(link(mailbox, "b@example.org", "c", before))
    plain.click("button.large")
    assert plain.inner_text("h1") == "You are subscribed"


def test_somebody_who_is_signed_in_has_their_own_subscription(served: tuple[str, Any], mailbox: Mailbox) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    url, chromium = served
    bob = {"extra_http_headers": {"X-Remote-User": "bob"}}
    seen, own = chromium.new_page(**bob), chromium.new_context(java_script_enabled=False, **bob).new_page()
    own.goto(f"{url}/subscribe")
    own.fill("#field-to", "bob@example.org")
    own.click("text=Send the confirmation")
    own.goto(link(mailbox, "bob@example.org", "c"))
    own.click("button.large")
    looked_at(seen, axe, f"{url}/subscribe")
    own.goto(f"{url}/subscribe")
    own.click("text=bob@example.org")
    assert "CVE-2026-1" in own.inner_text("pre"), "the preview of the next digest"
    looked_at(seen, axe, own.url)
    own.fill("#field-quiet_from", "22:00")
    own.fill("#field-quiet_to", "07:00")
    own.click("text=Save")
    assert "Your changes are saved." in own.inner_text("main")
    own.click("text=Make a feed")
    assert f"{url}/f/" in own.inner_text("code")
    own.click("text=End this subscription")
    assert "The subscription has ended." in own.inner_text("main")
