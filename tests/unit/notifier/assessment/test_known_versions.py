"""Versions that never were: above every release of their line, as far as tags tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from feeds.advisories.facts import Tag, Tags
from feeds.advisories.releases import Releases, gathered
from feeds.verdicts.weighing import Status
from notifier.assessment.known_versions import KnownReleases
from notifier.assessment.matcher import Matcher
from notifier.domain.components import Component
from tests.support.records import claim, read

TAGGED = (
    "v1.13.1",
    "v20.10.26",
    "v20.10.27",
    "v25.0.5",
    "v26.1.4",
    "docker-v29.5.3",
    "docker-v29.7.2",
    "docker-v29.8.0-rc.1",
)
RELEASES = gathered(
    [Tags(product="engine", repository="moby/moby", tags=tuple(Tag(t, str(n)) for n, t in enumerate(TAGGED)))]
)


@pytest.mark.parametrize(
    ("version", "newest"),
    [
        ("29.53", "29.7.2"),
        ("99.0.0", "29.7.2"),
        ("20.10.43", "20.10.27"),
        ("26.7.0", "26.1.4"),
        ("29.7.3", "29.7.2"),
        ("25.0.5", ""),
        ("25.0.4", ""),
        ("20.10.3", ""),
        ("1.6.2", ""),
        ("29.8.0-rc.1", ""),
        ("29.9.0-rc.1", ""),
    ],
)
def test_a_version_above_every_release_of_its_line_is_doubted(version: str, newest: str) -> None:
    said = KnownReleases(RELEASES).doubt("engine", version)
    assert (said.words if said else "") == (f"not a known release; newest of its line is {newest}" if newest else "")


def test_the_day_is_given_and_an_old_or_missing_list_decides_nothing() -> None:
    day = date(2026, 6, 20)
    dated = replace(RELEASES, read_on=day, listed=frozenset({"engine"}))

    def said(version: str, today: date, releases: Releases = dated) -> tuple[str, bool] | None:
        doubt = KnownReleases(releases, today).doubt("engine", version)
        return (doubt.words, doubt.decides) if doubt else None

    newer = "; it may be newer than what was read on 2026-06-20"
    on = "not a release known on 2026-06-20; newest of its line is "
    assert said("29.7.3", day) == (f"{on}29.7.2{newer}", True)
    assert said("20.10.43", day) == (f"{on}20.10.27", True)
    old = "the list of releases was last read on 2026-06-20, so it is unknown whether it exists"
    assert said("29.7.3", date(2026, 7, 20)) == (old, False)
    assert said("25.0.5", date(2026, 7, 20)) is None
    missing = "the list of releases was not read, so it is unknown whether it exists"
    assert said("25.0.5", day, Releases(listed=frozenset({"engine"}))) == (missing, False)


@pytest.mark.parametrize(("version", "newest"), [("21.0.0", "29.7.2"), ("20.1.5", "20.10.27"), ("25.3.0", "25.0.5")])
def test_a_line_that_has_no_release_is_doubted(version: str, newest: str) -> None:
    doubt = KnownReleases(RELEASES).doubt("engine", version)
    assert doubt is not None
    assert (doubt.words, doubt.decides) == (f"not a known release; newest of its line is {newest}", True)


def test_without_tags_of_a_product_nothing_is_doubted() -> None:
    assert KnownReleases(gathered([])).doubt("engine", "29.53") is None
    assert KnownReleases(RELEASES).doubt("desktop", "99.0.0") is None


def test_what_was_never_released_is_unknown_and_not_unaffected() -> None:
    from feeds.advisories.merging import Catalogue, merge
    from tests.support.records import NOW

    catalogue = Catalogue(tuple(merge([read(claim("< 29.5.1", "29.5.1"))])), RELEASES)
    matcher = Matcher(catalogue, NOW.date())
    found = {v: next(matcher.vulnerabilities(Component("engine", v))).verdict for v in ("29.53", "29.7.2", "25.0.5")}
    assert [v.status for v in found.values()] == [Status.UNKNOWN, Status.NOT_AFFECTED, Status.AFFECTED]
    assert found["29.53"].reason == "29.53 is not a known release; newest of its line is 29.7.2"
