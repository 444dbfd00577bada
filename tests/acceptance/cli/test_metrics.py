from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from feeds.storage.database import Database
from notifier.domain.runs import Run
from notifier.services.upkeep import metrics
from notifier.services.upkeep.metrics import Metric
from notifier.storage import monitoring
from tests.conftest import ROOT, Mailbox, Program, World

FLEET = "host,product,version\nlab-1,engine,25.0.5\nlab-1,runc,1.1.11\nlab-2,engine,29.5.3\nlab-3,engine,25.0.5\n"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)

Values = dict[tuple[str, ...], float]


@pytest.fixture
def navtex(program_with: Callable[..., Program], world: World) -> Program:
    """A program that has polled the demo's first day, and writes its metrics into a file."""
    made = program_with(polled=True, NAVTEX_MIRROR=world.url)
    file = made.home / "navtex.toml"
    file.write_text(f"[metrics]\ntextfile = '{made.home}/navtex.prom'\n", encoding="utf-8")
    return made.having(NAVTEX_CONFIG=str(file))


def values(text: str) -> Values:
    """Every sample by its name and the values of its labels; the text must be valid in both formats."""
    found = {}
    for family in openmetrics(text):  # type: ignore[no-untyped-call]
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            found[sample.name, *sample.labels.values()] = sample.value
    old = {(s.name, *s.labels.values()): s.value for family in prometheus(text) for s in family.samples}
    assert old == found
    assert text.endswith("# EOF\n")
    return found


def written(navtex: Program) -> Values:
    file = navtex.home / "navtex.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    return values(file.read_text(encoding="utf-8"))


def test_a_run_writes_its_metrics_for_the_collector_to_read(navtex: Program, mailbox: Mailbox, world: World) -> None:
    navtex("inventory", "import", stdin=FLEET)
    navtex("subscription", "add", "ops", "--to", mailbox.address())
    before = time.time()
    navtex("run")
    found = written(navtex)
    assert found["navtex_last_run_exit_status", "run"] == 0
    assert before <= found["navtex_last_run_timestamp_seconds", "run"] <= time.time()
    assert 0 < found["navtex_last_run_duration_seconds", "run"] <= time.time() - before
    assert found["navtex_hosts",] == 3
    assert found["navtex_stale_hosts",] == 0
    assert found["navtex_source_state", "docker-blog", "healthy"] == 1
    assert found["navtex_source_items", "docker-blog"] == 2
    assert found["navtex_deliveries", "sent"] == 1
    assert found["navtex_deliveries", "pending"] == 0
    assert found["navtex_subscriptions",] == 1
    assert found["navtex_database_size_bytes",] >= (navtex.home / ".local/share/navtex/navtex.db").stat().st_size
    assert ("navtex_oldest_pending_delivery_timestamp_seconds",) not in found

    world.put("www.docker.com/blog/feed/index.xml", "<html>maintenance</html>")
    good = found["navtex_last_run_success_timestamp_seconds", "run"]
    navtex("run", status=1)
    found = written(navtex)
    assert found["navtex_last_run_exit_status", "run"] == 1
    assert found["navtex_last_run_success_timestamp_seconds", "run"] == good
    assert found["navtex_source_state", "docker-blog", "healthy"] == 0
    assert found["navtex_source_state", "docker-blog", "failing"] == 1
    assert found["navtex_source_failures", "docker-blog"] == 1


def test_the_numbers_of_exposure_are_those_that_exposure_lists(navtex: Program, world: World) -> None:
    kev = "www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
    listed = world.get(kev)
    listed["vulnerabilities"].append(listed["vulnerabilities"][0] | {"cveID": "CVE-2024-41110"})
    world.put(kev, listed)
    navtex("inventory", "import", stdin=FLEET)
    navtex("poll", "kev")
    rows = navtex.json("exposure")["exposures"]
    assert {r["host"] for r in rows} == {"lab-1", "lab-3"}
    found = written(navtex)
    assert found["navtex_exposed_hosts",] == 2
    exploited = [r for r in rows if r["kev"]]
    assert found["navtex_exposed_hosts_exploited",] == len({r["host"] for r in exploited}) == 2
    assert found["navtex_exposing_advisories_exploited",] == len({r["advisory"] for r in exploited}) == 1
    for severity in ("low", "medium", "high", "critical", "unscored"):
        these = [r for r in rows if (r["severity"] or "unscored") == severity]
        assert found["navtex_exposed_hosts_by_severity", severity] == len({r["host"] for r in these})
        assert found["navtex_exposing_advisories", severity] == len({r["advisory"] for r in these})


def test_a_delivery_that_waits_is_counted_with_its_age(navtex: Program) -> None:
    navtex("inventory", "import", stdin=FLEET)
    navtex("subscription", "add", "ops", "--to", "json://127.0.0.1:1/")
    before = time.time()
    navtex("notify", status=1)
    found = written(navtex)
    assert found["navtex_deliveries", "pending"] == 1
    assert before - 1 < found["navtex_oldest_pending_delivery_timestamp_seconds",] < time.time()


def test_the_command_prints_what_a_run_wrote(navtex: Program) -> None:
    navtex("notify")
    printed = values(navtex("metrics").stdout)
    assert printed.keys() == written(navtex).keys()
    assert printed["navtex_last_run_exit_status", "notify"] == 0


def test_a_run_that_cannot_use_its_database_still_says_how_it_ended(navtex: Program) -> None:
    navtex("run", status=1, NAVTEX_DATABASE_URL="postgresql://navtex@127.0.0.1:1/navtex")
    found = written(navtex)
    assert found["navtex_last_run_exit_status", "run"] == 1
    assert ("navtex_hosts",) not in found
    assert ("navtex_last_run_success_timestamp_seconds", "run") not in found


def test_a_run_that_finds_another_at_work_leaves_the_metrics_alone(navtex: Program) -> None:
    navtex("notify")
    before = (navtex.home / "navtex.prom").read_bytes()
    database = Database(f"sqlite:///{navtex.home}/.local/share/navtex/navtex.db")
    with database.lock():
        navtex("notify", status=4)
    database.close()
    assert (navtex.home / "navtex.prom").read_bytes() == before


def test_metrics_that_cannot_be_written_are_told_and_fail_no_run(navtex: Program) -> None:
    file = navtex.home / "other.toml"
    file.write_text("[metrics]\ntextfile = '/proc/nowhere/navtex.prom'\n", encoding="utf-8")
    done = navtex("notify", NAVTEX_CONFIG=str(file))
    assert "/proc/nowhere/navtex.prom: the metrics cannot be written" in done.stderr


def test_a_file_that_is_replaced_is_never_half_there_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "navtex.prom"
    metrics.write(file, "old\n")
    with file.open(encoding="utf-8") as reader:
        metrics.write(file, "new\n")
        assert reader.read() == "old\n"
    assert file.read_text() == "new\n"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        metrics.write(tmp_path / "folder", "new\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "navtex.prom"]


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "ä—😀", "", "}"])
def test_whatever_stands_in_a_label_is_read_back_as_it_was(value: str) -> None:
    text = metrics.text([Metric("navtex_x", "What\nit \\ is", ("name",), (((value,), 1.5),))])
    assert values(text) == {("navtex_x", value): 1.5}


def test_the_last_run_of_each_command_is_kept_with_its_last_good_one(database: Database) -> None:
    later = AT + timedelta(hours=1)
    with database.begin() as connection:
        monitoring.note(connection, Run("run", AT, AT, 1.5, 0, AT))
        monitoring.note(connection, Run("poll", AT, AT, 0.5, 1))
        monitoring.note(connection, Run("run", later, later, 2.5, 1))
    with database.connect() as connection:
        assert monitoring.runs(connection) == [Run("poll", AT, AT, 0.5, 1), Run("run", later, later, 2.5, 1, AT)]
        assert monitoring.newest(connection) == later


def test_a_fresh_database_has_metrics_of_both_kinds(database: Database) -> None:
    with database.connect() as connection:
        found = values(metrics.text(metrics.gather(connection, AT)))
    assert found["navtex_hosts",] == 0
    assert found["navtex_database_size_bytes",] > 10_000


def test_every_metric_is_described_and_no_other(database: Database) -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(navtex_\w+)` \| ([^|]*?) ?\|", page, re.MULTILINE))
    with database.connect() as connection:
        known = list(metrics.gather(connection, AT))
    assert said.keys() == {m.name for m in known}
    for metric in known:
        assert re.findall(r"`(\w+)`", said[metric.name]) == list(metric.labels)
