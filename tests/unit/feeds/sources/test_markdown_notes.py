"""Release notes as markdown, and Docker Desktop's: the same as their pages say, and nothing lost when one breaks."""

from __future__ import annotations

from datetime import date

import pytest

from feeds.advisories.dates import dated
from feeds.advisories.facts import Release
from feeds.advisories.merging import merge
from feeds.advisories.records import Kind, Read
from feeds.advisories.releases import gathered
from feeds.core.errors import ShapeError
from feeds.sources.readers import markdown
from feeds.sources.readers.markup import Block
from tests.support.depth import bounded, size
from tests.support.documents import AT, SOURCE, asks, document, facts, page, read, records, said

BASE = "https://docs.docker.com"
MARKDOWN = """---
title: Notes
---

# Docker Engine 29

## 29.91.1

<em class="text-gray-400">2031-03-04</em>

### Security

- Fix a bypass of a check. [CVE-2031-20001](https://github.com/moby/moby/security/advisories/GHSA-2222-2222-2222)

### Bug fixes and enhancements

- Fix a regression introduced in 29.91.0 that
  stopped `docker cp`.
- Update runc to [v1.9.9](https://github.com/opencontainers/runc/releases/tag/v1.9.9), which fixes CVE-2031-20002.

## 29.91.0

_2031-02-01_

```console
## 29.90.9
- Fix CVE-2031-20003
```

Nothing of note.
"""
HTML = page(
    "<h2 id=29911>29.91.1</h2><p><em>2031-03-04</em></p><h3 id=s>Security</h3><ul><li>Fix a bypass of a check. "
    "<a href=https://github.com/moby/moby/security/advisories/GHSA-2222-2222-2222>CVE-2031-20001</a></li></ul>"
    "<h3 id=b>Bug fixes and enhancements</h3><ul><li>Fix a regression introduced in 29.91.0 that stopped "
    "<code>docker cp</code>.</li><li>Update runc to <a href=https://x>v1.9.9</a>, which fixes CVE-2031-20002.</li></ul>"
    "<h2 id=29910>29.91.0</h2><p><em>2031-02-01</em></p><p>Nothing of note.</p>"
)
DESKTOP = """## 4.99.0

{{< release-date date="2031-05-06" >}}

{{< desktop-install-v2 all=true version="4.99.0" build_path="/1/" >}}

### Upgrades

- [Docker Engine v29.91.1](https://example.org/29/#29911) which contains a fix for CVE-2031-20001
- [Runc v1.9.9](https://github.com/opencontainers/runc/releases/tag/v1.9.9)

### Security

- Fixed [CVE-2031-20010](https://www.cve.org/CVERecord?id=CVE-2031-20010) that let a container reach the settings.
- Fixed NVIDIA Container Toolkit [CVE-2031-20011](https://example.org/5582)
- Hardened the installer on Windows against planted libraries.

### Known issues

- CVE-2031-20012 is not fixed yet.
"""


def test_the_page_and_its_markdown_say_the_same() -> None:
    url = f"{BASE}/engine/release-notes/29"
    by_page = {i.key: i for i in read("release-notes", HTML, "29", f"{url}/").items}
    by_markdown = {i.key: i for i in read("release-notes", MARKDOWN, "29.md", f"{url}.md").items}
    assert by_markdown == by_page
    assert [r.url for r in records(read("release-notes", MARKDOWN, "29.md", f"{url}.md"), Kind.RELEASE)] == [
        f"{url}/#29911",
        f"{url}/#29910",
    ]
    reads = [Read(r, "release-notes", url, AT) for form in (by_page, by_markdown) for r in form.values()]  # type: ignore[arg-type]
    fix = next(a for a in merge(r for r in reads if hasattr(r.record, "claims")) if a.name == "CVE-2031-20001")
    assert len(fix.records) == 1


def test_each_page_is_asked_for_in_both_forms_and_may_lack_its_markdown() -> None:
    forms = {a.form: (a.robots, a.optional) for a in asks(SOURCE["release-notes"])}
    assert (forms["29"], forms["29.md"]) == ((True, False), (False, True))
    assert {a.form: (a.robots, a.optional) for a in asks(SOURCE["desktop-notes"])} == {
        "page": (True, True),
        "page.md": (False, True),
    }


def test_desktops_notes_name_its_own_flaws_and_no_components() -> None:
    parsed = read("desktop-notes", DESKTOP, "page.md", f"{BASE}/desktop/release-notes.md")
    fixes = records(parsed, Kind.VULNERABILITY)
    assert [(r.id, said(r.claims)) for r in fixes] == [("CVE-2031-20010", [("desktop", [], ["4.99.0"])])]
    (release,) = facts(parsed, Release)
    assert (release.product, release.version, release.day) == ("desktop", "4.99.0", date(2031, 5, 6))
    assert release.url == f"{BASE}/desktop/release-notes/#4990"
    (announcement,) = records(parsed, Kind.ANNOUNCEMENT)
    assert announcement.title == "Docker Desktop 4.99.0: security changes without an advisory"
    assert announcement.summary == "Hardened the installer on Windows against planted libraries."


def test_an_announcement_without_a_date_takes_that_of_desktops_notes() -> None:
    listed = page("<h2 id=one>Docker Desktop 4.99.0 Security Update: CVE-2031-20010</h2><p>Fixed in 4.99.0.</p>")
    (announcement,) = records(read("docker-announcements", listed, "page"), Kind.ANNOUNCEMENT)
    assert announcement.published is None
    releases = gathered(facts(read("desktop-notes", DESKTOP, "page.md"), Release))
    (found,) = dated(merge([Read(announcement, "docker-announcements", BASE, AT)]), releases)
    assert found.published is not None
    assert found.published.date() == date(2031, 5, 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "- one\n  - two\n    - three\n- four",
            [("li", "one", ()), ("li", "two", ("one",)), ("li", "three", ("one", "two")), ("li", "four", ())],
        ),
        (
            "- one\n  goes on\n\n  and on\n\nelse",
            [("li", "one goes on", ()), ("p", "and on", ("one",)), ("p", "else", ())],
        ),
        ("1. one\n2) two", [("li", "one", ()), ("li", "two", ())]),
        ("> [!WARNING]\n>\n> Mind **this** `a_b`.", [("p", "Mind this a_b.", ())]),
        ("### A *title* ###\ntext", [("h3", "A title", ()), ("p", "text", ())]),
        ("| a | b |\n|---|:-:|\n| c | |", [("tr", "a b", ()), ("tr", "c", ())]),
        ("a\n***\nb\n---\nc", [("p", "a", ()), ("p", "b", ()), ("p", "c", ())]),
        ("a &lt;b&gt; \\*c\\* <em>d</em><br>e", [("p", "a <b> *c* d e", ())]),
        ("---\ntitle: x\n---\na", [("p", "a", ())]),
        ("{{< tabs >}}\na {{% x %}}b", [("p", "a b", ())]),
        ("#hashtag\n- \n-x", [("p", "#hashtag", ()), ("li", "-x", ())]),
    ],
)
def test_blocks_of_markdown(text: str, expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert [(b.tag, b.text, b.above) for b in markdown.blocks(document(text))] == expected


@pytest.mark.parametrize(
    "text",
    [
        "See [CVE-2031-1](https://example.org/a)",
        "See [CVE-2031-1](<https://example.org/a> 'title')",
        "See [CVE-2031-1][1]\n\n[1]: https://example.org/a",
        "See [CVE-2031-1]\n\n[cve-2031-1]: <https://example.org/a>",
    ],
)
def test_links_are_read_wherever_their_address_stands(text: str) -> None:
    assert list(markdown.blocks(document(text))) == [
        Block("p", "See CVE-2031-1", ("https://example.org/a",), (), ("CVE-2031-1",))
    ]


_WORDS = "[ ]( [a]( {{< |- |> # < ` \\ _a [a][ !["
UNITS = [*_WORDS.split(), "{{< release-date ", "  - a\n", "# a\n", "[a]: b\n", "- ", "| "]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("last", ["", "\n## 29.91.1\n\n- Fix CVE-2031-20001\n"])
def test_very_much_of_anything_is_read_or_refused_in_bounded_work(unit: str, last: str) -> None:
    body = unit * (size(1_000_000) // len(unit)) + last
    with bounded(10):
        try:
            found = {r.id for r in records(read("release-notes", body, "29.md"))}
        except ShapeError:
            assert not last
        else:
            assert "engine-29.91.1" in found


@pytest.mark.parametrize("body", ["", "<html></html>", "# Nothing\n\ntext", "\x00", b"\xff\xfe", b"x" * (9 << 20)])
def test_what_is_not_notes_is_refused(body: str | bytes) -> None:
    for source, form in (("release-notes", "29.md"), ("desktop-notes", "page.md"), ("desktop-notes", "page")):
        with pytest.raises(ShapeError):
            read(source, body, form)
