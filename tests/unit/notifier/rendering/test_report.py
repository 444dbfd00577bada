"""The HTML report: one file that asks for nothing, runs nothing, and can be read without colours."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, timedelta

import msgspec
import pytest
from lxml import html

from feeds.advisories.records import Level, Severity
from feeds.sources.health import SourceHealth, SourceState
from feeds.verdicts.weighing import Status, Verdict
from notifier.assessment.findings import Finding
from notifier.assessment.matcher import Match
from notifier.assessment.upgrade_plans import Option, Plan, Way
from notifier.domain.components import Component
from notifier.rendering.messages import page
from notifier.rendering.report import COLUMNS, ExposureReport, ReportDay, ReportStep, chart, matrices
from notifier.rendering.trend_chart import week_chart
from notifier.schemas.trend import LEVELS, FixTime, OpenAge, Trend, TrendWeek
from tests.support.samples import START, advisory

HOSTILE = '"><script>alert(1)</script><img src=http://x/y> \x1b[31m\u202e'
CRITICAL = advisory(1, "CVE-2026-1", severity=Severity.CRITICAL, title=HOSTILE)
LOW = advisory(2, "CVE-2026-2", severity=Severity.LOW, url="javascript:alert(1)")
RUNC = advisory(3, "CVE-2026-3", severity=Severity.HIGH, products=("runc",))


def finding(
    number: int, version: str, about: object, status: Status = Status.AFFECTED, product: str = "engine", hosts: int = 1
) -> Finding:
    verdict = Verdict(status, f"because {HOSTILE}", None, ("25.0.6",), "25.0.6")
    return Finding(number, Match(Component(product, version), about, verdict), hosts)  # type: ignore[arg-type]


FOUND = (
    finding(1, "25.0.5", CRITICAL, hosts=3),
    finding(2, "20.10.27", CRITICAL, Status.UNKNOWN),
    finding(3, "29.7.2", CRITICAL, Status.NOT_AFFECTED),
    finding(4, "1.1.11", RUNC, product="runc"),
    finding(1, "25.0.5", LOW, Status.CONFLICTING, hosts=3),
    finding(2, "20.10.27", LOW, Status.NOT_AFFECTED),
    finding(3, "29.7.2", LOW, Status.NOT_AFFECTED),
)
HISTORY = tuple(
    ReportDay(date(2026, 4, 1) + timedelta(days=n), 10, dict.fromkeys(map(str, Level), 0) | {"critical": n, "low": 1})
    for n in range(9)
)


WEEKS = tuple(
    TrendWeek(week=date(2026, 3, 30) + timedelta(weeks=n), opened=40 * n, fixed=3, retired=n, closed=3 + n, whole=n > 0)
    for n in range(3)
)
TREND = Trend(
    generated_at=START,
    since=date(2026, 4, 1),
    hosts_since=None,
    findings_since=date(2026, 4, 1),
    days=(),
    weeks=WEEKS,
    fixes=tuple(FixTime(level=level, fixed=9, median_days=None if level == "low" else 4.5) for level in LEVELS),
    median_days=4.5,
    ages=tuple(
        OpenAge(
            level=level,
            findings=6,
            week=3,
            month=2,
            quarter=1,
            older=0,
            median_days=5,
            oldest=date(2026, 3, 1),
            overdue=1,
        )
        for level in LEVELS
    ),
)


def report(**values: object) -> ExposureReport:
    plan = Plan(
        Component("engine", "25.0.5"),
        None,
        None,
        (FOUND[0].match,),
        (),
        (Option(way=Way.OWN_LINE, to="25.0.6", closes=(CRITICAL,), leaves=(), command=f"apt-get install {HOSTILE}"),),
    )
    standing: dict[str, object] = {
        "at": START,
        "about": f"hosts {HOSTILE}",
        "hosts": 10,
        "affected": 4,
        "levels": {"critical": 3, "high": 1, "unscored": 0, "medium": 0, "low": 0},
        "kev": 2,
        "unknown": 1,
        "stale": 5,
        "stale_after": 30,
        "advisories": 3,
        "matrices": matrices(FOUND, {"CVE-2026-1": 3, "CVE-2026-2": 3, "CVE-2026-3": 1}, lambda _: (HOSTILE,)),
        "chart": chart(HISTORY),
        "trend": TREND,
        "weeks": week_chart(TREND.weeks),
        "steps": (ReportStep(plan, 7, ("web-1", HOSTILE)),),
        "sources": (SourceState("docker-blog", SourceHealth.FAILING, HOSTILE, 3, 12, START, START),),
    }
    return ExposureReport(**{**standing, **values})  # type: ignore[arg-type]


def read(text: str) -> html.HtmlElement:
    return html.document_fromstring(text)


def words(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    text = page(report())
    tree = read(text)
    assert tree.xpath("//script|//img|//iframe|//object|//embed|//link|//form|//base|//@style|//@src") == []
    assert [a for a in tree.xpath("//@*") if str(getattr(a, "attrname", "")).startswith("on")] == []
    assert all(u.startswith("https://") for u in tree.xpath("//@href"))
    assert not re.search(r"@import|url\(", text)
    assert "javascript:" not in text
    assert not re.search(r"[\x1b\u202e]", text)


def test_its_policy_lets_in_its_own_style_and_nothing_else() -> None:
    tree = read(page(report()))
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = tree.xpath("//style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_table_says_what_its_cells_belong_to() -> None:
    tree = read(page(report()))
    tables = tree.xpath("//table")
    assert len(tables) == 6
    for table in tables:
        assert table.xpath("./thead/tr/th[@scope='col']")
        for line in table.xpath("./tbody/tr"):
            assert len(line.xpath("./th[@scope='row']")) == 1
            assert len(line) == len(table.xpath("./thead/tr/th"))
    assert tree.xpath("//html/@lang") == ["en"]
    assert len(tree.xpath("//h1")) == 1
    regions = tree.xpath("//*[@role='region']")
    assert all(r.get("tabindex") == "0" and (r.get("aria-label") or r.get("aria-labelledby")) for r in regions)


def test_a_matrix_says_verdict_and_hosts_in_words() -> None:
    tree = read(page(report()))
    engine = next(t for t in tree.xpath("//table[@class='matrix']") if "29.7.2" in words(t))
    lines = [[words(cell) for cell in line] for line in engine.xpath("./tbody/tr")]
    assert [line[1:] for line in lines] == [
        ["3 affected", "1 unknown", "not affected"],
        ["3 conflicting", "not affected", "not affected"],
    ]
    assert lines[0][0].startswith("CVE-2026-1 critical · 3 hosts")


def test_the_worst_product_comes_first_and_what_is_about_none_is_left_out() -> None:
    assert [m.product for m in matrices(FOUND, {})] == ["engine", "runc"]
    assert matrices([finding(1, "29.7.2", CRITICAL, Status.NOT_AFFECTED)], {}) == ()


def test_too_many_versions_are_left_out_and_counted() -> None:
    many = [finding(n, f"25.0.{n}", CRITICAL) for n in range(COLUMNS + 3)]
    (matrix,) = matrices(many, {"CVE-2026-1": COLUMNS + 3})
    assert (len(matrix.columns), matrix.left_out) == (COLUMNS, 3)
    assert "3 versions not shown" in page(report(matrices=(matrix,)))


def test_an_advisory_that_is_not_about_a_version_has_an_empty_cell() -> None:
    (matrix,) = matrices([finding(1, "25.0.5", CRITICAL), finding(2, "27.0.1", LOW)], {})
    assert [[cell is None for cell in line.cells] for line in matrix.lines] == [[False, True], [True, False]]


def test_the_summary_tells_each_number_with_its_name() -> None:
    tree = read(page(report()))
    tiles = {words(t.find("dt")): words(t.find("dd")) for t in tree.xpath("//dl[@class='tiles']/div")}
    assert tiles == {
        "hosts": "10",
        "affected": "4",
        "worst: critical": "3",
        "worst: high": "1",
        "worst: unscored": "0",
        "worst: medium": "0",
        "worst: low": "0",
        "known exploited (KEV)": "2",
        "with unknown verdicts": "1",
        "not seen for 30 days": "5",
    }


def test_what_operators_say_of_an_advisory_stands_beside_it() -> None:
    said = {2: ("Silenced for tag env=lab until 2026-12-31 by Ann: not used", "Assigned to Ann, due 2026-12-31")}
    tree = read(page(report(matrices=matrices(FOUND, {}, lambda number: said.get(number, ())))))
    headings = {words(th.find("b")): words(th) for th in tree.xpath("//table[@class='matrix']/tbody/tr/th")}
    assert headings["CVE-2026-2"].endswith(" ".join(said[2]))
    assert not [name for name, text in headings.items() if "Ann" in text and name != "CVE-2026-2"]


def test_the_plan_and_the_sources_are_told() -> None:
    said = words(read(page(report())).find(".//main"))
    assert "engine 25.0.5 on 7 hosts: web-1," in said
    assert "and 5 more" in said
    assert "25.0.6 (own line) closes 1 of 1" in said
    assert "docker-blog failing 12 2026-04-15" in said


def test_without_history_findings_or_sources_the_page_says_so() -> None:
    bare = report(chart=None, matrices=(), steps=(), sources=(), affected=0, advisories=0)
    said = words(read(page(bare)).find(".//main"))
    assert "No history yet" in said
    assert "No source has been read yet, so this report shows nothing." in said
    assert "No known advisory affects a version in use." in said


def test_columns_of_one_version_and_package_say_their_distribution() -> None:
    found = [
        Finding(n, Match(Component("engine", *of), CRITICAL, Verdict(Status.AFFECTED, "", None, (), None)), 1)
        for n, of in enumerate([("25.0.5", "docker.io 25.0.5-1", "debian-12"), ("25.0.5", "docker.io 25.0.5-1", "")])
    ]
    other = finding(9, "25.0.5", CRITICAL)
    (made,) = matrices([*found, other], {})
    assert {(c.component.package, c.distro) for c in made.columns} == {
        ("docker.io 25.0.5-1", "debian-12"),
        ("docker.io 25.0.5-1", ""),
        ("", ""),
    }
    shown = page(report(matrices=(made,)))
    assert shown.count("debian-12") == 1


# the chart


def test_bars_stand_on_the_axis_and_on_each_other() -> None:
    made = chart(HISTORY)
    assert made is not None
    last = [b for b in made.bars if b.x == max(b.x for b in made.bars)]
    assert [b.level for b in last] == ["low", "critical"]
    assert last[0].y + last[0].height == pytest.approx(made.bottom)
    assert last[1].y + last[1].height == pytest.approx(last[0].y)
    assert last[1].height == pytest.approx(last[0].height * 8, abs=0.1)
    assert all(b.x >= 0 and b.x + b.width <= made.right and b.y >= 0 for b in made.bars)


def test_a_day_that_is_missing_leaves_a_gap() -> None:
    made = chart([HISTORY[0], HISTORY[1], HISTORY[4]])
    assert made is not None
    places = sorted({b.x for b in made.bars})
    assert places[2] - places[1] == pytest.approx(3 * (places[1] - places[0]), abs=0.1)


@pytest.mark.parametrize(
    ("most", "shown"),
    [
        (0, ["0", "1", "2", "3", "4"]),
        (5, ["0", "2", "4", "6", "8"]),
        (16, ["0", "5", "10", "15", "20"]),
        (1_000_000, ["0", "500,000", "1,000,000", "1,500,000", "2,000,000"]),
    ],
)
def test_the_axis_has_round_numbers_and_holds_the_most(most: int, shown: list[str]) -> None:
    made = chart([ReportDay(date(2026, 4, 1), most, {"high": most})])
    assert made is not None
    assert [row.text for row in made.rows] == shown


def test_no_days_make_no_chart_and_a_year_has_few_labels() -> None:
    assert chart([]) is None
    year = chart([ReportDay(date(2025, 4, 1) + timedelta(days=n), 1, {"high": 1}) for n in range(400)])
    assert year is not None
    assert len(year.days) <= 7
    assert len(year.bars) == 400


def test_an_exploited_advisory_is_marked() -> None:
    exploited = msgspec.structs.replace(CRITICAL, exploited=date(2026, 4, 2))
    for about, marked in ((CRITICAL, False), (exploited, True)):
        tree = read(page(report(matrices=matrices([finding(1, "25.0.5", about)], {}))))
        (heading,) = tree.xpath("//table[@class='matrix']/tbody/tr/th")
        assert ("exploited" in words(heading)) is marked


def test_each_week_has_a_bar_for_what_was_opened_and_for_what_was_closed() -> None:
    found = week_chart(WEEKS)
    assert found is not None
    assert [(b.level, b.height > 0) for b in found.bars] == [
        ("closed", True),
        *[("opened", True), ("closed", True)] * 2,
    ]
    opened = [b for b in found.bars if b.level == "opened"]
    assert opened[1].height == pytest.approx(2 * opened[0].height)
    assert all(b.x + b.width <= found.right and b.y + b.height == pytest.approx(found.bottom) for b in found.bars)
    assert [w.week for w in found.weeks] == [w.week for w in reversed(WEEKS)]
    assert week_chart(()) is None


def test_the_report_shows_the_trend_with_its_numbers_and_leaves_out_one_that_is_not_known() -> None:
    shown = page(report())
    assert "Opened and closed" in shown
    assert "2026-03-30" in shown
    assert ">4.5</td>" in shown
    assert "Opened and closed" not in page(report(trend=None, weeks=None))
