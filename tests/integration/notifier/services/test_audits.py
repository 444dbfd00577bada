"""Imports of audits, and the hosts that are to be audited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feeds.core.errors import UnknownName
from feeds.storage.database import Database
from notifier.domain.components import BadRow, Note
from notifier.domain.filters import Scope
from notifier.inventory.text import Text
from notifier.schemas.benchmark import HostAudit
from notifier.services.catalogue.audits import AuditImport, host_audits, import_audits
from tests.conftest import Program
from tests.integration.notifier.services.test_benchmarks import LINES, edition
from tests.support.audits import END, bench, check, inspec, policy, sca, summary
from tests.support.samples import DAY, NOW, START, install, publish

Told = list[BadRow | Note]


@pytest.fixture
def known(database: Database) -> Database:
    install(database, old_1="1.6.2", web_1="25.0.5", web_2="26.1.4", web_3="29.5.0")
    publish(database, *LINES, source="endoflife")
    publish(
        database,
        edition("1.0.0", "1.6", "2015-04-22"),
        edition("1.6.0", dated="by 2023-08-25"),
        edition("1.7.0", dated="by 2024-12-03"),
        edition("1.8.0", dated="2025-07"),
    )
    return database


def take(database: Database, *values: Any, told: Told | None = None, **options: str) -> AuditImport:
    text = Text.of("\n".join(map(json.dumps, values)))
    said: Told = [] if told is None else told
    return import_audits(database, text, NOW, said.append, **options)


def rows(database: Database, scope: Scope = Scope(), *, everything: bool = True) -> dict[str, HostAudit]:  # noqa: B008
    return {r.host: r for r in host_audits(database, scope, NOW, everything=everything).value.hosts}


def reasons(database: Database) -> dict[str, list[str]]:
    return {host: [r.value for r in row.reasons] for host, row in rows(database).items()}


def test_a_host_is_to_be_audited_when_a_newer_edition_is_due(known: Database) -> None:
    assert {r for found in reasons(known).values() for r in found} == {"never-audited"}
    assert take(known, bench(), host="web-1").new == 1
    assert take(known, inspec(title="CIS Docker Benchmark v1.7.0"), host="web-2").new == 1
    assert take(known, inspec(title="CIS Docker 1.6 Benchmark v1.0.0"), host="old-1").new == 1
    assert reasons(known) == {
        "old-1": [], "web-1": ["older-edition"], "web-2": [], "web-3": ["never-audited"]}  # fmt: skip
    assert list(rows(known, everything=False)) == ["web-1", "web-3"]
    web = rows(known)["web-1"]
    assert web.audit is not None
    assert (web.due, web.audit.edition, web.audit.score) == (
        "cis-docker-benchmark-1.8.0", "cis-docker-benchmark-1.6.0", -1)  # fmt: skip
    assert [c.id for c in web.audit.failed_checks or ()] == ["1.1.10", "2.2"]


def test_the_audit_against_the_edition_due_counts_however_old(known: Database) -> None:
    take(known, inspec(title="CIS Docker Benchmark v1.8.0"), bench(end=int(NOW.timestamp())), host="web-1")
    assert reasons(known)["web-1"] == []


def test_an_audit_before_the_last_upgrade_is_to_be_made_again(known: Database) -> None:
    take(known, bench(end=END), host="web-1")
    take(known, inspec(title="CIS Docker Benchmark v1.8.0"), host="web-3")
    install(known, START + DAY, web_1="29.5.0", web_3="29.7.2", web_2="26.1.3")
    found = rows(known)
    assert [r.value for r in found["web-1"].reasons] == ["older-edition", "before-upgrade"]
    assert [r.value for r in found["web-3"].reasons] == ["before-upgrade"]
    assert found["web-3"].upgraded_at == START + DAY
    assert found["web-2"].upgraded_at is None
    later = inspec(title="CIS Docker Benchmark v1.8.0")
    later["profiles"][0]["controls"][0]["results"][0]["start_time"] = (START + 2 * DAY).isoformat()
    take(known, later, host="web-3")
    assert rows(known)["web-3"].reasons == ()


def test_the_edition_that_an_operator_names_goes_before_that_of_the_tool(known: Database) -> None:
    told: Told = []
    take(known, inspec(title="CIS Docker Benchmark Profile"), told=told, host="web-1")
    assert [n.text for n in told if isinstance(n, Note)] == [
        "its profile does not say which edition it follows; name it with --edition (web-1)"
    ]
    assert reasons(known)["web-1"] == ["unknown-edition"]
    take(known, inspec(title="CIS Docker Benchmark Profile"), host="web-1", edition="v1.8.0")
    assert reasons(known)["web-1"] == []
    take(known, inspec(), host="web-2", edition="CIS Docker Benchmark v1.9.0", told=told)
    assert isinstance(told[-1], Note)
    assert told[-1].text == "CIS Docker Benchmark v1.9.0 is an edition that no source lists (web-2)"
    with pytest.raises(UnknownName, match="no benchmark edition"):
        take(known, bench(), host="web-1", edition="the newest")


def test_a_version_that_says_little_of_the_edition_is_read_with_a_doubt(known: Database) -> None:
    told: Told = []
    take(known, bench("1.8.2"), host="web-1", told=told)
    assert isinstance(told[-1], Note)
    assert told[-1].text.startswith("read as CIS Docker Benchmark v1.8.0: taken from the version")
    row = rows(known)["web-1"]
    assert row.audit is not None
    assert row.audit.doubt == "taken from the version of docker-bench-security, 1.8.2"


def test_a_host_that_the_inventory_does_not_know_is_kept_and_named(known: Database) -> None:
    told: Told = []
    take(known, bench(), host="gone", told=told)
    take(known, bench(), host="WEB-1", told=told)
    assert [n.text for n in told if isinstance(n, Note)] == ["hosts that are not in the inventory (gone)"]
    assert reasons(known)["gone"] == ["no-engine"]
    assert reasons(known)["web-1"] == ["older-edition"]
    assert "gone" not in rows(known, Scope(hosts=("web-*",)))


def test_the_checks_of_wazuh_find_their_audit(known: Database) -> None:
    told: Told = []
    assert take(known, sca(check(1, "failed", "2.2")), host="web-2", told=told).bad == 1
    (wrong,) = told
    assert isinstance(wrong, BadRow)
    assert "import the answer of /sca/AGENT first" in wrong.reason
    assert take(known, sca(policy()), host="web-2").new == 1
    before = rows(known)["web-2"].audit
    assert before is not None
    assert (before.failed, before.failed_checks) == (2, None)
    assert take(known, sca(check(1, "failed", "2.2")), host="web-2").completed == 1
    after = rows(known)["web-2"].audit
    assert after is not None
    assert [c.id for c in after.failed_checks or ()] == ["2.2"]


def test_a_date_that_is_to_come_is_refused_and_the_others_are_kept(known: Database) -> None:
    told: Told = []
    done = take(known, bench(end=int((NOW + 3 * DAY).timestamp())), summary("web-2", failed="0"), host="", told=told)
    assert (done.new, done.bad) == (1, 1)
    done = take(known, bench(end=int((NOW + 3 * DAY).timestamp())), host="web-1", told=told)
    assert (done.new, done.bad) == (0, 1)
    assert isinstance(told[-1], BadRow)
    assert "which is to come" in told[-1].reason


def test_the_program_imports_and_lists_audits(
    known: Database, program_with: Callable[..., Program], tmp_path: Path
) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=known.url.render_as_string(hide_password=False))
    log = tmp_path / "docker-bench-security.log.json"
    log.write_text(json.dumps(bench(), indent=2))
    assert navtex("benchmark", "import", str(log), "--host", "web-1").stderr == "1 audit added, 0 unchanged\n"
    again = navtex("benchmark", "import", "-", "--host", "web-1", stdin=log.read_text())
    assert again.stderr == "0 audits added, 1 unchanged\n"
    missing = navtex("benchmark", "import", str(log), status=1)
    assert f"{log}, the document: it does not name its host" in missing.stderr
    cut = navtex("benchmark", "import", "-", "--host", "web-1", stdin=log.read_text()[:300], status=1)
    assert "standard input: the JSON cannot be read" in cut.stderr
    listed = navtex("benchmark", "audits").stdout
    assert max(map(len, listed.splitlines())) <= 80
    (row,) = (x for x in listed.splitlines() if x.startswith("web-1"))
    assert row.split()[:7] == ["web-1", "1.8.0", "1.6.0", "2024-03-01", "2", "of", "3"]
    assert row.endswith("an older edition")
    assert "1.1.10  Ensure auditing of runc" in navtex("benchmark", "audits", "--checks", "--host", "web-1").stdout
    assert [h["host"] for h in navtex.json("benchmark", "audits", "--limit", "2")["hosts"]] == ["old-1", "web-1"]
    assert "there is no host" in navtex("benchmark", "audits", "--host", "nobody", status=2).stderr
    assert "navtex benchmark import" in navtex("inventory", "import", str(log), status=1).stderr
    other = navtex("benchmark", "import", stdin=json.dumps(sca(policy("CIS Ubuntu", policy_id="cis_ubuntu"))), status=1)
    assert "it does not name its host" in other.stderr
