"""A new user's first hour in Chromium, on a telephone, with scripts off: from `navtex demo` to a feed of one's own."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.conftest import Mailbox, Program, text_of
from tests.support.server import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CONFIG = """\
[web]
url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"

[web.subscribe]
domains = ["example.org"]
server = "mailto://127.0.0.1:{smtp}?from=navtex@example.org"
"""
ME = "ada@example.org"
SCREEN = {"width": 360, "height": 780}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: `make browser` installs it"),
]


@contextmanager
def offered(program: Program, command: str) -> Iterator[list[str]]:
    """What `navtex serve` prints, started by the very words that the demo ends with."""
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec env {command}"],
        cwd=program.home,
        env=program.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        try:
            said = [process.stdout.readline()]
            assert said[0].startswith("Serving http://"), said
            if "/setup/" in (line := process.stdout.readline()):
                said.append(line)
            yield said
        finally:
            process.terminate()


def mail(box: Mailbox, words: str, after: int = 0) -> EmailMessage:
    """A mail to the new user that arrives soon and has some words in its subject."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for one in box.mails[after:]:
            if one["To"] == ME and words in one["Subject"]:
                return one
        time.sleep(0.05)
    raise AssertionError(f"no mail says {words!r}: {[one['Subject'] for one in box.mails]}")


def link(one: EmailMessage, kind: str) -> str:
    """The link of a kind in a mail."""
    (found,) = set(re.findall(rf"http://\S+/{kind}/[\w-]+", text_of(one)))
    return str(found)


def first_screen(page: Any, *found: Any) -> None:
    """These are seen without scrolling."""
    for one in found:
        assert one.bounding_box()["y"] < SCREEN["height"], one.text_content()


def pressed(page: Any, name: str) -> str:
    """Press a button; the heading of the page that follows."""
    page.get_by_role("button", name=name).click()
    return str(page.get_by_role("heading", level=1).text_content())


@pytest.fixture
def chromium() -> Iterator[Any]:
    browsers = pytest.importorskip("playwright.sync_api")
    with browsers.sync_playwright() as tool:
        made = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def demo(program_with: Callable[..., Program], mailbox: Mailbox, tmp_path: Path) -> tuple[Program, str]:
    """The program of somebody who let the demo run, and the command that it offers for the page."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(port=free_port(), smtp=mailbox.port))
    program = program_with(NAVTEX_CONFIG=str(config))
    command = re.search(r"^In a browser: (.+ serve)$", program("demo").stdout, re.MULTILINE)
    assert command
    database = re.search(r"NAVTEX_DATABASE_URL=(\S+)", command[1])
    assert database
    program.environment["NAVTEX_DATABASE_URL"] = shlex.split(database[1])[0]
    return program, command[1]


def test_from_the_demo_to_a_digest_of_ones_own(demo: tuple[Program, str], mailbox: Mailbox, chromium: Any) -> None:
    program, command = demo
    context = chromium.new_context(java_script_enabled=False, viewport=SCREEN)
    page = context.new_page()
    with offered(program, command) as said:
        (base,) = re.findall(r"http://[^/]+", said[0])
        (setup,) = re.findall(r"http://\S+/setup/\S+", said[1])
        signs_up(page, base, setup)
        finds_out_what_first(page)
        subscribes(page, mailbox)
        digest = gets_the_digest(program, base, mailbox)
        unsubscribes_by_one_click_and_comes_back(page, base, mailbox, digest)
        unsubscribes_on_the_page_and_asks_again(page, base, mailbox, digest)
        reads_a_feed(page)
        assert pressed(page, "Sign out") == "Sign in"
        page.goto(f"{base}/subscribe/2")
        assert page.url.startswith(f"{base}/login?next=")
    context.close()


def signs_up(page: Any, base: str, setup: str) -> None:
    page.goto(base)
    assert page.get_by_text("There is no user yet").is_visible(), "who opens the other address learns where to go"
    page.goto(setup)
    page.get_by_label("Name").fill("ada")
    for field in ("Password", "Password again"):
        page.get_by_label(field, exact=True).fill("too short")
    assert pressed(page, "Create and sign in") == "Create the first administrator"
    assert page.get_by_role("alert").text_content().strip() == "The password has 9 characters, and needs 12 to 1024."
    for field in ("Password", "Password again"):
        page.get_by_label(field, exact=True).fill("correct horse battery")
    assert pressed(page, "Create and sign in") == "11 hosts are affected"


def finds_out_what_first(page: Any) -> None:
    first = page.get_by_role("heading", name="First: upgrade engine 19.03.15")
    first_screen(page, first, page.locator("pre").first)
    page.get_by_role("link", name="CVE-2024-41110").first.click()
    first_screen(page, page.get_by_text("4 hosts are affected"), page.get_by_role("heading", name="The proof"))
    assert page.get_by_role("row", name=re.compile("decides")).first.is_visible()


def subscribes(page: Any, mailbox: Mailbox) -> None:
    page.get_by_role("link", name="Subscribe", exact=True).click()
    button = page.get_by_role("button", name="Send the confirmation")
    first_screen(page, page.get_by_label("Mailbox or webhook"), button)
    page.get_by_label("Mailbox or webhook").fill("ada@exmaple.org")
    assert pressed(page, "Send the confirmation") == "One more step"
    assert page.get_by_text("of example.org get a message. You entered ada@exmaple.org").is_visible()
    page.get_by_role("link", name="Back to the form").click()
    page.get_by_label("Mailbox or webhook").fill(ME)
    assert pressed(page, "Send the confirmation") == "One more step"
    page.goto(link(mail(mailbox, "Confirm"), "c"))
    assert pressed(page, "Confirm") == "You are subscribed"


def gets_the_digest(program: Program, base: str, mailbox: Mailbox) -> EmailMessage:
    program("notify")
    digest = mail(mailbox, "Welcome")
    assert "upgrade engine 19.03.15 to 29.5.3 on db-1" in text_of(digest)
    assert f"Look at it on the page: {base}/\n" in text_of(digest)
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert digest["List-Unsubscribe"].strip() == f"<{link(digest, 'u')}>"
    return digest


def unsubscribes_by_one_click_and_comes_back(page: Any, base: str, mailbox: Mailbox, digest: EmailMessage) -> None:
    before = len(mailbox.mails)
    for _ in range(2):  # as a mail program does: without a cookie, and again if it likes
        answer = urllib3.request("POST", link(digest, "u"), body=b"List-Unsubscribe=One-Click", timeout=30)
        assert answer.status == 200
    page.goto(f"{base}/subscribe")
    assert page.get_by_role("cell", name="unsubscribed").is_visible()
    page.goto(link(mail(mailbox, "unsubscribed", before), "c"))
    assert pressed(page, "Subscribe again") == "You are subscribed"


def unsubscribes_on_the_page_and_asks_again(page: Any, base: str, mailbox: Mailbox, digest: EmailMessage) -> None:
    page.goto(link(digest, "u"))
    assert pressed(page, f"Unsubscribe {ME}") == "You are unsubscribed"
    page.goto(f"{base}/subscribe")
    page.get_by_role("link", name=ME).click()
    assert page.get_by_text(f"{ME} is unsubscribed").is_visible()
    before = len(mailbox.mails)
    assert pressed(page, f"Subscribe {ME} again") == "One more step"
    page.goto(link(mail(mailbox, "Confirm", before), "c"))
    assert pressed(page, "Confirm") == "You are subscribed"
    page.goto(f"{base}/subscribe")
    assert page.get_by_role("cell", name="active").is_visible()


def reads_a_feed(page: Any) -> None:
    page.get_by_role("link", name=ME).click()
    page.get_by_role("button", name="Make a feed").click()
    answer = urllib3.request("GET", page.locator(".notice code").inner_text(), timeout=30)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert b"Welcome: 9 open vulnerabilities" in answer.data
