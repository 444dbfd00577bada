from __future__ import annotations

from datetime import date

import pytest

from feeds.advisories.facts import Fact, Package, Packages, Release, ReleaseLine, Repair
from feeds.advisories.releases import gathered
from notifier.assessment.matcher import Matcher
from notifier.assessment.upgrade_plans import plan
from notifier.domain.components import Component
from tests.support.records import catalogue, claim, read, tags

TODAY = date(2026, 6, 1)
APT = "apt-get install --only-upgrade docker-ce"
LINES = (
    ReleaseLine(product="engine", name="25.0", url="x", ends=date(2027, 2, 1)),
    ReleaseLine(product="engine", name="28", url="x", ends=date(2026, 2, 1)),
    ReleaseLine(product="engine", name="29", url="x"),
)
TAGS = "25.0.5 25.0.6 25.0.17 28.5.2 29.0.0 29.5.1 29.5.2 29.5.3"
FLAW = read(claim("< 25.0.17 || >= 26.0.0, < 29.5.1"), name="CVE-2031-1001")
BROKEN = Release(product="engine", version="29.9.9", url="x", repairs=(Repair("29.5.3", "Fix a hang"),))


def index(channel: str, pattern: str, *versions: str) -> Packages:
    architecture = "amd64" if "ubuntu" in channel else "x86_64"
    found = tuple(Package("engine", v, "docker-ce", pattern.format(v), architecture) for v in versions)
    return Packages(channel=channel, url="x", packages=found)


JAMMY = index("ubuntu/jammy", "5:{}-1~ubuntu.22.04~jammy", "25.0.5", "28.5.2", "29.0.0", "29.5.1", "29.5.2", "29.5.3")
EL9 = index("centos/9", "3:{}-1.el9", "25.0.5", "25.0.17", "29.5.2")
STATIC = index("static", "docker-{}.tgz", "25.0.5", "29.5.1")


@pytest.mark.parametrize(
    ("package", "distro", "facts", "said"),
    [
        (
            "docker-ce 5:25.0.5-1~ubuntu.22.04~jammy",
            "",
            (JAMMY,),
            [
                (
                    "29.5.3",
                    "29.5.1",
                    ("25.0.17",),
                    f"{APT}=5:29.5.3-1~ubuntu.22.04~jammy",
                )
            ],
        ),
        (
            "",
            "ubuntu-22.04",
            (JAMMY, BROKEN),
            [
                (
                    "29.5.2",
                    "29.5.1",
                    ("25.0.17",),
                    f"{APT}=5:29.5.2-1~ubuntu.22.04~jammy",
                )
            ],
        ),
        (
            "docker-ce 3:25.0.5-1.el9",
            "almalinux-9.5",
            (EL9,),
            [("25.0.17", "25.0.17", (), "dnf upgrade docker-ce-3:25.0.17-1.el9")],
        ),
        (
            "",
            "",
            (STATIC, JAMMY),
            [
                (
                    "29.5.1",
                    "29.5.1",
                    ("25.0.17",),
                    "curl -fsSLO https://download.docker.com/linux/static/stable/x86_64/docker-29.5.1.tgz",
                )
            ],
        ),
    ],
)
def test_the_advice_is_the_newest_package_of_the_line_and_the_verdict_and_the_plan_agree(
    package: str, distro: str, facts: tuple[Fact, ...], said: list[tuple[str, str, tuple[str, ...], str]]
) -> None:
    component = Component("engine", "25.0.5", package, distro)
    matcher = Matcher(catalogue(FLAW, releases=gathered((*LINES, tags(TAGS), *facts))), TODAY)
    options = plan(matcher, component, TODAY).options
    assert [(o.to, o.minimum, o.advice.source_only, o.command) for o in options[:1]] == said
    (match,) = matcher.exposures(component)
    assert match.verdict.upgrade_to == options[0].to


def test_without_an_index_of_the_channel_what_no_channel_has_a_package_of_is_not_advised() -> None:
    matcher = Matcher(catalogue(FLAW, releases=gathered((*LINES, tags(TAGS), JAMMY))), TODAY)
    first, *_ = plan(matcher, Component("engine", "25.0.5", "docker-ce 3:25.0.5-3.el7", "centos-7"), TODAY).options
    assert (first.to, first.advice.package, first.advice.unverified) == ("29.5.1", None, True)
    assert first.command == "yum update 'docker-ce-29.5.1*'"


def test_without_any_index_a_tag_is_all_that_is_known() -> None:
    matcher = Matcher(catalogue(FLAW, releases=gathered((*LINES, tags(TAGS)))), TODAY)
    own, *_ = plan(matcher, Component("engine", "25.0.5", "", "debian-12"), TODAY).options
    assert (own.to, own.advice.package, own.minimum, own.advice.source_only) == ("25.0.17", None, "25.0.17", ())


def test_where_every_package_is_affected_no_upgrade_is_advised() -> None:
    old = index("ubuntu/jammy", "5:{}-1~ubuntu.22.04~jammy", "25.0.5", "28.5.2", "29.0.0")
    matcher = Matcher(catalogue(FLAW, releases=gathered((*LINES, tags(TAGS), old))), TODAY)
    component = Component("engine", "25.0.5", "", "ubuntu-22.04")
    (match,) = matcher.exposures(component)
    assert (match.verdict.upgrade_to, plan(matcher, component, TODAY).options) == (None, ())


def test_of_a_product_without_lines_the_least_that_closes_one_flaw_may_be_its_own_branch() -> None:
    old = read(claim("< 1.1.14", product="runc"), name="CVE-2031-1002")
    new = read(claim("< 1.2.8", product="runc"), name="CVE-2031-1003")
    known = gathered((tags("1.1.12 1.1.14 1.2.0 1.2.8", product="runc"),))
    matcher = Matcher(catalogue(old, new, releases=known), TODAY)
    found = {m.advisory.name: m.advice for m in matcher.exposures(Component("runc", "1.1.12", "", ""))}
    assert {name: (a.upgrade_to, a.minimum) for name, a in found.items()} == {
        "CVE-2031-1002": ("1.2.8", "1.1.14"),
        "CVE-2031-1003": ("1.2.8", "1.2.8"),
    }
    assert "1.1.14 is the lowest release that closes it" in found["CVE-2031-1002"].words
