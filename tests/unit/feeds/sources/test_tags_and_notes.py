"""Which releases exist, and what their notes say: git tags, feeds of releases, pages of release notes."""

from __future__ import annotations

from datetime import date

import pytest

from feeds.advisories.facts import Release, Repair, Tags
from feeds.advisories.records import Kind, Record
from feeds.advisories.releases import gathered
from feeds.sources.base import Parsed
from tests.support.documents import SOURCE, asks, atom, facts, page, read, records, said

CVE = "CVE-2026-41567"
MOBY = "https://github.com/moby/moby/security/advisories/GHSA-x86f-5xw2-fm2r"
BASE = "https://docs.docker.com/engine/release-notes"


def tag(name: str, commit: str = "a" * 40) -> dict[str, object]:
    return {"name": name, "commit": {"sha": commit, "url": "https://api.github.com/x"}, "zipball_url": ""}


def test_every_repository_has_its_tags_and_its_feed() -> None:
    forms = [a.form for a in asks(SOURCE["tags"])]
    assert len(forms) == 7
    assert [a.form for a in asks(SOURCE["release-feeds"])] == forms
    assert not [a for s in ("tags", "release-feeds") for a in asks(SOURCE[s]) if a.robots]
    assert all(a.robots is not a.form.endswith(".md") for a in asks(SOURCE["release-notes"]))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("v28.5.2", True),
        ("docker-v29.7.2", True),
        ("docker-v29.0.0-rc.1", True),
        ("v2.0.0-beta.14", True),
        ("v17.03.2-ce", True),
        ("v1.0.0-rc93", True),
        ("1.29.2", True),
        ("1.5.0rc3", True),
        ("api/v1.52.0", False),
        ("client/v0.4.0", False),
        ("dockerfile/1.9.0", False),
        ("docs-v1.12.0-2016-08-09", False),
        ("xdocs-v1.10-28-mar-2016", False),
        ("upstream/0.1.4", False),
        ("latest", False),
        ("v29", False),
    ],
)
def test_a_tag_of_a_release_is_kept_and_no_other(name: str, kept: bool) -> None:
    (fact,) = facts(read("tags", [tag(name), tag("v1.0.0")], "docker/compose"), Tags)
    assert (fact.product, fact.repository) == ("compose", "docker/compose")
    assert [t.name for t in fact.tags] == ([name] if kept else []) + ["v1.0.0"]


@pytest.mark.parametrize("commit", [None, {}, {"sha": None}, "abc", []])
def test_a_tag_without_a_commit_is_still_a_release(commit: object) -> None:
    (fact,) = facts(read("tags", [{"name": "v29.5.1", "commit": commit}, "junk", None], "moby/moby"), Tags)
    assert [(t.name, t.commit) for t in fact.tags] == [("v29.5.1", "")]
    assert gathered([fact]).finals("engine") == ["29.5.1"]


def test_a_tag_of_the_module_is_the_engine_release_on_its_commit() -> None:
    listed = [tag("v2.0.0-beta.14", "c1"), tag("docker-v29.5.1", "c1"), tag("v2.0.0-beta.15", "c2"), tag("v28.5.2", "")]
    releases = gathered(facts(read("tags", listed, "moby/moby"), Tags))
    assert releases.finals("engine") == ["28.5.2", "29.5.1"]
    assert [(t.module_tag, t.engine) for t in releases.twins] == [("v2.0.0-beta.14", "29.5.1")]


def test_a_page_of_other_tags_is_no_failure_and_leads_on() -> None:
    parsed = read("tags", [tag("dockerfile/1.9.0")], "moby/buildkit", link='<https://a.example/2>; rel="next"')
    assert [f.tags for f in facts(parsed, Tags)] == [()]
    assert [(a.url, a.form) for a in parsed.follow] == [("https://a.example/2", "moby/buildkit")]


def test_a_repository_of_an_operator_is_read_and_belongs_to_no_product() -> None:
    (fact,) = facts(read("tags", [tag("v1.2.3")], "example/fork"), Tags)
    assert fact.product == ""


def released(parsed: Parsed) -> list[str]:
    return [f.version for f in facts(parsed, Release)]


@pytest.mark.parametrize(
    ("name", "repository", "expected"),
    [
        ("docker-v29.5.1", "moby/moby", "29.5.1"),
        ("v28.5.2", "moby/moby", "28.5.2"),
        ("docker-v29.5.1-rc.1", "moby/moby", ""),
        ("v2.0.0-beta.14", "moby/moby", ""),
        ("v2.0.0", "moby/moby", ""),
        ("api%2Fv1.54.0", "moby/moby", ""),
        ("client%2Fv0.4.0", "moby/moby", ""),
        ("v2.1.9", "containerd/containerd", "2.1.9"),
        ("v2.2.0-rc.0", "containerd/containerd", ""),
        ("v1.4.3", "opencontainers/runc", "1.4.3"),
        ("v1.0.0-rc93", "opencontainers/runc", ""),
        ("v5.2.0", "docker/compose", "5.2.0"),
        ("nightly", "docker/compose", ""),
    ],
)
def test_a_final_release_of_the_product_is_one_and_no_other_tag_is(name: str, repository: str, expected: str) -> None:
    parsed = read("release-feeds", atom((name, ""), repository=repository), repository)
    assert released(parsed) == ([expected] if expected else [])
    assert [r.kind for r in records(parsed)] == ([Kind.RELEASE] if expected else [])


def test_a_release_in_a_feed_tells_its_day_its_fixes_and_its_repairs() -> None:
    notes = (
        f"<h3>Security</h3><ul><li>{CVE} Fix docker cp. <a href='{MOBY}'>GHSA-x86f-5xw2-fm2r</a></li></ul>"
        "<h3>Bugs</h3><ul><li>Fix a regression introduced in 29.5.0 that broke logs</li></ul>"
    )
    parsed = read("release-feeds", atom(("docker-v29.5.1", notes), ("docker-v29.5.0", "")), "moby/moby")
    first, second = facts(parsed, Release)
    assert (first.product, first.version, first.day) == ("engine", "29.5.1", date(2026, 6, 19))
    assert first.repairs == (Repair("29.5.0", "Fix a regression introduced in 29.5.0 that broke logs"),)
    assert second.repairs == ()
    news, fix, bare = records(parsed)
    assert (news.id, news.title, news.summary) == (
        "engine-29.5.1",
        "Docker Engine 29.5.1",
        f"Fixes {CVE}, GHSA-x86f-5xw2-fm2r.",
    )
    assert news.url == "https://github.com/moby/moby/releases/tag/docker-v29.5.1"
    assert (fix.id, fix.aliases, said(fix.claims)) == (CVE, ("GHSA-x86f-5xw2-fm2r",), [("engine", [], ["29.5.1"])])
    assert (bare.id, bare.summary) == ("engine-29.5.0", "")


def test_a_window_full_of_other_tags_is_healthy_and_empty() -> None:
    assert read("release-feeds", atom(("api%2Fv1.54.0", ""), ("v2.0.0-beta.1", "")), "moby/moby").items == ()


NOTES = f"""
<p>This page describes the latest changes.</p>
<h2 id=2952><a href=#2952>29.5.2</a></h2><em class=x>2026-05-20</em>
<h3 id=bugs>Bug fixes</h3><ul><li>Fix a regression introduced in 29.5.1 where docker cp failed</li></ul>
<h2 id=2951>29.5.1</h2>
<em>2026-05-18</em>
<h3 id=security>Security</h3>
<ul><li><strong>{CVE}</strong> Fix docker cp. <a href="{MOBY}">GHSA-x86f-5xw2-fm2r</a></li>
<li>Update Go runtime to 1.26.3 (fix CVE-2026-32288)</li></ul>
<h2 id=2900>29.0.0</h2><p>2025-11-10</p><p>Much is new.</p>
"""


def notes(article: str) -> Parsed:
    return read("release-notes", page(article), "29", f"{BASE}/29/")


def test_each_version_of_a_page_is_a_release_with_what_its_notes_tell() -> None:
    parsed = notes(NOTES)
    newest, fixing, oldest = facts(parsed, Release)
    assert (newest.version, newest.day, newest.url) == ("29.5.2", date(2026, 5, 20), f"{BASE}/29/#2952")
    assert [r.brought_by for r in newest.repairs] == ["29.5.1"]
    assert (fixing.version, fixing.day) == ("29.5.1", date(2026, 5, 18))
    assert (oldest.version, oldest.day) == ("29.0.0", date(2025, 11, 10))
    (fix,) = records(parsed, Kind.VULNERABILITY)
    assert (fix.id, fix.aliases, fix.url) == (CVE, ("GHSA-x86f-5xw2-fm2r",), f"{BASE}/29/#2951")
    assert said(fix.claims) == [("engine", [], ["29.5.1"])]
    assert [r.id for r in records(parsed, Kind.RELEASE)] == ["engine-29.5.2", "engine-29.5.1", "engine-29.0.0"]


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        ("<h2 id=a>29.5.1</h2>", ["29.5.1"]),
        ("<h2 id=a>v29.5.1</h2>", ["29.5.1"]),
        ("<h2>29.5.1</h2>", ["29.5.1"]),
        ("<h2 id=a>29.0.0-rc.1</h2>", ["29.0.0-rc.1"]),
        (
            "<h2 id=275>27.5</h2><h3 id=a>27.5.1</h3><h3>27.5.0</h3><h2>27.4</h2><h4>27.4.1</h4>",
            ["27.5.1", "27.5.0", "27.4.1"],
        ),
        ("<h2 id=a><a>17.03.2-ce</a></h2>", ["17.03.2-ce"]),
        ("<h2>29.5.1</h2></article><article><h2>29.5.0</h2>", ["29.5.1", "29.5.0"]),
        ("<h2>29.5.1</h2><h3>Bug fixes</h3><h4>1.2</h4><h2>Known issues</h2>", ["29.5.1"]),
    ],
)
def test_a_versions_heading_is_its_number_at_whatever_level(article: str, expected: list[str]) -> None:
    assert released(notes(article)) == expected


def test_what_stands_below_another_heading_of_its_level_is_not_of_the_version_above() -> None:
    fix = f"<ul><li>{CVE} Fix docker cp</li></ul>"
    assert [r.id for r in records(notes(f"<h2>29.5.1</h2><h3>Security</h3>{fix}"), Kind.VULNERABILITY)] == [CVE]
    other = f"<h2>29.5.2</h2><h2>About the 29.5 packages</h2><h3>Security</h3>{fix}"
    assert records(notes(other), Kind.VULNERABILITY) == []


def test_a_release_that_never_was_is_none() -> None:
    never = "<h3>27.0.1</h3><em>2024-06-25</em><h3>27.0.0</h3><p>There's no 27.0.0 release due to a mistake.</p>"
    parsed = notes(never)
    assert released(parsed) == ["27.0.1"]
    assert [r.id for r in records(parsed)] == ["engine-27.0.1"]


@pytest.mark.parametrize("day", ["2026-13-45", "2026-02-30", "soon", "", "18 May 2026"])
def test_an_impossible_day_costs_the_day_and_not_the_page(day: str) -> None:
    (release,) = facts(notes(f"<h2 id=a>29.5.1</h2><em>{day}</em><p>Fix.</p>"), Release)
    assert (release.version, release.day) == ("29.5.1", None)


def test_security_changes_without_an_id_are_an_announcement_that_claims_the_fix() -> None:
    parsed = notes(
        "<h2 id=a>28.0.0</h2><em>2025-02-20</em><ul><li>Fix a security issue that let neighbours in</li></ul>"
    )
    (record,) = records(parsed, Kind.ANNOUNCEMENT)
    assert (record.id, record.title) == (
        "engine-28.0.0-security",
        "Docker Engine 28.0.0: security changes without an advisory",
    )
    assert record.summary == "Fix a security issue that let neighbours in"
    assert said(record.claims) == [("engine", [], ["28.0.0"])]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/engine/release-notes/30/", ["30"]),
        ("https://docs.docker.com/engine/release-notes/24.0/", ["24.0"]),
        ("/engine/release-notes/29/", []),
        ("/engine/release-notes/", []),
        ("/engine/release-notes/prior/", []),
        ("/desktop/release-notes/4/", []),
        ("https://evil.example/engine/release-notes/30/", []),
        ("javascript:alert(1)", []),
    ],
)
def test_pages_of_further_lines_are_followed(link: str, expected: list[str]) -> None:
    parsed = notes(f"{NOTES}<p><a href='{link}'>a line</a><a href='{link}'>again</a></p>")
    assert [(a.form, a.url) for a in parsed.follow] == [(e, f"{BASE}/{e}/") for e in expected]
    # a line may be so old that its page is gone
    assert all(a.robots and a.optional for a in parsed.follow)


def test_a_cve_on_two_pages_is_one_record_a_page() -> None:
    one: list[Record] = records(notes(NOTES), Kind.VULNERABILITY)
    again = NOTES.replace("</ul>", f"<li>Fix {CVE} once more</li></ul>", 2)
    both = records(notes(again), Kind.VULNERABILITY)
    assert [r.id for r in one] == [r.id for r in both] == [CVE]
    assert sorted(v for c in both[0].claims for v in c.fixed) == ["29.5.1", "29.5.1", "29.5.2"]
