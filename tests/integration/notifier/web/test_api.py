"""The API: the JSON of the command line a page at a time, what it refuses, and what it changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from feeds.advisories.records import Edition, Kind, Severity
from feeds.storage.database import Database
from notifier.domain.access import TokenScope
from notifier.domain.components import Component, Host
from notifier.domain.filters import Filters, Scope
from notifier.domain.jobs import MATCH, deliver_job
from notifier.domain.subscriptions import Subscription
from notifier.services.catalogue.silences_and_assignments import NewSilence, add_silence
from notifier.services.installation.audit_log import list_entries
from notifier.storage import inventory, jobs, subscriptions
from notifier.web.api.operations import OPERATIONS
from tests.conftest import ROOT, Program, fresh_postgres
from tests.support.access import token
from tests.support.api import Api, header, limited
from tests.support.pages import code, rows, sections
from tests.support.samples import DAY, NOW, START, publish, record
from tests.support.web import browser

OLD = Component("engine", "25.0.5", "docker-ce 5:25.0.5-1", "debian-12")
KIT, RUNC = Component("buildkit", "0.12.4"), Component("runc", "1.1.11")
NAME, OTHER = "CVE-2026-1", "CVE-2026-2"
EDITION = "cis-docker-benchmark-1.8.0"


@pytest.fixture
def fleet(sqlite_database: Database) -> Database:
    return filled(sqlite_database)


def filled(database: Database) -> Database:
    found = (
        *(Host(f"a-{n}", (OLD, KIT), {"team": "a"}) for n in range(5)),
        *(Host(f"b-{n}", (OLD, RUNC), {"team": "b"}) for n in range(4)),
    )
    with database.begin() as connection:
        inventory.take(connection, found, {}, START)
        for team in ("a", "b"):
            wanted = Filters(scope=Scope(tags={"team": team}))
            subscriptions.add(connection, Subscription(f"team-{team}", (f"slack://{team}/B/C",), wanted, START))
    publish(
        database,
        record(NAME, below="29.0.0", products=("engine", "buildkit", "runc")),
        record(OTHER, below="26.0.0", severity=Severity.LOW),
        record("CVE-2026-3", below="26.0.0", severity=None),
        record(
            EDITION, kind=Kind.BENCHMARK, severity=None, products=(), edition=Edition("1.8.0", "", ("25.0",), "2025-07")
        ),
    )
    for hosts in ((), ("b-1",), ("a-1",)):
        add_silence(database, NewSilence(NAME, Scope(hosts=hosts), f"reason {hosts}", NOW + DAY, "Ann"), NOW - DAY)
    return database


SAME = [
    ("exposure", "/exposure"),
    ("exposure --group-by advisory --severity high", "/exposure?group=advisory&severity=high"),
    ("exposure --group-by version --tag team=b", "/exposure?group=version&tag=team%3Db"),
    ("exposure --group-by host --verdict all", "/exposure?group=host&verdict=all"),
    ("inventory list --host a-* --product engine", "/hosts?host=a-*&product=engine"),
    ("inventory show a-1", "/hosts/a-1"),
    ("advisory list --kind vulnerability", "/advisories?kind=vulnerability"),
    (f"advisory show {NAME}", f"/advisories/{NAME}"),
    ("plan --host a-*", "/plan?host=a-*"),
    ("benchmark list", "/benchmarks"),
    ("image list", "/images"),
    ("source list", "/sources"),
    ("subscription list", "/subscriptions"),
    ("subscription show team-a", "/subscriptions/team-a"),
    ("notification list", "/notifications"),
    ("silence list", "/silences"),
    ("trend", "/trend"),
]
JOBS = ("job list", "/jobs")
"""On PostgreSQL alone, where workers are."""


def compare(navtex: Program, api: Api, command: str, path: str) -> Any:
    """Assert that an answer is the JSON of a command and `next`; returns it."""
    printed, answered = navtex.json(*command.split()), api.json(f"GET {path}")
    assert answered.pop("next", None) is None, path
    for one in (printed, answered):
        for moves in ("generated_at", "due_at", "reminder_at"):
            one.pop(moves, None)
    assert answered == printed, path
    return answered


def test_an_answer_is_the_json_of_the_command_and_next(fleet: Database, program_with: Callable[..., Program]) -> None:
    navtex, api = program_with(NAVTEX_DATABASE_URL=str(fleet.url)), Api(fleet, NOW)
    for command, path in SAME:
        compare(navtex, api, command, path)


def test_jobs_are_the_json_of_the_command_and_fit_their_schemas(
    postgres: sa.URL, program_with: Callable[..., Program]
) -> None:
    address = fresh_postgres(postgres)
    database = Database(address)
    with database.begin() as connection:
        jobs.enqueue(connection, [MATCH, deliver_job("mail.example.org")])
    api = Api(database, NOW)
    found = compare(program_with(NAVTEX_DATABASE_URL=address), api, *JOBS)
    assert len(found["jobs"]) == 2
    check_schemas(api, *JOBS)
    database.close()


def route(path: str) -> str:
    """The path of the operation that answers there."""
    asked = path.partition("?")[0]
    return next(
        one.path
        for one in OPERATIONS
        if one.method == "GET" and re.fullmatch(one.path.replace("{name}", "[^/]+"), asked)
    )


def test_every_operation_that_answers_is_compared_with_its_command() -> None:
    assert {route(path) for _, path in (*SAME, JOBS)} == {one.path for one in OPERATIONS if one.method == "GET"}


def schema_of(command: str) -> str:
    """The published schema of a command's JSON."""
    words = command.replace(" --group-by ", " by ").split()
    said = list(takewhile(lambda word: not word.startswith("--"), words))
    names = {path.stem for path in (ROOT / "docs/reference/schemas").glob("*.json")}
    return next(name for n in (3, 2, 1) if (name := "-".join(said[:n])) in names)


def check_schemas(api: Api, command: str, path: str) -> None:
    """Assert that an answer validates against the schemas of the API and of the command."""
    import jsonschema  # its grammars take seconds, which each of pytest's workers would spend

    described = json.loads((ROOT / "docs/reference/openapi.json").read_text())
    answered = api.json(f"GET {path}")
    response = described["paths"][f"/api/v1{route(path)}"]["get"]["responses"]["200"]
    schema = {**response["content"]["application/json"]["schema"], "components": described["components"]}
    jsonschema.Draft202012Validator(schema).validate(answered)
    answered.pop("next", None)
    published = json.loads((ROOT / f"docs/reference/schemas/{schema_of(command)}.json").read_text())
    jsonschema.Draft202012Validator(published).validate(answered)


def test_answers_validate_against_the_published_schemas_of_the_api_and_of_the_commands(fleet: Database) -> None:
    for command, path in SAME:
        check_schemas(Api(fleet, NOW), command, path)


LISTS = (
    ("/exposure?verdict=all", "exposures", ("host", "advisory", "product")),
    ("/exposure?group=advisory", "advisories", ("advisory",)),
    ("/exposure?group=version", "versions", ("product", "version")),
    ("/exposure?group=host", "hosts", ("host",)),
    ("/hosts", "hosts", ("host",)),
    ("/advisories", "advisories", ("advisory",)),
    ("/plan", "plans", ("product", "version")),
    ("/subscriptions", "subscriptions", ("name",)),
    ("/silences?ended=true", "silences", ("number",)),
)


def added(database: Database, number: int, *, advisories: bool) -> None:
    """One more of everything, before, among and behind what is there."""
    found = [Host(f"{letter}-0-{number}", (OLD, KIT, RUNC)) for letter in ("a", "b", "z")]
    patch = Host(f"y-{number}", (Component("engine", f"24.0.{number}"), Component("runc", f"1.1.{number}")))
    with database.begin() as connection:
        inventory.take(connection, [*found, patch], {}, NOW)
        subscriptions.add(connection, Subscription(f"a-{number}", ("slack://a/B/C",), Filters(), START))
    if advisories:
        publish(database, record(f"CVE-2025-{number}", below="29.0.0"), record(f"CVE-2027-{number}", below="29.0.0"))
    add_silence(database, NewSilence(OTHER, Scope(hosts=("a-2",)), f"{number}", NOW + DAY, "Ann"), NOW - DAY)


@pytest.mark.parametrize(("path", "key", "names"), LISTS)
def test_what_is_added_between_pages_loses_and_doubles_no_row(
    database: Database, path: str, key: str, names: tuple[str, ...]
) -> None:
    api = Api(filled(database), NOW)

    def ids(page: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [tuple(row[name] for name in names) for row in page[key]]

    before = ids(api.json(f"GET {path}"))
    read: list[tuple[Any, ...]] = []
    limit = 8 if path == "/exposure?verdict=all" else 2  # which has very many rows
    first, cursor, number = f"GET {path}{'&' if '?' in path else '?'}limit={limit}", "", 0
    while True:
        page = api.json(f"{first}&cursor={cursor}" if cursor else first)
        read += ids(page)
        cursor = page["next"]
        if not cursor or len(read) > 400:
            break
        if number < 3:
            added(database, number, advisories=path != "/exposure?group=host")  # hosts go by their worst
            number += 1
    assert [times for row in before if (times := read.count(row)) != 1] == [], path
    assert len(read) == len(set(read)), path


def test_a_list_goes_on_where_its_last_row_stood_when_that_is_gone(fleet: Database) -> None:
    api = Api(fleet, NOW)
    with fleet.begin() as connection:
        for name in ("b", "c", "d", "e", "f", "g"):
            subscriptions.add(connection, Subscription(name, ("slack://a/B/C",), Filters(), START))
    names = [row["name"] for row in api.json("GET /subscriptions")["subscriptions"]]
    assert names == ["b", "c", "d", "e", "f", "g", "team-a", "team-b"]
    for gone, left in ((("d",), 5), (("b", "d"), 5), (("c", "d", "b"), 5), (("b",), 5), (("d", "e"), 4)):
        cursor = api.json("GET /subscriptions?limit=3")["next"]
        with fleet.begin() as connection:
            for name in gone:
                subscriptions.remove(connection, name, NOW)
        rest = [row["name"] for row in api.json(f"GET /subscriptions?cursor={cursor}")["subscriptions"]]
        assert rest == names[len(names) - 5 :][-left:], gone
        with fleet.begin() as connection:
            for name in gone:
                subscriptions.add(connection, Subscription(name, ("slack://a/B/C",), Filters(), START))


@pytest.mark.both
def test_pages_make_up_the_whole_list_in_its_order(database: Database) -> None:
    api = Api(filled(database), NOW)
    for path, key in (
        ("/exposure?verdict=all", "exposures"),
        ("/exposure?group=advisory", "advisories"),
        ("/exposure?group=version", "versions"),
        ("/exposure?group=host", "hosts"),
        ("/hosts?tag=team%3Da", "hosts"),
        ("/advisories", "advisories"),
        ("/plan", "plans"),
        ("/sources", "sources"),
        ("/subscriptions", "subscriptions"),
        ("/silences?ended=true", "silences"),
    ):
        whole = api.json(f"GET {path}")[key]
        more = "&" if "?" in path else "?"
        read: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = api.json(f"GET {path}{more}limit=2" + (f"&cursor={cursor}" if cursor else ""))
            assert 1 <= len(page[key]) <= 2, path
            read += page[key]
            cursor = page["next"]
        assert read == whole, path
        assert len(whole) > 1, path


def test_a_page_goes_on_after_a_host_that_is_gone_and_skips_none(fleet: Database) -> None:
    api = Api(fleet, NOW)
    first = api.json("GET /exposure?limit=7&advisory=" + NAME)
    gone = first["exposures"][-1]["host"]
    whole = api.json("GET /exposure?advisory=" + NAME)["exposures"]
    with fleet.begin() as connection:
        inventory.remove(connection, gone)
    rest = api.json(f"GET /exposure?limit=1000&advisory={NAME}&cursor={first['next']}")["exposures"]
    assert rest == [row for row in whole[7:] if row["host"] != gone]


def test_an_etag_answers_304_until_something_changes(fleet: Database) -> None:
    api = Api(fleet, NOW)
    first = api("GET /exposure")
    tag = header(first, "etag")
    later = replace(api, now=NOW + DAY / 24)
    same = later("GET /exposure", if_none_match=f'"other", {tag}')
    assert (same.status, same.body, header(same, "etag")) == (304, b"", tag)
    with fleet.begin() as connection:
        inventory.remove(connection, "a-1")
    assert later("GET /exposure", if_none_match=tag).status == 200


def tampered(cursor: str) -> str:
    return cursor[:-1] + ("A" if cursor[-1] != "A" else "B")


def test_what_cannot_be_used_is_a_problem_that_says_what_and_where(fleet: Database) -> None:
    api = Api(fleet, NOW)
    cursor = api.json("GET /hosts?limit=1")["next"]
    front, _, signed = cursor.partition(".")
    other = replace(api, viewer=limited(team="a"))
    for asked, status, words in (
        (f"GET /hosts?cursor={tampered(cursor)}", 400, "cursor"),
        (f"GET /hosts?cursor=WyJ6Il0.{signed}", 400, "cursor"),
        (f"GET /hosts?cursor={front}", 400, "cursor"),
        (f"GET /hosts?product=engine&cursor={cursor}", 400, "cursor"),
        (f"GET /exposure?cursor={cursor}", 400, "cursor"),
        ("GET /hosts?limit=1001", 400, "limit"),
        ("GET /hosts?limit=0", 400, "limit"),
        ("GET /hosts?limit=1&limit=2", 400, "once"),
        ("GET /hosts?colour=red", 400, "'colour'"),
        ("GET /hosts?tag=team", 400, "NAME=VALUE"),
        ("GET /hosts?host=%00", 400, "unprintable"),
        ("GET /exposure?severity=bad", 400, "'bad'"),
        ("GET /exposure?advisory=CVE-1999-1", 404, "CVE-1999-1"),
        ("GET /hosts/nobody", 404, "'nobody'"),
        ("GET /notifications?subscription=nobody", 404, "'nobody'"),
        ("DELETE /silences/99999999999999999999", 404, "silence"),
    ):
        said = api.json(asked, status=status)
        assert (said["status"], words in said["detail"]) == (status, True), (asked, said)
    assert other.json(f"GET /hosts?cursor={cursor}", status=400)["title"] == "Bad request"
    assert api(f"GET /hosts?cursor={tampered(cursor)}").media_type == "application/problem+json"


def test_a_limited_viewer_gets_no_word_of_other_hosts(fleet: Database) -> None:
    mine = Api(fleet, NOW, limited(team="a"))
    for path in (*(path for _, path in SAME), "/exposure?group=host", "/exposure?group=advisory", "/hosts"):
        for asked in (path, path.replace("team%3Db", "team%3Da")):
            answer = mine(f"GET {asked}")
            assert answer.status == (403 if asked == "/trend" else 200), asked
            assert isinstance(answer.body, bytes)
            assert b"b-" not in answer.body.replace(b"sub-", b""), asked
            assert b"team-b" not in answer.body, asked
    for path in ("/hosts/b-1", "/exposure?host=b-1", "/subscriptions/team-b"):
        unknown = path.replace("b-1", "c-1").replace("team-b", "team-c")
        details = [mine.json(f"GET {asked}", status=404)["detail"] for asked in (path, unknown)]
        assert details[0].replace("b-1", "c-1").replace("team-b", "team-c") == details[1]
    assert [s["scope"] for s in mine.json("GET /silences")["silences"]] == ["host a-1", ""]


def test_a_limited_operator_changes_nothing_of_other_hosts(fleet: Database) -> None:
    mine, every = Api(fleet, NOW, limited(team="a")), Api(fleet, NOW)
    numbers = {s["scope"]: s["number"] for s in every.json("GET /silences")["silences"]}
    for scope in ("", "host b-1"):
        assert mine.json(f"DELETE /silences/{numbers[scope]}", status=404)
    wanted = {"advisory": OTHER, "reason": "x", "until": f"{NOW + 9 * DAY:%Y-%m-%d}"}
    assert mine.json("POST /silences", wanted, 201)["scope"] == "tag team=a"
    assert mine.json("POST /silences", {**wanted, "tags": {"team": "b"}}, 400)
    assert mine.json("POST /silences", {**wanted, "hosts": ["b-1"]}, 404)
    assert mine.json("DELETE /subscriptions/team-b", status=404)
    assert mine.json("PATCH /subscriptions/team-a", {"tags": None})["filters"]["tag"] == "team=a"
    assert mine.json("PATCH /subscriptions/team-a", {"tags": {"team": "b"}}, 400)
    made = mine.json("POST /subscriptions", {"name": "new", "to": ["slack://A/B/C"]}, 201)
    assert made["filters"]["tag"] == "team=a"


def test_silences_assignments_and_subscriptions_are_made_changed_and_removed(fleet: Database) -> None:
    api = Api(fleet, NOW)
    made = api.json(
        "POST /silences", {"advisory": OTHER, "reason": "lab", "until": "2099-01-31", "tags": {"team": "a"}}, 201
    )
    assert (made["author"], made["scope"], made["until"]) == ("ann", "tag team=a", "2099-01-31T23:59:59Z")
    assert api(f"DELETE /silences/{made['number']}").status == 204
    wanted = {"advisory": NAME, "owner": "Ann", "due": "2099-01-31", "hosts": ["a-*"]}
    assert api.json("POST /assignments", wanted, 201)["scope"] == "host a-*"
    assert api.json(f"GET /advisories/{NAME}")["in_hand"][0]["owner"] == "Ann"
    assert api(f"DELETE /assignments/{NAME}?host=a-*").status == 204
    assert api.json(f"GET /advisories/{NAME}")["in_hand"] == []
    wanted = {"name": "ops/x", "to": ["slack://A/B/C"], "severity": "high", "schedule": "daily"}
    assert api.json("POST /subscriptions", wanted, 201)["schedule"]["every"] == "daily"
    changed = api.json("PATCH /subscriptions/ops%2Fx", {"severity": None, "kev": True, "paused": True})
    assert (changed["filters"], changed["state"]) == ({"kev": "yes"}, "paused")
    assert api("DELETE /subscriptions/ops%2Fx").status == 204
    assert api.json("GET /subscriptions/ops%2Fx", status=404)


def test_a_body_that_cannot_be_used_changes_nothing(fleet: Database) -> None:
    api = Api(fleet, NOW)
    ok = {"advisory": OTHER, "reason": "x", "until": "2099-01-31"}
    subscription = {"name": "x", "to": ["slack://A/B/C"]}
    for asked, body, status, words in (
        ("POST /silences", b"{", 400, "body"),
        ("POST /silences", b"[" * 100_000, 400, "body"),
        ("POST /silences", {**ok, "colour": "red"}, 400, "colour"),
        ("POST /silences", {**ok, "reason": "a\0b"}, 400, "reason"),
        ("POST /silences", {**ok, "until": "2020-01-01"}, 400, "past"),
        ("POST /silences", {**ok, "until": "soon"}, 400, "'soon'"),
        ("POST /silences", {**ok, "justification": "no"}, 400, "'no'"),
        ("POST /assignments", {"advisory": NAME, "owner": " ", "due": "2099-01-01"}, 400, "owner"),
        ("POST /subscriptions", {**subscription, "to": []}, 400, "to"),
        ("POST /subscriptions", {**subscription, "to": ["file:///etc"]}, 400, "writes files"),
        ("POST /subscriptions", {**subscription, "to": ["json://h/${NAVTEX_SECRET_KEY}"]}, 400, "secret"),
        ("POST /subscriptions", {**subscription, "quiet": "always"}, 400, "always"),
        ("PATCH /subscriptions/team-a", {}, 400, "nothing to change"),
        ("PATCH /subscriptions/team-a", {"to": ["atom:///x"]}, 400, "writes files"),
    ):
        said = api.json(asked, body, status)
        assert words in said["detail"], (asked, body, said)
    assert api("POST /silences", ok, content_type="text/plain").status == 415
    assert len(api.json("GET /silences")["silences"]) == 3
    assert len(api.json("GET /subscriptions")["subscriptions"]) == 2


def test_the_published_document_is_the_one_that_is_served(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts/openapi.py", tmp_path / "openapi.json"], check=True)
    published = ROOT / "docs/reference/openapi.json"
    assert published.read_text() == (tmp_path / "openapi.json").read_text(), "run `make openapi`"
    found: dict[str, Any] = json.loads(published.read_text())
    assert found["openapi"] == "3.1.0"
    assert {"get", "post"} == found["paths"]["/api/v1/silences"].keys()


def test_tokens_open_what_their_scopes_say_and_every_error_is_a_problem(fleet: Database) -> None:
    read, silences, pushes = (token(fleet, s) for s in (TokenScope.READ, TokenScope.SILENCES, TokenScope.PUSH))
    json_body = {"content-type": "application/json"}
    with browser(fleet) as one:

        def status(method: str, path: str, secret: str = "", body: bytes = b"", **headers: str) -> int:
            bearer = {"authorization": f"Bearer {secret}"} if secret else {}
            reply = one.send(method, f"/api/v1{path}", body, {**bearer, **headers})
            if reply.status >= 400:
                assert reply.header("content-type") == "application/problem+json", (method, path)
                assert reply.json["status"] == reply.status
            return reply.status

        assert [status("GET", "/hosts", secret) for secret in ("", "nvx_x", read, silences, pushes)] == [
            401, 401, 200, 403, 403,
        ]  # fmt: skip
        wanted = json.dumps({"advisory": OTHER, "reason": "x", "until": "2099-01-31"}).encode()
        assert [status("POST", "/silences", s, wanted, **json_body) for s in ("", read, pushes, silences)] == [
            401, 403, 403, 201,
        ]  # fmt: skip
        csv = {"content-type": "application/x-www-form-urlencoded"}  # as curl says of --data-binary
        content = b"host,product,version\n" + b"".join(b"web-%d,engine,29.5.1\n" % n for n in range(300))
        assert [status("POST", "/inventory", s, content, **csv) for s in ("", read, pushes)] == [401, 403, 200]
        assert status("POST", "/inventory", pushes, b"x" * ((1 << 20) + 1)) == 413
        assert status("GET", "/nothing", read) == 404
        assert status("PUT", "/hosts", read) == 405
        assert status("GET", "/hosts?host=%00", read) == 400
        assert status("GET", "/openapi.json") == 200
        assert [e.action for e in list_entries(fleet)] == ["silence.add", *["token.add"] * 3]


def test_the_reference_lists_every_route_with_its_parameters() -> None:
    page = sections(ROOT / "docs/reference/api.md")
    listed = {code(cells[0])[0]: code(cells[-1]) for cells in rows(page["Routes"])}
    assert listed == {f"{o.method} {o.path}": [p.name for p in o.parameters] for o in OPERATIONS}
