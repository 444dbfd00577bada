"""Every route, walked by people who may see the hosts of team=a only: they learn nothing of team=b.

The routes are those of the table, so that a new one is walked without a word here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from feeds.advisories.records import Edition, Kind
from feeds.storage.database import Database
from notifier.domain.access import Role, TokenScope
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
from notifier.web.handler_values import Permission, Route
from notifier.web.routes import ROUTES
from tests.support.access import SELF, signed_in, token, user
from tests.support.audits import bench
from tests.support.samples import NOW, START, publish, record, run
from tests.support.web import Browser, Reply, browser

CVE = "CVE-2026-1"
OURS, THEIRS = "alpha-1", "bravo-1"
SECRET = "bravo"
"""Stands in every name of team=b: of hosts, an image, a subscription, its recipient, a reason, an owner."""
UNKNOWN = "delta-1"
QUERIES = ("", "group=host", "group=advisory", "group=version", "verdict=all", "ended=true", "tag=team%3Db", "host=*")
BODIES = {"reason": "x", "until": "2099-01-01", "due": "2099-01-01", "owner": "me", "advisory": CVE, "note": "x"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, sqlite_template: object) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('walk') / 'navtex.db'}")
    made.upgrade()
    _fill(made)
    yield made
    made.close()


def _fill(database: Database) -> None:
    engine = Component("engine", "25.0.5", "docker-ce 5:25.0.5-1", "debian-12")
    teams = {"a": "alpha", "b": "bravo"}
    hosts = [Host(f"{name}-{n}", (engine,), {"team": t, "of": name}) for t, name in teams.items() for n in (1, 2)]
    uses = [
        HostImages(f"{name}-1", (ImageUse(f"r.example/{name}-app:1", "sha256:" + str(n) * 64, "linux/amd64"),))
        for n, name in enumerate(teams.values())
    ]
    edition = Edition("1.8.0", "", ("25.0",), "2025-07")
    publish(
        database,
        record(CVE, below="29.0.0"),
        record("cis-docker-benchmark-1.8.0", kind=Kind.BENCHMARK, severity=None, products=(), edition=edition),
    )
    with database.begin() as connection:
        inventory.take(connection, hosts, {}, START)
        keep_host_images(connection, uses, START)
        for team, name in teams.items():
            wanted = Filters(scope=Scope(tags={"team": team}))
            to = (f"mailto://127.0.0.1:9?from=n@example.org&to={name}@example.org",)
            subscriptions.add(connection, Subscription(f"{name}-people", to, wanted, START))
    for name in teams.values():
        import_audits(database, Text.of(_json(bench())), NOW, lambda _: None, host=f"{name}-1")
        until = datetime(2099, 1, 1, tzinfo=UTC)
        add_silence(database, NewSilence(CVE, Scope(hosts=(f"{name}-1",)), f"{name} reason", until, f"{name}-er"), NOW)
        assign(database, NewAssignment(CVE, Scope(hosts=(f"{name}-2",)), f"{name}-owner", date(2099, 1, 1)), NOW)
    run(database, NOW)
    note(database, SELF, NOW, "test", f"{SECRET}-1")


def _json(value: object) -> str:
    import json

    return json.dumps(value)


def _paths(route: Route, host: str) -> list[str]:
    """The addresses of a route, with every name and number that may lead somewhere."""
    values = []
    for parameter in re.findall(r"\{(\w+)(?::\w+)?\}", route.path):
        numbers = ["1", "2", "3", "4"]
        names = [host, CVE, "cis-docker-benchmark-1.8.0", f"r.example/{host.partition('-')[0]}-app:1"]
        values.append(numbers if "int" in route.path else [*names, *numbers, f"{host.partition('-')[0]}-people"])
        assert parameter
    return [_put(route.path, chosen) for chosen in product(*values)]


def _put(path: str, values: tuple[str, ...]) -> str:
    for value in values:
        path = re.sub(r"\{[^}]+\}", value.replace("/", "%2F"), path, count=1)
    return path


def _ask(one: Browser, route: Route, path: str, host: str) -> Iterator[tuple[str, Reply]]:
    for method in route.methods:
        if method == "GET":
            # a question about one thing has no filters
            for query in ("",) if "{" in route.path else (*QUERIES, f"host={host}", f"advisory={CVE}"):
                yield f"{path}?{query}", one.get(f"{path}?{query}")
        elif route.path.startswith("/api/"):
            body = _json({**BODIES, "name": f"new-{host}", "hosts": [host], "to": ["x@example.org"]}).encode()
            headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
            yield f"{method} {path}", one.send(method, path, body, headers)
        else:
            yield f"{method} {path}", one.post(path, {**BODIES, "host": host, "hosts": host, "name": f"new-{host}"})


WALKED = [r for r in ROUTES if r.needs is not Permission.ADMINISTER and r.path not in ("/login", "/logout")]
LIMIT = {"team": "a"}


@pytest.fixture(scope="module")
def people(fleet: Database) -> Database:
    user(fleet, "lim", Role.OPERATOR, LIMIT)
    user(fleet, "all", Role.OPERATOR)
    return fleet


@pytest.mark.every
@pytest.mark.parametrize("route", WALKED, ids=lambda r: f"{'+'.join(r.methods)} {r.path}")
def test_somebody_limited_to_a_team_learns_nothing_of_another(people: Database, route: Route) -> None:
    with browser(people) as one:
        one.now = NOW + timedelta(minutes=1)
        signed_in(one, "lim")
        shown = {where: reply for path in _paths(route, OURS) for where, reply in _ask(one, route, path, OURS)}
        for where, reply in shown.items():
            assert SECRET not in reply.text.lower(), (where, reply.text)
            assert reply.status < 500, (where, reply.text)
        # a host that they may not see is as unknown to them as one that does not exist
        for theirs, unknown in zip(_paths(route, THEIRS), _paths(route, UNKNOWN), strict=True):
            pairs = zip(_ask(one, route, theirs, THEIRS), _ask(one, route, unknown, UNKNOWN), strict=True)
            for (where, seen), (_, other) in pairs:
                assert seen.status == other.status, (where, seen.text, other.text)
                left = seen.text.replace(THEIRS, "").replace(f"{SECRET}-app", "").replace(f"{SECRET}-people", "")
                assert SECRET not in left.lower(), (where, seen.text)


@pytest.mark.parametrize("path", ["/api/v1/hosts", "/api/v1/exposure", "/api/v1/silences"])
def test_a_token_is_limited_as_its_user_is(people: Database, path: str) -> None:
    with browser(people) as one:
        one.now = NOW + timedelta(minutes=1)
        some = one.get(path, authorization=f"Bearer {token(people, TokenScope.READ, tags=LIMIT, at=NOW)}")
        everything = one.get(path, authorization=f"Bearer {token(people, TokenScope.READ, at=NOW)}")
    assert ("alpha" in some.text, SECRET in some.text) == (True, False)
    assert SECRET in everything.text


def test_the_walk_would_see_a_name(people: Database) -> None:
    """Somebody who is not limited does see team=b: the walk looks for what is there."""
    seen = set()
    with browser(people) as one:
        one.now = NOW + timedelta(minutes=1)
        signed_in(one, "all")
        for route in WALKED:
            if "GET" in route.methods:
                for path in _paths(route, OURS):
                    if any(SECRET in reply.text for _, reply in _ask(one, route, path, OURS)):
                        seen.add(route.path)
    assert {"/api/v1/exposure", "/api/v1/hosts", "/api/v1/silences", "/api/v1/subscriptions"} <= seen
    assert {"/", "/hosts", "/silences", "/subscriptions", "/notifications", "/images", "/benchmarks"} <= seen


def test_whoever_is_limited_changed_nothing_of_the_other_team(people: Database) -> None:
    with browser(people) as one:
        one.now = NOW + timedelta(minutes=1)
        signed_in(one, "lim")
        for route in WALKED:
            if "GET" not in route.methods:
                for path in _paths(route, THEIRS):
                    list(_ask(one, route, path, THEIRS))
        signed_in(one, "all")
        held = {path: one.get(f"/api/v1/{path}").text for path in ("silences", "subscriptions", "hosts")}
        detail = one.get(f"/api/v1/advisories/{CVE}").text
    assert "bravo reason" in held["silences"]
    assert '"bravo-people"' in held["subscriptions"]
    assert "new-bravo" not in "".join(held.values())
    assert "bravo-owner" in detail
