"""Thirty daily polls of sources that change, fail and come back, and the exact messages of six subscriptions.

Nothing is told twice, and nothing is missing.  The messages are kept in golden/replay beside this file, one file a
subscription; `NAVTEX_UPDATE_GOLDEN=1 pytest --long`, with this file, writes them anew: look at what git then
shows.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feeds.advisories.records import Kind, Severity
from feeds.crawl.protocol import CrawlJob
from feeds.mirror.server import Mirror
from feeds.services.polling import poll
from feeds.storage.database import Database
from notifier.alerts.digest import CORRECTION
from notifier.channels import MessageSender
from notifier.domain import deliveries
from notifier.domain.components import Component, Host
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule
from notifier.domain.subscriptions import Subscription
from notifier.services.sending.notifications import Settings, notify
from notifier.storage import inventory, subscriptions
from tests.conftest import World
from tests.support import forked
from tests.support.documents import entry as item
from tests.support.documents import page, rss
from tests.support.polling import MOBY

pytestmark = pytest.mark.long

GOLDEN = Path(__file__).parent / "golden" / "replay"
UPDATE = bool(os.environ.get("NAVTEX_UPDATE_GOLDEN"))
BEGIN = datetime(2031, 1, 6, 8, 30, tzinfo=UTC)  # a Monday
DAYS = 30
KEV = "www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
ANNOUNCEMENTS = "docs.docker.com/security/security-announcements"
SOURCES = ("moby-advisories", "kev", "docker-announcements")


def flaw(number: int, title: str, severity: str, affected: str, patched: str = "", **more: Any) -> dict[str, Any]:
    """An advisory as GitHub lists it."""
    return {
        "ghsa_id": f"GHSA-2222-2222-222{number}",
        "cve_id": f"CVE-2031-{1000 + number}",
        "html_url": f"https://github.com/moby/moby/security/advisories/GHSA-2222-2222-222{number}",
        "summary": title,
        "severity": severity,
        "state": "published",
        "published_at": "2031-01-01T10:00:00Z",
        "vulnerabilities": [
            {"package": {"name": "moby"}, "vulnerable_version_range": affected, "patched_versions": patched}
        ],
    } | more


OLD = flaw(2, "A socket is left open", "medium", "< 25.0.6", "25.0.6")
UNFIXED = flaw(3, "A mount is followed", "high", "<= 28.5.2")
NEW = flaw(4, "A crafted archive runs code as root", "high", "< 29.5.1", "29.5.1")
HIDDEN = flaw(5, "A header is believed", "high", "< 29.5.1", "29.5.1")
BACKFILLED = flaw(6, "A flaw that was told of late", "low", "< 29.5.1", "29.5.1", published_at="2029-03-01T10:00:00Z")
WRONG = flaw(7, "A network is shared", "high", "< 29.6.0", "29.6.0")


@dataclass
class Replay:
    """The world of the replay: what the sources say, what the hosts run, and what was sent."""

    world: World
    database: Database
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Who was told, of what, and why, of each item of each digest."""
    sent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    subjects: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))

    def says(self, *flaws: dict[str, Any]) -> None:
        """Moby's advisories list these, beside what they list already."""
        self.listed |= {f["ghsa_id"]: f for f in flaws}
        self.world.put(f"{MOBY}.json", list(self.listed.values()))

    def announces(self, *titles: str) -> None:
        """Docker's page lists these announcements."""
        anchors = {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-"): t for t in titles}
        body = "".join(f"<h2 id={a}>{t}</h2><p>{t} mends a flaw of the Desktop.</p>" for a, t in anchors.items())
        self.world.put(f"{ANNOUNCEMENTS}/index.html", page(body))
        base = f"https://{ANNOUNCEMENTS}"
        items = [item(title=t, link=f"{base}/#{a}", guid=f"{base}/#{a}") for a, t in anchors.items()]
        self.world.put(f"{ANNOUNCEMENTS}/index.xml", rss(*items))
        words = "".join(f"\n## {t}\n\n{t} mends a flaw of the Desktop.\n" for t in titles)
        self.world.put(f"{ANNOUNCEMENTS}.md", f"# Docker security announcements\n{words}")

    def exploited(self, *names: str) -> None:
        """CISA lists these."""
        rows = [{"cveID": n, "dateAdded": "2031-01-14"} for n in ("CVE-2021-44228", *names)]
        self.world.put(KEV, {"title": "Known exploited vulnerabilities", "vulnerabilities": rows})

    def runs(self, day: int, **hosts: str) -> None:
        """Hosts run these versions of the engine."""
        found = [Host(n.replace("_", "-"), (Component("engine", v),)) for n, v in hosts.items()]
        with self.database.begin() as connection:
            inventory.take(connection, found, {}, BEGIN + timedelta(days=day, hours=-1))

    def run(self, day: int, settings: Settings) -> None:
        """What `navtex run` does on a day."""
        now = BEGIN + timedelta(days=day)
        with forked.crawl() as crawl:
            poll(self.database, crawl, CrawlJob(mirror=self.world.url, sources=SOURCES), now=now)
        with MessageSender() as courier:
            report = notify(self.database, courier, now=now, settings=settings)
        assert report.ok, report.failed
        for digest in report.digests:
            self.told += [
                (digest.subscription, i.advisory.name, f"{i.change} {'; '.join(i.changes)}") for i in digest.items
            ]
        for sent, _ in report.delivered:
            message = sent.message
            self.subjects[sent.subscription][day] = message.subject.removeprefix("[Navtex] ")
            self.sent[sent.subscription].append(
                f"{'#' * 72}\n# day {day}, {now:%A}: {message.subject}\n{'#' * 72}\n\n{message.text}"
            )


SUBSCRIPTIONS = {
    "everybody": (Filters(), Schedule()),
    "critical": (Filters(severity=Severity.CRITICAL), Schedule(remind="never")),
    "exploited": (Filters(kev=True), Schedule(remind="never")),
    "web": (Filters(scope=Scope(hosts=("web-*",))), Schedule(remind="weekly", quiet="22:00-07:00")),
    "news": (Filters(kinds=(Kind.ANNOUNCEMENT,), everything=True), Schedule("daily", "Europe/Berlin")),
    "calm": (Filters(), Schedule("weekly", breaks="never", remind="never")),
}

STORY: dict[int, tuple[Callable[[Replay], None], ...]] = {
    0: (
        lambda r: r.says(OLD, UNFIXED, WRONG),
        lambda r: r.announces("Docker Desktop 4.70.0 security update"),
        lambda r: r.exploited(),
        lambda r: r.runs(0, web_1="29.5.0", web_2="25.0.5", db_1="25.0.5", new_1="29.7.2"),
    ),
    2: (lambda r: r.says(NEW),),
    4: (lambda r: r.says(NEW | {"summary": "In other words: an archive runs code", "updated_at": "2031-01-10"}),),
    6: (lambda r: r.says(NEW | {"severity": "critical"}),),
    8: (lambda r: r.exploited("CVE-2031-1004"),),
    9: (lambda r: r.runs(9, web_1="29.5.1"),),
    10: (lambda r: r.says(flaw(3, "A mount is followed", "high", "<= 28.5.2", "29.0.0")),),
    # down for five days, in which an advisory is published
    12: (lambda r: r.says(HIDDEN), lambda r: r.world.take_down(f"{MOBY}.json")),
    17: (lambda r: r.says(),),
    18: (lambda r: r.world.put(f"{ANNOUNCEMENTS}/index.html", "<html><body>Another layout</body></html>"),),
    20: (lambda r: r.announces("Docker Desktop 4.71.0 security update", "Docker Desktop 4.70.0 security update"),),
    21: (lambda r: r.says(BACKFILLED),),
    23: (lambda r: r.says(OLD | {"state": "withdrawn", "withdrawn_at": "2031-01-29T06:00:00Z"}),),
    25: (lambda r: r.says(flaw(7, "A network is shared", "high", ">= 29.0.0, < 29.6.0", "29.6.0")),),
    26: (lambda r: r.runs(26, db_9="25.0.5"),),
    28: (lambda r: r.says(HIDDEN | {"severity": "low"}),),
}
"""What happens before the poll of a day. Nothing else changes."""


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The whole month."""
    folder = tmp_path_factory.mktemp("replay")
    database = Database(f"sqlite:///{folder / 'navtex.db'}")
    database.upgrade()
    (folder / "world").mkdir()
    settings = Settings(operators=(f"file://{folder}/operators",))
    with Mirror(folder / "world") as mirror:
        made = Replay(World(folder / "world", mirror), database)
        with database.begin() as connection:
            for name, (filters, schedule) in SUBSCRIPTIONS.items():
                target = (f"file://{folder}/{name}",)
                subscriptions.add(connection, Subscription(name, target, filters, BEGIN, schedule=schedule))
        for day in range(DAYS):
            for happens in STORY.get(day, ()):
                happens(made)
            made.run(day, settings)
        yield made
    database.close()


RAISED = "CVE-2031-1004 (critical): severity raised from high to critical"
EXPLOITED = "CVE-2031-1004 (critical): now known to be exploited"
FIX = "CVE-2031-1003 (high): fix available: 29.0.0"
NEW_DESKTOP = "Docker Desktop 4.71.0 security update"
EXPECTED = {
    "everybody": {
        0: "Welcome: 3 open vulnerabilities for everybody",
        2: "CVE-2031-1004 (high)",
        6: RAISED,
        8: EXPLOITED,
        10: FIX,
        17: "CVE-2031-1005 (high)",
        21: "CVE-2031-1006 (low)",
        23: "Correction: CVE-2031-1002 is withdrawn",
        25: "Correction: CVE-2031-1007",
        26: "CVE-2031-1004 (critical): newly affected hosts and 3 more",
    },
    "critical": {
        0: "Welcome: nothing open for critical",
        6: "CVE-2031-1004 (critical)",
        8: EXPLOITED,
        26: "CVE-2031-1004 (critical): newly affected hosts",
    },
    "exploited": {
        0: "Welcome: nothing open for exploited",
        8: "CVE-2031-1004 (critical)",
        26: "CVE-2031-1004 (critical): newly affected hosts",
    },
    "web": {
        0: "Welcome: 3 open vulnerabilities for web",
        2: "CVE-2031-1004 (high)",
        6: RAISED,
        7: "Reminder: 4 still open for web",
        8: EXPLOITED,
        10: FIX,
        14: "Reminder: 4 still open for web",
        17: "CVE-2031-1005 (high)",
        21: "CVE-2031-1006 (low)",
        23: "Correction: CVE-2031-1002 is withdrawn",
        25: "Correction: CVE-2031-1007",
        28: "Reminder: 5 still open for web",
    },
    "news": {
        0: "Welcome: 1 announcement for news",
        20: NEW_DESKTOP,
    },
    "calm": {
        0: "Welcome: 3 open vulnerabilities for calm",
        7: "CVE-2031-1004 (critical)",
        14: "CVE-2031-1004 (critical): now known to be exploited and 1 more",
        21: "CVE-2031-1005 (high) and 1 more",
        28: "CVE-2031-1004 (critical): newly affected hosts and 5 more",
    },
    deliveries.OPERATOR: {
        12: "Source moby-advisories is failing",
        15: "Source moby-advisories is silent",
        17: "Source moby-advisories is healthy",
        18: "Source docker-announcements is degraded",
        20: "Source docker-announcements is healthy",
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_gets_its_messages_on_their_days_and_no_others(replay: Replay, name: str) -> None:
    assert replay.subjects[name] == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_messages_are_word_for_word_what_was_approved(replay: Replay, name: str) -> None:
    path = GOLDEN / f"{name.strip('()')}.txt"
    written = "\n".join(replay.sent[name])
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8")


def test_nothing_is_told_twice(replay: Replay) -> None:
    assert [t for t, count in Counter(replay.told).items() if count > 1] == []


def test_who_was_told_gets_the_correction_and_nobody_else(replay: Replay) -> None:
    corrected = {(who, what) for who, what, why in replay.told if why.startswith(CORRECTION)}
    told = {(who, what) for who, what, why in replay.told if not why.startswith(CORRECTION)}
    assert corrected == {(who, what) for who, what in told if what in ("CVE-2031-1002", "CVE-2031-1007")}
    assert {who for who, _ in corrected} == {"everybody", "web", "calm"}
