from __future__ import annotations

from datetime import date

import msgspec
import pytest

from feeds.advisories.facts import Fact, Release, ReleaseLine, Repair
from feeds.advisories.records import Level, Rank, Read, Score, Severity, severity_rank
from feeds.advisories.releases import gathered
from notifier.assessment.commands import command
from notifier.assessment.findings import worst_rank
from notifier.assessment.matcher import Matcher
from notifier.assessment.upgrade_plans import Plan, Waiting, plan
from notifier.domain.components import Component
from tests.support.records import catalogue, claim, packaged, read, tags

TODAY = date(2026, 6, 1)
ENGINES = "24.0.9 25.0.5 25.0.6 25.0.16 25.0.17 26.1.5 28.5.2 29.0.0 29.3.1 29.5.0-rc.1 29.5.0 29.5.1 29.5.2 29.6.0"
LINES = (
    ReleaseLine(product="engine", name="24.0", url="x", ends=date(2024, 6, 8)),
    ReleaseLine(product="engine", name="25.0", url="x", ends=date(2027, 2, 1)),
    ReleaseLine(product="engine", name="28", url="x", ends=date(2026, 2, 1)),
    ReleaseLine(product="engine", name="29", url="x"),
)
AUTHZ = read(claim("< 25.0.6 || >= 26.0.0, < 26.1.5"), name="CVE-2024-41110")
BODY = read(claim("< 25.0.16 || >= 26.0.0, < 29.3.1"), name="CVE-2026-34040")
ARCHIVE = read(claim("< 25.0.17 || >= 26.0.0, < 29.5.1"), name="CVE-2026-41567")
UNFIXED = read(claim("all versions"), name="CVE-2026-9999")


def planned(
    component: Component, *reads: Read, facts: tuple[Fact, ...] = LINES, engines: str = ENGINES, today: date = TODAY
) -> Plan:
    known = catalogue(*reads, releases=gathered((*facts, *([tags(engines)] if engines else []))))
    return plan(Matcher(known, today), component, today)


def ways(found: Plan) -> list[tuple[str, str, list[str], list[str]]]:
    """Each way out: what it is, to which release, the ends of the names it closes, and of those it leaves."""
    return [(o.way, o.to, [a.name[-5:] for a in o.closes], [a.name[-5:] for a in o.leaves]) for o in found.options]


def engine(version: str, package: str = "", distro: str = "") -> Component:
    return Component("engine", version, package, distro)


def test_a_plan_offers_the_smallest_release_of_the_own_line_that_closes_most_and_the_next_maintained_line() -> None:
    found = planned(engine("25.0.5"), AUTHZ, BODY, ARCHIVE)
    assert ways(found) == [
        ("own line", "25.0.17", ["41110", "34040", "41567"], []),
        ("next maintained line", "29.5.1", ["41110", "34040", "41567"], []),
    ]
    assert found.line is not None
    assert (found.line.name, found.maintained) == ("25.0", True)
    assert [m.advisory.name for m in found.open] == ["CVE-2024-41110", "CVE-2026-34040", "CVE-2026-41567"]


def test_the_smallest_of_equally_good_releases_is_enough() -> None:
    assert ways(planned(engine("29.0.0"), BODY)) == [("own line", "29.3.1", ["34040"], [])]
    assert ways(planned(engine("29.0.0"), BODY, ARCHIVE)) == [("own line", "29.5.1", ["34040", "41567"], [])]


def test_what_nothing_closes_is_left_open_and_said_so() -> None:
    found = planned(engine("29.0.0"), BODY, UNFIXED)
    assert ways(found) == [("own line", "29.3.1", ["34040"], ["-9999"])]
    assert ways(planned(engine("29.6.0"), UNFIXED)) == []
    assert [m.advisory.name for m in planned(engine("29.6.0"), UNFIXED).open] == ["CVE-2026-9999"]


def test_a_host_that_is_open_to_nothing_needs_no_plan() -> None:
    found = planned(engine("29.6.0"), AUTHZ, BODY, ARCHIVE)
    assert (found.open, found.options, found.maintained) == ((), (), True)


def test_a_line_that_has_ended_leads_to_the_next_one_that_is_maintained() -> None:
    found = planned(engine("28.5.2"), BODY)
    assert found.maintained is False
    assert ways(found) == [("next maintained line", "29.3.1", ["34040"], [])]
    assert ways(planned(engine("24.0.9"), AUTHZ)) == [("next maintained line", "25.0.6", ["41110"], [])]
    assert ways(planned(engine("24.0.9"), AUTHZ, today=date(2027, 3, 1))) == [
        ("next maintained line", "29.3.1", ["41110"], [])
    ]


def test_a_version_older_than_every_line_is_not_maintained_and_one_beside_the_lines_is_unknown() -> None:
    assert planned(engine("1.13.1"), AUTHZ).maintained is False
    assert ways(planned(engine("1.13.1"), AUTHZ)) == [("next maintained line", "25.0.6", ["41110"], [])]
    beside = planned(engine("26.1.4"), AUTHZ)
    assert (beside.line, beside.maintained) == (None, None)
    assert ways(beside) == [("own line", "26.1.5", ["41110"], []), ("next maintained line", "29.3.1", ["41110"], [])]


def test_where_the_next_maintained_line_leaves_something_open_a_later_one_that_leaves_less_is_offered_too() -> None:
    maintained = tuple(msgspec.structs.replace(x, ends=None) if x.name == "28" else x for x in LINES)
    old = read(claim("< 28.5.0"), name="CVE-2025-54410")
    found = planned(engine("27.3.1"), old, BODY, facts=maintained)
    assert ways(found) == [
        ("next maintained line", "28.5.2", ["54410"], ["34040"]),
        ("later maintained line", "29.3.1", ["54410", "34040"], []),
    ]
    assert ways(planned(engine("27.3.1"), old, facts=maintained)) == [("next maintained line", "28.5.2", ["54410"], [])]


def test_where_no_later_line_is_maintained_a_later_release_is_better_than_none() -> None:
    found = planned(engine("24.0.9"), BODY, today=date(2040, 1, 1), facts=LINES[:3])
    assert ways(found) == [("later release", "25.0.16", ["34040"], [])]
    assert (found.options[0].line, found.maintained) == (LINES[1], False)


def test_without_release_lines_any_later_release_will_do() -> None:
    found = planned(engine("28.5.2"), BODY, facts=())
    assert (found.line, found.maintained) == (None, None)
    assert ways(found) == [("later release", "29.3.1", ["34040"], [])]


def test_without_tags_the_releases_that_are_named_as_fixes_are_the_choice() -> None:
    assert ways(planned(engine("25.0.5"), BODY, engines="")) == [
        ("own line", "25.0.16", ["34040"], []),
        ("next maintained line", "29.3.1", ["34040"], []),
    ]


def test_nobody_is_sent_to_a_release_candidate_or_backwards() -> None:
    candidate = read(claim("< 29.5.0-rc.1", "29.5.0-rc.1"), name="CVE-2026-1001")
    assert ways(planned(engine("29.3.1"), candidate)) == [("own line", "29.5.1", ["-1001"], [])]
    newer_is_worse = read(claim(">= 29.5.0, < 29.6.0"), name="CVE-2026-1002")
    assert [o.to for o in planned(engine("29.5.1"), newer_is_worse).options] == ["29.6.0"]


def test_an_upgrade_that_opens_as_much_as_it_closes_is_weighed_against_a_later_one() -> None:
    fixed_early = read(claim("< 29.5.0"), name="CVE-2026-1001")
    brought = read(claim(">= 29.5.0, < 29.6.0"), name="CVE-2026-1002")
    assert ways(planned(engine("29.3.1"), fixed_early, brought)) == [("own line", "29.6.0", ["-1001"], [])]
    for_ever = read(claim(">= 29.5.0"), name="CVE-2026-1003")
    # nothing is gained on the whole, but it is the only way to close the one
    assert ways(planned(engine("29.3.1"), fixed_early, for_ever)) == [("own line", "29.5.1", ["-1001"], ["-1003"])]


def repairing(version: str, broken: str) -> Release:
    return Release(product="engine", version=version, url="x", repairs=(Repair(broken, f"a regression of {broken}"),))


def test_what_a_later_release_repairs_and_the_first_of_a_row_are_not_offered_where_a_better_one_exists() -> None:
    def target(version: str, engines: str, *notes: Fact) -> list[str]:
        return [o.to for o in planned(engine(version), ARCHIVE, facts=(*LINES, *notes), engines=engines).options]

    assert target("29.5.0", "29.5.0 29.5.1 29.5.2", repairing("29.5.2", "29.5.1")) == ["29.5.2"]
    # what 29.5.1 broke stays broken until it is repaired
    assert target("29.5.0", "29.5.0 29.5.1 29.5.2 29.6.1", repairing("29.6.1", "29.5.1")) == ["29.6.1"]
    assert target("29.3.1", "29.3.1 29.6.0 29.6.1") == ["29.6.1"]
    assert target("29.3.1", "29.3.1 29.6.0") == ["29.6.0"]
    assert target("29.3.1", "29.3.1 29.6.0 29.6.1", repairing("29.6.1", "29.6.0")) == ["29.6.1"]
    # a backport on another line says nothing of this one
    assert target("29.3.1", "25.0.6 29.3.1 29.5.1", repairing("25.0.6", "25.0.5")) == ["29.5.1"]


def test_a_regression_of_the_target_is_mentioned_with_its_repair() -> None:
    repair = Repair("29.5.1", "docker cp works again, a regression of 29.5.1")
    notes = Release(product="engine", version="29.5.2", url="https://example.org/2952", repairs=(repair,))
    (option,) = planned(engine("29.5.0"), ARCHIVE, facts=(*LINES, notes), engines="29.5.0 29.5.1").options
    (found,) = option.regressions
    assert (found.release, found.repaired_in, found.words, found.url) == (
        "29.5.1",
        "29.5.2",
        repair.words,
        "https://example.org/2952",
    )


def test_what_cannot_be_decided_is_kept_apart_from_what_is_open() -> None:
    found = planned(engine("20.10.24+dfsg1"), AUTHZ)
    assert (found.open, found.options) == ((), ())
    assert [m.advisory.name for m in found.undecided] == ["CVE-2024-41110"]


def test_a_conflict_is_open() -> None:
    sides = [
        read(claim(">= 29.0.0, < 29.5.0"), source="one"),
        read(claim(">= 29.4.0, < 29.5.0"), source="other"),
    ]
    found = planned(engine("29.3.1"), *sides)
    assert len(found.open) == 1
    assert [o.to for o in found.options] == ["29.5.1"]


def test_a_distributions_package_has_the_distributions_way() -> None:
    first, second = "20.10.24+dfsg1-1+deb12u1", "20.10.24+dfsg1-1+deb12u3"
    held = engine("20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1", "debian-12")
    said = [
        read(packaged(first), name="CVE-2024-41110", source="osv"),
        read(packaged(second), name="CVE-2026-34040", source="osv"),
        read(packaged(""), name="CVE-2026-9999", source="osv"),
    ]
    found = planned(held, *said)
    assert ways(found) == [("distribution", second, ["41110", "34040"], ["-9999"])]
    assert found.options[0].command == f"apt-get install --only-upgrade docker.io={second}"
    assert ways(planned(held, said[2])) == []


@pytest.mark.parametrize(
    ("component", "to", "expected"),
    [
        (engine("25.0.5", "docker-ce 5:25.0.5-1~debian.12~bookworm", "debian-12"), "25.0.17",
         "apt-get install --only-upgrade 'docker-ce=5:25.0.17*'"),
        (engine("25.0.5", "docker-ce 5:25.0.5-1~ubuntu.22.04~jammy"), "25.0.17",
         "apt-get install --only-upgrade 'docker-ce=5:25.0.17*'"),
        (engine("25.0.5", "docker-ce 3:25.0.5-1.el9", "rocky-9"), "25.0.17", "dnf upgrade 'docker-ce-25.0.17*'"),
        (engine("25.0.5", "docker-ce 3:25.0.5-1.el9"), "25.0.17", "dnf upgrade 'docker-ce-25.0.17*'"),
        (engine("25.0.5", "", "ubuntu-22.04"), "25.0.17", "apt-get install --only-upgrade 'docker-ce=5:25.0.17*'"),
        (engine("25.0.5"), "25.0.17", ""),
        (engine("25.0.5", "docker 25.0.5-r1", "alpine-3.20"), "26.1.5-r0", "apk add 'docker=26.1.5-r0'"),
        (engine("24.0.7", "docker 24.0.7_ce-150000.198.2", "sles-15.5"), "24.0.7_ce-150000.207.1",
         "zypper install docker=24.0.7_ce-150000.207.1"),
        (Component("cli", "25.0.5", "", "debian-12"), "29.2.0",
         "apt-get install --only-upgrade 'docker-ce-cli=5:29.2.0*'"),
        (Component("compose", "2.40.1", "docker-compose-plugin 2.40.1-1~debian.12~bookworm", "debian-12"), "2.40.3",
         "apt-get install --only-upgrade 'docker-compose-plugin=2.40.3*'"),
        (Component("runc", "1.1.11", "", "debian-12"), "1.1.12", "apt-get install --only-upgrade containerd.io"),
        (Component("containerd", "1.7.28", "containerd.io 1.7.28-1.el9"), "1.7.29", "dnf upgrade containerd.io"),
        (Component("runc", "1.1.11", "containerd.io 1.7.28-1"), "1.1.12", ""),
        (Component("buildkit", "0.12.4", "", "debian-12"), "0.12.5", ""),
        (Component("desktop", "4.70.0"), "4.71.0", ""),
    ],
)  # fmt: skip
def test_the_command_is_in_the_words_of_the_hosts_package_manager(component: Component, to: str, expected: str) -> None:
    assert command(component, to) == expected


def test_a_component_is_planned_for_with_its_own_flaws_alone() -> None:
    runc = read(claim("< 1.1.12", product="runc"), name="CVE-2024-21626")
    found = planned(Component("runc", "1.1.11", "", "debian-12"), runc, AUTHZ)
    assert ways(found) == [("own line", "1.1.12", ["21626"], [])]


def test_the_worst_severity_counts_and_unscored_ranks_between_medium_and_high() -> None:
    rated = [
        read(claim("< 30"), name=f"CVE-2026-100{n}", scores=(Score(by="x", severity=s, own=True),) if s else ())
        for n, s in enumerate((None, Severity.LOW, Severity.HIGH))
    ]
    found = planned(engine("29.6.0"), *rated)
    assert Level.ranked(worst_rank(found.open)) is Level.HIGH
    unscored = worst_rank(planned(engine("29.6.0"), rated[0], rated[1]).open)
    assert severity_rank(Severity.MEDIUM) < unscored == severity_rank(None) < severity_rank(Severity.HIGH)
    assert worst_rank(()) == 0


def test_a_correction_opens_the_own_line_as_a_way_out() -> None:
    unlisted = read(claim("< 29.3.1"), name="CVE-2026-34040")
    fix = read(claim("", "25.0.16", partial=True, rank=Rank.CORRECTION), name="CVE-2026-34040", source="corrections")
    assert [o.to for o in planned(engine("25.0.5"), unlisted).options] == ["29.3.1"]
    assert [o.to for o in planned(engine("25.0.5"), unlisted, fix).options] == ["25.0.16", "29.3.1"]


def test_where_a_newer_version_is_installed_already_a_restart_comes_first() -> None:
    runs, installed = engine("25.0.5"), engine("25.0.16", "docker-ce 5:25.0.16-1~debian.12~bookworm", "debian-12")
    waiting = Waiting(installed, 2, ("api-1", "api-2"))
    known = catalogue(AUTHZ, BODY, ARCHIVE, releases=gathered((*LINES, tags(ENGINES))))
    found = plan(Matcher(known, TODAY), runs, TODAY, [waiting])
    assert ways(found)[0] == ("restart", "5:25.0.16-1~debian.12~bookworm", ["41110", "34040"], ["41567"])
    assert [way for way, *_ in ways(found)] == ["restart", "own line", "next maintained line"]
    assert (found.options[0].command, found.options[0].waiting) == ("systemctl restart docker", waiting)


def test_a_restart_is_due_even_where_nothing_is_known_to_affect_what_runs() -> None:
    runs, installed = engine("29.5.1"), engine("29.6.0", "docker-ce 5:29.6.0-1~debian.12~bookworm", "debian-12")
    known = catalogue(AUTHZ, releases=gathered((*LINES, tags(ENGINES))))
    found = plan(Matcher(known, TODAY), runs, TODAY, [Waiting(installed, 1, ("api-1",))])
    assert (found.open, [o.way for o in found.options]) == ((), ["restart"])


@pytest.mark.parametrize("package", ["docker.io;reboot 20.10.24", "$(id) 20.10.24", "-oX 20.10.24", "do'ck 20.10.24"])
def test_no_command_is_made_of_a_name_that_a_shell_would_read(package: str) -> None:
    assert command(Component("engine", "20.10.24", package, "debian-12"), "20.10.24+dfsg1-1+deb12u1") == ""
