from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.facts import Release, ReleaseLine, Repair, Tag, Tags, line_of, starts_with
from feeds.advisories.records import VersionStatement
from feeds.advisories.releases import Releases, gathered
from feeds.versions.products import ENGINE_MODULE
from feeds.versions.ranges import Span
from feeds.versions.upstream import key
from tests.support.records import TWINS, claim, released, tags, twinned


def translated(affected: str = "", fixed: str = "", releases: Releases | None = None) -> str:
    """What a claim about the Go module's numbers says of engine releases."""
    found = (releases or twinned()).translated(claim(affected, fixed, product=ENGINE_MODULE))
    if found is None:
        return "nothing"
    assert (found.product, found.fixed, found.partial) == ("engine", (), True)
    return "; ".join([*map(str, found.affected), *(f"not {s}" for s in found.unaffected)])


def test_tags_tell_which_releases_exist_whatever_they_are_called() -> None:
    known = released("v25.0.5 docker-v29.5.1 v29.5.0-rc.2 api/v1.52.0 v2.0.0-beta.14 nightly")
    assert known.exists("engine", key("25.0.5"))
    assert known.exists("engine", key("v29.5.1"))
    assert not known.exists("engine", key("25.0.6"))
    assert not known.exists("engine", key("2.0.0-beta.14"))
    assert known.finals("engine") == ["25.0.5", "29.5.1"]
    assert known.named("engine", key("docker-29.5.1")) == "29.5.1"
    assert known.named("engine", key("29.9.9")) is None


def test_where_no_tags_are_known_every_release_may_exist_but_no_development_build() -> None:
    for known in (Releases(), released("v1.1.12", "runc")):
        assert known.exists("engine", key("26.0.3"))
        assert not known.exists("engine", key("29-dev"))
        assert known.finals("engine") == []


def test_the_pages_of_a_list_of_tags_add_up() -> None:
    known = gathered([tags("docker-v29.5.1 docker-v29.5.0"), tags("v28.5.2 v25.0.5"), tags("v1.1.12", "runc")])
    assert known.finals("engine") == ["25.0.5", "28.5.2", "29.5.0", "29.5.1"]
    assert known.finals("runc") == ["1.1.12"]


@pytest.mark.parametrize(
    ("affected", "engine"),
    [
        ("< 2.0.0-beta.14", ">= 29, < 29.5.1; not >= 29.5.1"),
        ("<= 2.0.0-beta.14", ">= 29, <= 29.5.1; not >= 29.6.0"),
        ("< 2.0.0-beta.15", ">= 29, <= 29.5.1; not >= 29.6.0"),
        ("< 2.0.0-beta.12", ">= 29, <= 29.3.0; not >= 29.5.0"),
        (">= 2.0.0-beta.13, < 2.0.0-beta.14", ">= 29.5.0, < 29.5.1; not >= 29.5.1"),
        (">= 2.0.0-beta.12, < 2.0.0-beta.14", ">= 29.5.0, < 29.5.1; not >= 29.5.1"),
        (">= 2.0.0-beta.14", ">= 29.5.1"),
        ("< 2.0.0-beta.8", ">= 29, < 29.3.0; not >= 29.3.0"),
        ("< 2.0.0-beta.18", ">= 29, <= 29.6.0"),
        ("all versions", ">= 29"),
        ("< 2.0.0-beta.1", "nothing"),
        (">= 2.0.0-beta.17, < 2.0.0-beta.18", "nothing"),
    ],
)
def test_a_number_of_the_go_module_is_the_engine_release_on_its_commit(affected: str, engine: str) -> None:
    assert translated(affected) == engine


def test_a_fix_alone_is_translated_too() -> None:
    assert translated(fixed="2.0.0-beta.14") == ">= 29, < 29.5.1; not >= 29.5.1"


def test_the_proof_of_a_translation_names_both_tags_and_the_commit() -> None:
    exact = twinned().translated(claim("< 2.0.0-beta.14", product=ENGINE_MODULE, words="moby/moby/v2"))
    between = twinned().translated(claim("< 2.0.0-beta.15", product=ENGINE_MODULE, words="moby/moby/v2"))
    assert exact is not None
    assert exact.words == f"moby/moby/v2; v2.0.0-beta.14 = docker-v29.5.1 (commit {'c' * 12})"
    assert between is not None
    assert between.words == "moby/moby/v2; read between tags on the same commits"


def test_of_several_releases_on_a_commit_the_final_one_is_the_twin() -> None:
    assert [(t.module_tag, t.engine) for t in twinned().twins] == [
        ("v2.0.0-beta.8", "29.3.0"),
        ("v2.0.0-beta.13", "29.5.0"),
        ("v2.0.0-beta.14", "29.5.1"),
        ("v2.0.0-beta.16", "29.6.0"),
    ]


@pytest.mark.parametrize(
    "fact", [tags(TWINS), Tags(product="engine", repository="x", tags=(Tag("v29.5.1", ""), Tag("v2.0.0-beta.14", "")))]
)
def test_without_a_common_commit_nothing_is_translated(fact: Tags) -> None:
    assert translated("< 2.0.0-beta.14", releases=gathered([fact])) == "nothing"


betas = st.sampled_from([f"2.0.0-beta.{n}" for n in range(1, 20)])


@given(betas | st.just(""), betas | st.just(""), st.booleans())
@settings(deadline=None)
def test_a_translation_never_calls_the_release_of_a_fixed_tag_affected(low: str, high: str, closed: bool) -> None:
    known = twinned()
    span = Span(low, high, closed_high=closed)
    start, end = span.keys()
    found = known.translated(VersionStatement(product=ENGINE_MODULE, affected=(span,)))
    for twin in known.twins:
        inside = start <= twin.module < end
        called = found is not None and any(twin.engine in s for s in found.affected)
        cleared = found is not None and any(twin.engine in s for s in found.unaffected)
        assert inside or start >= end or not called
        assert not (inside and cleared)


def test_notes_tell_the_day_and_the_regressions_of_a_release() -> None:
    repair = Repair("25.0.6", "Fix a regression of 25.0.6 in plugins")
    known = gathered(
        [
            Release(product="engine", version="v25.0.6", url="https://example.org/1", day=date(2024, 7, 23)),
            Release(
                product="engine",
                version="25.0.7",
                url="https://example.org/2",
                repairs=(repair, Repair("", "Fix a regression")),
            ),
            Release(product="engine", version="not a version", url="https://example.org/3"),
        ]
    )
    assert known.day("engine", "25.0.6") == date(2024, 7, 23)
    assert known.day("engine", "25.0.7") is None
    assert known.day("runc", "1.1.12") is None
    assert [(r.version, p.words) for r, p in known.regressions("engine", "v25.0.6")] == [("25.0.7", repair.words)]
    assert known.regressions("engine", "25.0.7") == []


def test_notes_with_repairs_are_kept_beside_a_feed_that_has_none() -> None:
    told = Release(
        product="engine", version="25.0.7", url="https://example.org/notes", repairs=(Repair("25.0.6", "x"),)
    )
    bare = Release(product="engine", version="25.0.7", url="https://example.org/feed")
    for facts in ([told, bare], [bare, told]):
        assert gathered(facts).regressions("engine", "25.0.6") == [(told, told.repairs[0])]


LINES = tuple(
    ReleaseLine(product="engine", name=n, url="https://example.org") for n in ("1", "1.1", "19.03", "25.0", "29")
)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("1.13.1", "1"),
        ("1.1.2", "1.1"),
        ("1.10.3", "1"),
        ("19.3.5", "19.03"),
        ("29.5.1", "29"),
        ("25.1.0", None),
        ("x", None),
    ],
)
def test_a_version_is_of_the_most_specific_line_that_it_starts_with(version: str, name: str | None) -> None:
    found = line_of(version, LINES)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("version", "line", "starts"),
    [
        ("17.3.2", "17.03", True),
        ("17.03.2-ce", "17.3", True),
        ("1.10.3", "1.1", False),
        ("29.5.1", "29", True),
        ("2.9.5", "29", False),
    ],
)
def test_a_line_is_compared_number_by_number(version: str, line: str, starts: bool) -> None:
    assert starts_with(key(version), line) is starts


@pytest.mark.parametrize(
    ("values", "day", "maintained"),
    [
        ({"ends": date(2026, 6, 1)}, date(2026, 5, 31), True),
        ({"ends": date(2026, 6, 1)}, date(2026, 6, 1), False),
        ({"ended": True}, date(2026, 6, 1), False),
        ({"ended": False}, date(2026, 6, 1), True),
        ({"ended": True, "ends": date(2027, 1, 1)}, date(2026, 6, 1), True),
        ({"released": date(2026, 6, 1)}, date(2026, 5, 31), False),
        ({"released": date(2026, 6, 1)}, date(2026, 6, 1), True),
    ],
)
def test_a_line_is_maintained_from_its_release_to_its_end(values: dict[str, Any], day: date, maintained: bool) -> None:
    assert ReleaseLine(product="engine", name="29", url="https://example.org", **values).maintained(day) is maintained
