from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.facts import ReleaseLine
from feeds.advisories.records import Edition, Kind, Rank, Read
from feeds.advisories.releases import Releases, gathered
from feeds.verdicts.weighing import Status
from feeds.versions.products import ENGINE_MODULE
from notifier.assessment.matcher import Match, Matcher
from notifier.domain.components import Component
from tests.support.depth import examples
from tests.support.records import NAME, NOW, catalogue, claim, packaged, read, twinned

TODAY = date(2026, 6, 1)
FIXED = "20.10.24+dfsg1-1+deb12u1"
UPSTREAM = read(claim("< 23.0.15", "20.10.28 23.0.15"))
DEBIAN = read(packaged(FIXED), source="osv")


def matcher(*reads: Read, releases: Releases | None = None, **values: Any) -> Matcher:
    return Matcher(catalogue(*reads, releases=releases), TODAY, **values)


def engine(version: str, package: str = "", distro: str = "") -> Component:
    return Component("engine", version, package, distro)


def one(found: Sequence[Match]) -> Match:
    (match,) = found
    return match


@pytest.mark.parametrize(
    ("component", "status", "reason"),
    [
        # Debian's own record decides about Debian's package
        (engine("20.10.24+dfsg1", f"docker.io {FIXED}", "debian-12"), Status.NOT_AFFECTED, "fixed in"),
        (engine("20.10.24+dfsg1", f"docker.io {FIXED}+b6", "debian-12"), Status.NOT_AFFECTED, "fixed in"),
        (engine("20.10.24+dfsg1", f"docker.io {FIXED}+b6"), Status.NOT_AFFECTED, "fixed in"),
        (engine("20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1", "debian-12"), Status.AFFECTED, "fixed in"),
        # of Docker's own packages, upstream's numbers hold
        (engine("20.10.24", "docker-ce 5:20.10.24~3-0~debian-bookworm", "debian-12"), Status.AFFECTED, "in the"),
        (engine("20.10.24"), Status.AFFECTED, "in the affected range"),
        (engine("23.0.15", "docker-ce 5:23.0.15-1~debian.12~bookworm", "debian-12"), Status.NOT_AFFECTED, "is the fix"),
        # somebody else's build may carry the fix
        (engine("20.10.24", "docker.io 20.10.24-0ubuntu1~22.04.1", "ubuntu-22.04"), Status.UNKNOWN,
         "Ubuntu:22.04:LTS has published no security record of this package yet"),
        (engine("20.10.24", "docker 20.10.24-1.amzn2", "amzn-2"), Status.UNKNOWN,
         "Navtex has no source of security records of amzn-2"),
        (engine("20.10.24", "moby-engine 20.10.24-1"), Status.UNKNOWN,
         "to decide, import its distribution (ID-VERSION_ID of os-release, as `distro`)"),
        (engine("20.10.24+dfsg1"), Status.UNKNOWN,
         "to decide, import its package name and version, and its distribution"),
        (engine("20.10.24", "docker.io", "debian-12"), Status.UNKNOWN,
         "to decide, import the version of its package as Debian:12 writes it"),
        (engine("20.10.24", "docker.io 20.10.24_weird", "debian-12"), Status.UNKNOWN, "'20.10.24_weird' is not one"),
        # vendors who build it themselves, as a daemon tells it: without a package
        (engine("20.10.24", "", "amzn-2"), Status.UNKNOWN,
         "Navtex has no source of security records of amzn-2"),
        (engine("20.10.24", "", "opensuse-leap-15.6"), Status.UNKNOWN,
         "import the name and version of its package as openSUSE:Leap 15.6 writes them"),
        (engine("20.10.24-ce"), Status.UNKNOWN, "import its package name and version, and its distribution"),
        (engine("20.10.24", "docker 20.10.24_ce-150000.1.1", "sles-15.5"), Status.UNKNOWN,
         "SUSE:Linux Enterprise Server 15 SP5 has published no security record"),
        (engine("23.0.15-ce"), Status.NOT_AFFECTED, "is built from that version"),
        # what is fixed in the version it was built from is fixed in it
        (engine("23.0.15", "docker 23.0.15-1.amzn2", "amzn-2"), Status.NOT_AFFECTED,
         "docker 23.0.15-1.amzn2 is built from that version"),
        (engine("26.1.5+dfsg1"), Status.NOT_AFFECTED, "engine 26.1.5+dfsg1 is built from that version"),
    ],
)  # fmt: skip
def test_a_package_is_judged_by_who_built_it(component: Component, status: Status, reason: str) -> None:
    found = one(list(matcher(UPSTREAM, DEBIAN).vulnerabilities(component))).verdict
    assert found.status is status
    assert reason in found.reason
    if status is Status.UNKNOWN:
        assert "upstream's" in found.reason
        assert (found.fixed_in, found.upgrade_to) == ((), None)


@pytest.mark.parametrize(
    ("component", "decider"),
    [
        (engine("20.10.24", "docker-ee 20.10.24"), "the vendor's own advisories decide"),
        (engine("23.0.15", "docker-ee 3:23.0.15-3.el8", "rhel-8"), "the vendor's own advisories decide"),
        (engine("19.03.5-ee"), "the vendor's own advisories decide"),
        (engine("1.11.2-cs3"), "the vendor's own advisories decide"),
        (engine("25.0.8m1"), "the vendor's own advisories decide"),
        (engine("20.10.24", "", "windows"), "import the platform that `docker version` reports"),
        (engine("23.0.15", "", "windows"), "import the platform that `docker version` reports"),
    ],
)
def test_of_a_build_with_numbers_of_its_own_upstreams_ranges_say_nothing(component: Component, decider: str) -> None:
    line = ReleaseLine(
        product="engine", name="20.10", url="https://example.org", released=date(2020, 12, 8), ends=date(2023, 12, 10)
    )
    known = matcher(UPSTREAM, DEBIAN, releases=Releases(lines=(line,)))
    found = one(list(known.vulnerabilities(component))).verdict
    assert found.status is Status.UNKNOWN
    assert decider in found.reason
    assert known.concerns(component) == ()


def test_a_distributions_way_out_is_its_own_version() -> None:
    held = engine("20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1", "debian-12")
    found = one(matcher(UPSTREAM, DEBIAN).exposures(held)).verdict
    assert (found.fixed_in, found.upgrade_to) == ((FIXED,), FIXED)


def test_a_distribution_can_say_that_its_package_is_not_fixed_yet() -> None:
    held = engine("20.10.24+dfsg1", f"docker.io {FIXED}", "debian-12")
    found = one(matcher(UPSTREAM, read(packaged(""), source="osv")).exposures(held)).verdict
    assert (found.status, found.upgrade_to) == (Status.AFFECTED, None)


def test_what_only_a_distribution_speaks_of_says_nothing_of_dockers_releases() -> None:
    found = one(list(matcher(DEBIAN).vulnerabilities(engine("20.10.24")))).verdict
    assert (found.status, found.reason) == (Status.UNKNOWN, "no source states a range of engine versions")


def test_unknown_stays_unknown_for_a_rebuilt_package() -> None:
    found = one(list(matcher(read(claim())).vulnerabilities(engine("20.10.24+dfsg1")))).verdict
    assert (found.status, found.reason) == (Status.UNKNOWN, "no source states a range of engine versions")


def test_a_product_hears_only_of_its_own_flaws() -> None:
    known = matcher(
        read(claim("< 29.5.1"), claim("< 1.1.12", product="runc")), read(claim("< 2", product="cli"), name="CVE-2026-2")
    )
    names = {
        product: [(m.advisory.name, m.verdict.upgrade_to) for m in known.exposures(Component(product, "1.0.0"))]
        for product in ("engine", "runc", "cli", "desktop")
    }
    assert names == {
        "engine": [(NAME, "29.5.1")],
        "runc": [(NAME, "1.1.12")],
        "cli": [("CVE-2026-2", "2.0.0")],
        "desktop": [],
    }


def test_a_flaw_of_the_go_module_concerns_the_engine() -> None:
    said = read(claim("< 2.0.0-beta.14", product=ENGINE_MODULE, rank=Rank.TRANSLATED))
    known = matcher(said, releases=twinned())
    assert one(known.exposures(engine("29.5.0"))).verdict.upgrade_to == "29.5.1"
    assert known.exposures(engine("29.5.1")) == []
    assert one(list(matcher(said).vulnerabilities(engine("29.5.0")))).verdict.status is Status.UNKNOWN


def test_conflicting_counts_as_exposed_and_unknown_does_not() -> None:
    sides = [read(claim(">= 1.2, < 1.4"), source="one"), read(claim(">= 1.3, < 1.4"), source="other")]
    assert one(matcher(*sides).exposures(engine("1.2.7"))).verdict.status is Status.CONFLICTING
    assert matcher(read(claim("<= 1.2"))).exposures(engine("1.4.0")) == []


def test_what_was_withdrawn_concerns_nobody() -> None:
    known = matcher(read(claim("< 29.5.1"), withdrawn=NOW))
    assert list(known.vulnerabilities(engine("29.5.0"))) == []


def test_corrections_can_be_left_out_of_matching() -> None:
    said = [
        read(claim("< 29.3.1")),
        read(claim("", "25.0.16", partial=True, rank=Rank.CORRECTION), source="corrections"),
    ]
    assert matcher(*said).exposures(engine("25.0.16")) == []
    assert one(matcher(*said, corrections=False).exposures(engine("25.0.16"))).advisory.name == NAME


def test_the_case_of_an_advisory_and_a_product_is_found() -> None:
    known = matcher(UPSTREAM)
    about = one(known.exposures(engine("20.10.24"))).advisory
    assert known.case(about, "runc") is None
    found = known.case(about, "engine")
    assert found is not None
    assert found.product == "engine"


def test_an_announcement_concerns_who_runs_what_it_names() -> None:
    news = read(claim("< 4.71.0", product="desktop"), name="desktop-4-71-0", kind=Kind.ANNOUNCEMENT)
    known = matcher(news)
    assert one(known.concerns(Component("desktop", "4.70.0"))).advisory.name == "desktop-4-71-0"
    assert known.concerns(Component("desktop", "4.71.0")) == ()
    assert known.concerns(engine("4.70.0")) == ()
    assert known.exposures(Component("desktop", "4.70.0")) == []


LINES = (
    ReleaseLine(product="engine", name="1.13", url="x", released=date(2017, 1, 18), ends=date(2017, 3, 1)),
    ReleaseLine(product="engine", name="25.0", url="x", released=date(2024, 1, 19), ends=date(2026, 8, 31)),
    ReleaseLine(product="engine", name="28", url="x", released=date(2025, 2, 20), ends=date(2026, 2, 1)),
    ReleaseLine(product="engine", name="29", url="x", released=date(2025, 11, 10)),
    ReleaseLine(product="containerd", name="1.7", url="x", ends=date(2026, 3, 10)),
)


def edition(version: str, line: str = "", published: datetime | None = NOW) -> Read:
    name = f"cis-{line}-{version}" if line else f"cis-{version}"
    return read(name=name, kind=Kind.BENCHMARK, edition=Edition(version, line), published=published, source="cis")


def concerning(version: str, *reads: Read, product: str = "engine") -> dict[str, str]:
    known = matcher(*reads, releases=gathered(LINES))
    return {m.advisory.name: m.verdict.reason for m in known.concerns(Component(product, version))}


SPRING = datetime(2026, 3, 1, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.13.1", {"cis-1.13-1.0.0": "written for Docker Engine 1.13"}),
        ("25.0.5", {"cis-1.8.0": "Docker Engine 25.0 was maintained when it came out"}),
        ("29.5.1", {"cis-1.8.0": "Docker Engine 29 was maintained when it came out"}),
        ("28.5.2", {"cis-1.7.0": "Docker Engine 28 was released since it came out"}),
        ("24.0.9", {}),
    ],
)
def test_a_benchmark_concerns_the_engines_that_it_was_written_for(version: str, expected: dict[str, str]) -> None:
    editions = [
        edition("1.8.0", published=SPRING),
        edition("1.7.0", published=SPRING - timedelta(days=600)),
        edition("1.0.0", "1.13"),
    ]
    assert concerning(version, *editions) == expected


def test_a_line_that_came_after_a_benchmark_is_concerned_until_the_next_edition() -> None:
    old = edition("1.7.0", published=datetime(2024, 6, 1, tzinfo=NOW.tzinfo))
    assert concerning("29.5.1", old) == {"cis-1.7.0": "Docker Engine 29 was released since it came out"}
    assert list(concerning("29.5.1", old, edition("1.8.0"))) == ["cis-1.8.0"]
    assert list(concerning("25.0.5", old, edition("1.0.0", "1.13"))) == ["cis-1.7.0"]


def test_an_edition_without_a_date_is_for_the_lines_that_are_maintained_now() -> None:
    undated = edition("1.8.0", published=None)
    assert concerning("29.5.1", undated) == {"cis-1.8.0": "date not published; Docker Engine 29 is maintained"}
    assert concerning("28.5.2", undated) == {}


def test_an_edition_is_for_the_lines_that_it_names_however_old() -> None:
    named = read(name="cis-1.2.0", kind=Kind.BENCHMARK, edition=Edition("1.2.0", engines=("18.09",)), source="cis")
    assert concerning("18.09.9", named, edition("1.8.0")) == {"cis-1.2.0": "written for Docker Engine 18.09"}


def test_benchmarks_concern_engines_only() -> None:
    assert concerning("1.7.0", edition("1.8.0"), product="containerd") == {}


def ends(line: str, product: str = "engine") -> Read:
    return read(name=f"eol-{product}-{line}", kind=Kind.END_OF_LIFE, line=f"{product} {line}", source="eol")


@pytest.mark.parametrize(
    ("product", "version", "line", "reason"),
    [
        ("engine", "28.5.2", "28", "28 gets no more security fixes"),
        ("engine", "25.0.5", "25.0", "25.0 gets security fixes until 2026-08-31"),
        ("engine", "29.5.1", "29", None),
        ("engine", "25.0.5", "28", None),
        ("containerd", "1.7.29", "1.7", "1.7 gets no more security fixes"),
        ("runc", "1.7.29", "1.7", None),
    ],
)
def test_the_end_of_a_line_concerns_who_is_on_it_from_three_months_before(
    product: str, version: str, line: str, reason: str | None
) -> None:
    about = "containerd" if line == "1.7" else "engine"
    found = concerning(version, ends(line, about), product=product)
    assert found == ({f"eol-{about}-{line}": reason} if reason else {})


def test_an_end_that_is_far_ahead_is_no_news_yet() -> None:
    known = Matcher(catalogue(ends("25.0"), releases=gathered(LINES)), date(2026, 5, 1))
    assert known.concerns(engine("25.0.5")) == ()
    later = Matcher(catalogue(ends("25.0"), releases=gathered(LINES)), date(2026, 6, 1))
    assert [m.advisory.name for m in later.concerns(engine("25.0.5"))] == ["eol-engine-25.0"]


text = st.text(max_size=20) | st.sampled_from(["docker.io", "docker-ce", "moby-engine", "runc"])


@given(
    text,
    text | st.sampled_from([FIXED, "5:25.0.5-1~debian.12~bookworm", "1.0-1.el9"]),
    st.sampled_from(["", "debian-12", "rocky-9", "alpine-3.20", "x"]) | st.text(max_size=12),
)
@settings(deadline=None, max_examples=examples(300))
def test_no_package_that_an_inventory_may_hold_stops_the_matching(name: str, version: str, distro: str) -> None:
    everywhere = [
        read(packaged(fixed, "docker.io", where), source=where)
        for fixed, where in ((FIXED, "Debian:12"), ("26.1.5-r0", "Alpine:v3.20"), ("26.1.5-1", "Rocky Linux:9"))
    ]
    known = matcher(UPSTREAM, *everywhere)
    found = list(known.vulnerabilities(engine("20.10.24", f"{name} {version}".strip(), distro)))
    assert [m.advisory.name for m in found] == [NAME]
