"""The whole way on real documents: two snapshots of the sources, two months apart, and a fleet of four hosts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import lxml.html
import pytest

from feeds.mirror.server import Mirror
from tests.conftest import Mailbox, Program, html_of, text_of

pytestmark = [pytest.mark.corpus, pytest.mark.long]  # the tutorial and the demo go the whole way on short documents

FLEET = "host,product,version\nlab-1,engine,29.5.0\nlab-2,engine,29.7.2\nlab-3,engine,1.10.3\nlab-4,engine,25.0.5\n"
ANNOUNCEMENTS = "docs.docker.com/security/security-announcements/index.html"


@pytest.fixture
def mirror(corpus: Path) -> Iterator[Mirror]:
    with Mirror(corpus / "mirror" / "t0") as mirror:
        yield mirror


@pytest.fixture
def navtex(program_with: Callable[..., Program], database_url: str, mirror: Mirror) -> Program:
    return program_with(NAVTEX_DATABASE_URL=database_url, NAVTEX_MIRROR=mirror.url)


def headings(page: Path) -> list[str]:
    """The second headings of the article, found in the tree as a browser shows it."""
    tree = lxml.html.parse(str(page), parser=lxml.html.HTMLParser(encoding="utf-8"))
    found = [" ".join("".join(h.itertext()).split()) for h in tree.xpath("//article//h2")]
    assert len(found) > 10
    return found


def entry(text: str, name: str) -> str:
    """What a mail's text says of one advisory."""
    found = re.search(rf"^{name} .*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def assert_every_heading_is_an_advisory(navtex: Program, snapshot: Path) -> None:
    titles = {a["title"] for a in navtex.json("advisory", "list")["advisories"]}
    assert [h for h in headings(snapshot / ANNOUNCEMENTS) if h not in titles] == []


def assert_check_finds_the_plugin_bypass(navtex: Program) -> None:
    shown = navtex("check", "engine", "25.0.5").stdout
    assert max(map(len, shown.splitlines())) <= 80
    (row,) = (line for line in shown.splitlines() if "CVE-2024-41110" in line)
    listed = navtex.json("check", "engine", "25.0.5")["exposures"]
    (found,) = (e for e in listed if e["advisory"] == "CVE-2024-41110")
    assert found["upgrade_to"] in row
    assert (found["host"], found["severity"], found["upgrade_to"]) == (None, "critical", "25.0.16")
    assert (found["minimum"], found["package_verified"]) == ("25.0.6", False)
    assert found["fixed_in"][0] == "25.0.6"
    fixed = navtex.json("check", "engine", "25.0.6")["exposures"]
    assert "CVE-2024-41110" not in {e["advisory"] for e in fixed}


def assert_the_welcome_says_what_stands(welcome: EmailMessage) -> None:
    text = text_of(welcome)
    assert "Welcome" in welcome["Subject"]
    assert "25.0.5 on lab-4: upgrade to 25.0.16" in entry(text, "CVE-2024-41110")
    assert "lab-2" not in entry(text, "CVE-2024-41110")
    assert "CVE-2026-41567" not in text
    assert "CIS Docker Benchmark v1.8.0" not in text


def assert_the_news_say_what_is_new(news: EmailMessage) -> None:
    text = text_of(news)
    about = " ".join(entry(text, "CVE-2026-41567").split())
    assert "29.5.0 on lab-1: upgrade to 29.5.2" in about
    assert "lab-2" not in about
    assert "CIS Docker Benchmark v1.8.0" in text
    assert not entry(text, "CVE-2024-41110")
    page = lxml.html.document_fromstring(html_of(news)).text_content()
    assert "CVE-2026-41567" in page
    assert "CIS Docker Benchmark v1.8.0" in page


def test_a_fleet_gets_one_welcome_then_the_news_and_nothing_while_nothing_changes(
    navtex: Program, mirror: Mirror, mailbox: Mailbox, corpus: Path
) -> None:
    navtex("inventory", "import", stdin=FLEET)
    navtex("subscription", "add", "ops", "--to", mailbox.address())
    assert navtex("run").stdout == ""
    (welcome,) = mailbox.mails
    assert_the_welcome_says_what_stands(welcome)
    assert_every_heading_is_an_advisory(navtex, corpus / "mirror" / "t0")
    assert_check_finds_the_plugin_bypass(navtex)

    mirror.lay_over(corpus / "mirror" / "t1")
    navtex("run")
    (_, news) = mailbox.mails
    assert_the_news_say_what_is_new(news)
    assert_every_heading_is_an_advisory(navtex, corpus / "mirror" / "t1")

    before = navtex.json("advisory", "list")
    mirror.requests.clear()
    quiet = navtex("run")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert len(mailbox.mails) == 2
    assert navtex.json("advisory", "list") == before
    # the mirror gives a validator with every document that it has, and is asked for each with it
    assert len(mirror.requests) > 50
    assert {status for _, status in mirror.requests} == {304, 404}
    states = {s["state"] for s in navtex.json("source", "list")["sources"]}
    assert states <= {"healthy", "unpolled"}
