"""Whoever put it where: no answer of the page or the API holds a character that steers a terminal or turns text."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from itertools import product

import pytest

from feeds.advisories.records import Edition, Kind
from feeds.storage.database import Database
from notifier.domain.access import Role
from notifier.domain.components import Component, Host
from notifier.domain.filters import Filters, Scope
from notifier.domain.images import HostImages, ImageUse
from notifier.domain.subscriptions import Subscription
from notifier.inventory.text import Text
from notifier.services.catalogue.audits import import_audits
from notifier.services.catalogue.silences_and_assignments import NewAssignment, NewSilence, add_silence, assign
from notifier.services.hosts.host_images import keep_host_images
from notifier.services.installation.audit_log import note
from notifier.storage import inventory, subscriptions
from notifier.web.routes import ROUTES
from tests.support.access import SELF, signed_in, user
from tests.support.audits import bench
from tests.support.samples import NOW, START, publish, record, run
from tests.support.web import browser
from tests.unit.notifier.exporters.test_steering import CHARACTERS, RAW

NASTY = f"a{''.join(CHARACTERS.values())}b"
CVE = "CVE-2026-1"
QUERIES = ("", "?group=host", "?group=advisory", "?group=version", "?verdict=all", "?ended=true")


@pytest.fixture
def fleet(database: Database) -> Database:
    """A fleet with such characters wherever a text of somebody else's may stand."""
    engine = Component("engine", "25.0.5", f"docker-ce {NASTY}", f"debian-12{NASTY}")
    hosts = [Host("web-1", (engine,), {"team": NASTY, NASTY: "a"}), Host(f"web-2{NASTY}", (engine,))]
    edition = Edition("1.8.0", "", ("25.0",), "2025-07")
    publish(
        database,
        record(CVE, below="29.0.0", title=NASTY, summary=NASTY, url=f"https://x.example/{NASTY}", mentions=(NASTY,)),
        record(f"GHSA-{NASTY}", below="29.0.0", title=NASTY),
        record(
            "cis-docker-benchmark-1.8.0", kind=Kind.BENCHMARK, severity=None, title=NASTY, products=(), edition=edition
        ),
    )
    with database.begin() as connection:
        inventory.take(connection, hosts, {}, START)
        uses = (ImageUse("r.example/app:1", "sha256:" + "1" * 64, "linux/amd64"),)
        keep_host_images(connection, [HostImages("web-1", uses)], START)
        subscriptions.add(
            connection, Subscription("ops", (f"mailto://127.0.0.1:9?to=o@example.org&name={NASTY}",), Filters(), START)
        )
        subscriptions.add(
            connection, Subscription(f"x{NASTY}", ("mailto://127.0.0.1:9?to=o@example.org",), Filters(), START)
        )
    import_audits(database, Text.of(json.dumps(bench())), NOW, lambda _: None, host="web-1")
    until = datetime(2099, 1, 1, tzinfo=UTC)
    add_silence(database, NewSilence(CVE, Scope(hosts=("web-2*",)), f"reason {NASTY}", until, "ann"), NOW)
    assign(database, NewAssignment(CVE, Scope(hosts=("web-1",)), "ann", date(2099, 1, 1), NASTY), NOW)
    run(database, NOW)
    note(database, SELF, NOW, "test", NASTY, before={"tags": NASTY})
    user(database, "ann", Role.ADMIN)
    user(database, "bob", Role.VIEWER, {"team": NASTY})
    return database


def addresses() -> list[str]:
    names = [CVE, "web-1", "ops", "1", "2", "cis-docker-benchmark-1.8.0", "r.example%2Fapp:1"]
    found = []
    for route in ROUTES:
        if "GET" in route.methods and not route.path.startswith(("/u/", "/c/", "/feed")):
            holes = re.findall(r"\{[^}]+\}", route.path)
            for values in product(*(names for _ in holes)):
                path = route.path
                for hole, value in zip(holes, values, strict=True):
                    path = path.replace(hole, value, 1)
                found += [path] if holes else [f"{path}{query}" for query in QUERIES]
    return found


def test_no_answer_of_the_page_or_the_api_steers_a_terminal(fleet: Database) -> None:
    answered = set()
    with browser(fleet) as one:
        signed_in(one, "ann")
        for address in addresses():
            reply = one.get(address)
            assert reply.status < 500, address
            held = {hex(ord(c)) for c in RAW.findall(reply.text.replace("\r\n", "\n"))}
            assert not held, address
            assert not RAW.search("".join(value for _, value in reply.headers)), address
            if reply.status == 200:
                answered.add(address.partition("?")[0])
    assert len(answered) > 40
