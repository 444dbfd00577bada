"""Docker's security announcements in three forms, and Docker's blog."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feeds.advisories.merging import merge
from feeds.advisories.records import Kind, Read, Severity, is_cve, is_ghsa
from feeds.sources.docker_blog import RULES
from tests.support.documents import AT, SOURCE, asks, entry, only, page, read, records, rss, said

SOURCE_NAME = "docker-announcements"
HOME = "https://docs.docker.com/security/security-announcements/"

DESKTOP = """
<h2 id=docker-desktop-4342><a href=#x>Docker Desktop 4.34.2 Security Update: CVE-2024-8695 and CVE-2024-8696</a></h2>
<p><em>Last updated September 13, 2024</em></p>
<p>Two flaws in Docker Desktop were fixed in <a href=/desktop/release-notes/#4342>4.34.2</a>:</p>
<ul><li>Fixed <a href=x>CVE-2024-8695</a>, a crafted description of an extension could run code. [Critical]</li>
<li>Fixed CVE-2024-8696: a crafted address of a publisher could run code. (High, 8.9)</li></ul>
<p>No exploit was seen.</p>
"""
SEVERAL = """
<h2 id=several>Docker Security Advisory: Multiple Vulnerabilities in runc, BuildKit, and Moby</h2>
<p><em>Last updated February 2, 2024</em></p>
<p>Four CVEs were found.</p>
<h3 id=which>Which versions are affected?</h3>
<ul><li><code>runc</code>: &lt;= 1.1.11</li><li><code>BuildKit</code>: &lt;= 0.12.4</li>
<li><code>Moby (Docker Engine)</code>: &lt;= 25.0.1 and &lt;= 24.0.8</li></ul>
<h4 id=leak>CVE-2024-21626 (High)</h4>
<p>In runc 1.1.11 and earlier a leaked descriptor leads to the host.</p>
<h4 id=race>CVE-2024-23651 (High)</h4>
<p>In BuildKit &lt;= 0.12.4 two steps race. The flaw is fixed in 0.12.5.</p>
<table><tr><th>Product</th><th>Fixed in</th></tr><tr><td>runc</td><td>&gt;= 1.1.12</td></tr></table>
"""
NEWS = "<h2 id=soc-2>SOC 2 attestation</h2><p>Docker has received an attestation.</p>"


def announced(article: str) -> list[str]:
    return [r.id for r in records(read(SOURCE_NAME, page(article), "page"), Kind.ANNOUNCEMENT)]


def test_three_forms_are_asked_for_and_robots_govern_the_page_only() -> None:
    found = [(a.form, a.url, a.robots) for a in asks(SOURCE[SOURCE_NAME])]
    assert found == [
        ("page", HOME, True),
        ("rss", f"{HOME}index.xml", False),
        ("markdown", "https://docs.docker.com/security/security-announcements.md", False),
    ]


def test_every_second_heading_of_the_article_is_an_entry_and_no_other_heading_is() -> None:
    assert announced(DESKTOP + SEVERAL + NEWS) == ["docker-desktop-4342", "several", "soc-2"]


def test_a_release_announcement_tells_of_desktop_and_of_each_cve_in_its_bullet() -> None:
    announcement, first, second = records(read(SOURCE_NAME, page(DESKTOP), "page"))
    assert announcement.url == f"{HOME}#docker-desktop-4342"
    assert announcement.mentions == ("CVE-2024-8695", "CVE-2024-8696")
    assert announcement.aliases == ()
    assert announcement.published == datetime(2024, 9, 13, tzinfo=UTC)
    assert announcement.summary.startswith("Two flaws in Docker Desktop")
    assert said(announcement.claims) == [("desktop", ["< 4.34.2"], ["4.34.2"])]
    assert (first.id, second.id) == ("CVE-2024-8695", "CVE-2024-8696")
    assert [s.severity for r in (first, second) for s in r.scores] == [Severity.CRITICAL, Severity.HIGH]
    assert all(s.own for r in (first, second) for s in r.scores)
    for one in (first, second):
        assert one.kind is Kind.VULNERABILITY
        assert said(one.claims) == [("desktop", ["< 4.34.2"], ["4.34.2"])]
    assert second.title == "A crafted address of a publisher could run code"


def test_an_entry_of_several_products_keeps_each_in_its_own_numbers() -> None:
    announcement, *single = records(read(SOURCE_NAME, page(SEVERAL), "page"))
    by_product = {product: (affected, fixed) for product, affected, fixed in said(announcement.claims)}
    assert by_product["engine"] == (["<= 25.0.1", "<= 24.0.8"], [])
    assert by_product["runc"][0] == ["<= 1.1.11"]
    assert by_product["buildkit"][0] == ["<= 0.12.4"]
    assert [(r.id, [c.product for c in r.claims]) for r in single] == [
        ("CVE-2024-21626", ["runc"]),
        ("CVE-2024-23651", ["buildkit"]),
    ]
    assert said(single[1].claims) == [("buildkit", ["<= 0.12.4"], ["0.12.5"])]
    assert [r.title for r in single] == [
        "In runc 1.1.11 and earlier a leaked descriptor leads to the host",
        "In BuildKit <= 0.12.4 two steps race",
    ]


def test_news_without_a_version_is_kept_and_claims_nothing() -> None:
    record = only(read(SOURCE_NAME, page(NEWS), "page"))
    assert (record.id, record.title, record.claims, record.published) == ("soc-2", "SOC 2 attestation", (), None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Last updated September 13, 2024", datetime(2024, 9, 13, tzinfo=UTC)),
        ("_Last updated July 2024_", datetime(2024, 7, 1, tzinfo=UTC)),
        ("last updated august 1st, 2024", datetime(2024, 8, 1, tzinfo=UTC)),
        ("Last updated May, 3rd, 2025", datetime(2025, 5, 3, tzinfo=UTC)),
        ("Last updated February 30, 2024", None),
        ("Last updated Smarch 3, 2024", None),
        ("Last updated , 2024", None),
        ("A vulnerability was fixed on April 27", None),
        ("We last updated May 2024 the page", None),
    ],
)
def test_a_date_is_read_where_its_year_is_told(words: str, expected: datetime | None) -> None:
    record = only(read(SOURCE_NAME, page(f"<h2 id=a>News</h2><p>{words}</p><p>More.</p>"), "page"))
    assert record.published == expected


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        ("<h2 id=one>One</h2><h2 id=two>Two</h2>", ["one", "two"]),
        ("<h2 id=one>One</h2><h3 id=no>No</h3><h4>No</h4><p>x</p>", ["one"]),
        ("<h2>Docker Desktop 4.1.0: it's &amp; more</h2><p>x</p>", ["docker-desktop-410-its--more"]),
        ("<h2>Twice</h2><h2>Twice</h2>", ["twice", "twice-1"]),
        ("<h2 id='quoted id'>One</h2>", ["quoted id"]),
        ("<h2 class=x id=one><span><a href=#one>One</a></span></h2>", ["one"]),
        ("<p>before</p><h2 id=one>One</h2>", ["one"]),
        ("<h2 id=one>One<p>never closed<h2 id=two>Two", ["one", "two"]),
        ("<h2 id=one>One</h2></article><article><h2 id=two>Two</h2>", ["one", "two"]),
    ],
)
def test_headings_may_be_written_in_many_ways(article: str, expected: list[str]) -> None:
    assert announced(article) == expected


MARKDOWN = """# Docker security announcements

[Subscribe](/security/security-announcements/index.xml)

## Docker Desktop 4.34.2 Security Update: CVE-2024-8695 and CVE-2024-8696

_Last updated September 13, 2024_

Two flaws in Docker Desktop were fixed in [4.34.2](/desktop/release-notes/#4342):

- Fixed [CVE-2024-8695](https://www.cve.org/x), a crafted description of an extension could run code. [Critical]
- Fixed CVE-2024-8696: a crafted address of a publisher could run code. (High, 8.9)
### A third heading

## SOC 2 `attestation`

Docker **has** received an attestation.
## Without a blank line
text
"""


def test_the_markdown_says_what_the_page_says() -> None:
    parsed = read(SOURCE_NAME, MARKDOWN, "markdown")
    announcements = records(parsed, Kind.ANNOUNCEMENT)
    assert [(r.id, r.title) for r in announcements] == [
        (
            "docker-desktop-4342-security-update-cve-2024-8695-and-cve-2024-8696",
            "Docker Desktop 4.34.2 Security Update: CVE-2024-8695 and CVE-2024-8696",
        ),
        ("soc-2-attestation", "SOC 2 attestation"),
        ("without-a-blank-line", "Without a blank line"),
    ]
    assert announcements[0].published == datetime(2024, 9, 13, tzinfo=UTC)
    assert announcements[1].summary == "Docker has received an attestation."
    _, *on_page = records(read(SOURCE_NAME, page(DESKTOP), "page"))
    told = records(parsed, Kind.VULNERABILITY)
    assert [(r.id, r.scores, said(r.claims)) for r in told] == [(r.id, r.scores, said(r.claims)) for r in on_page]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_markdown_may_end_its_lines_as_it_likes(newline: str) -> None:
    parsed = read(SOURCE_NAME, MARKDOWN.replace("\n", newline), "markdown")
    assert len(records(parsed, Kind.ANNOUNCEMENT)) == 3


TITLE = "Docker Desktop 4.34.2 Security Update: CVE-2024-8695 and CVE-2024-8696"
ANCHOR = "docker-desktop-4342-security-update-cve-2024-8695-and-cve-2024-8696"


@pytest.mark.parametrize(
    ("link", "guid"),
    [
        (f"{HOME}#{ANCHOR}", f"security-{ANCHOR}"),
        (f"{HOME}#{ANCHOR}", ""),
        (f"{HOME}#{ANCHOR}", f"{HOME}#{ANCHOR}"),
        (f"{HOME}#{ANCHOR[:50]}", f"security-{ANCHOR}"),
        (f"{HOME}#", "security-"),
        (HOME, ""),
        ("", ""),
    ],
)
def test_an_item_of_the_feed_is_the_pages_entry_even_where_its_link_is_broken(link: str, guid: str) -> None:
    item = entry(**{"title": TITLE, "link": link} | ({"guid": guid} if guid else {}))
    announcement = only(read(SOURCE_NAME, rss(item), "rss"), Kind.ANNOUNCEMENT)
    assert (announcement.id, announcement.title) == (ANCHOR, TITLE)
    assert announcement.url == f"{HOME}#{ANCHOR}"
    assert said(announcement.claims) == [("desktop", ["< 4.34.2"], ["4.34.2"])]


def test_the_feed_once_had_dates_and_descriptions() -> None:
    item = entry(
        title="Docker Desktop 4.44.3 security update: CVE-2025-9074",
        link=f"{HOME}#docker-desktop-4443",
        pubDate="Wed, 20 Aug 2025 00:00:00 +0000",
        guid="security-docker-desktop-4443",
        description="<p><strong>A fix</strong></p><p>Fixed CVE-2025-9074: a container could reach the engine.</p>",
    )
    announcement, single = records(read(SOURCE_NAME, rss(item), "rss"))
    assert announcement.published == single.published == datetime(2025, 8, 20, tzinfo=UTC)
    assert "a container could reach the engine" in announcement.summary
    assert (single.id, said(single.claims)) == ("CVE-2025-9074", [("desktop", ["< 4.44.3"], ["4.44.3"])])


def test_an_item_without_a_title_is_no_entry_and_costs_no_other() -> None:
    kept = entry(title="Kept", link=f"{HOME}#kept")
    assert [r.id for r in records(read(SOURCE_NAME, rss("<item></item>", kept), "rss"))] == ["kept"]


def test_the_three_forms_are_one_entry_and_the_page_speaks_first() -> None:
    heading = f"<h2 id={ANCHOR}>{TITLE}</h2><p>On the page.</p>"
    bodies = {
        "rss": rss(entry(title=TITLE, link=f"{HOME}#{ANCHOR}", pubDate="Fri, 13 Sep 2024 00:00:00 GMT")),
        "markdown": f"## {TITLE}\n\nIn the markdown.\n",
        "page": page(heading),
    }
    every = [
        Read(r, SOURCE_NAME, form, AT) for form, body in bodies.items() for r in records(read(SOURCE_NAME, body, form))
    ]
    (announcement,) = (a for a in merge(every) if a.kind is Kind.ANNOUNCEMENT)
    assert announcement.summary == "On the page."
    assert announcement.published == datetime(2024, 9, 13, tzinfo=UTC)
    rest = [r for r in every if r.document != "page"]
    (announcement,) = (a for a in merge(rest) if a.kind is Kind.ANNOUNCEMENT)
    assert announcement.summary == "In the markdown."


@pytest.mark.parametrize(
    ("title", "release"),
    [
        ("Docker Desktop 4.34.2 Security Update: CVE-2024-8695", "4.34.2"),
        ("Docker Desktop v4.34.2 security update", "4.34.2"),
        ("Docker Desktop for Windows 4.34.2 security update", "4.34.2"),
        ("DOCKER DESKTOP 4.34.2 SECURITY UPDATE", "4.34.2"),
        ("Docker Desktop 4.34.2 is out", ""),
        ("Docker Engine 29.5.1 security update", ""),
    ],
)
def test_a_title_that_names_a_release_of_desktop_claims_all_before_it(title: str, release: str) -> None:
    (announcement, *_) = records(read(SOURCE_NAME, page(f"<h2 id=a>{title}</h2><p>Words.</p>"), "page"))
    claims = said(announcement.claims)
    assert (("desktop", [f"< {release}"], [release]) in claims) is bool(release)


BLOG = "docker-blog"


def post(title: str = "A day at Docker", *, summary: str = "Words.", category: str = "Products", **more: str) -> str:
    fields = {"title": title, "link": "https://www.docker.com/blog/a-post/", "description": summary}
    return entry(**fields | {"category": category} | more)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"title": "Docker Security Advisory: a bypass of plugins"}, Kind.ANNOUNCEMENT),
        ({"title": "Security update for Docker Desktop"}, Kind.ANNOUNCEMENT),
        ({"title": "What CVE-2024-41110 means"}, Kind.ANNOUNCEMENT),
        ({"title": "Vulnerabilities found in runc"}, Kind.ANNOUNCEMENT),
        ({"title": "A White Paper on isolation"}, Kind.PUBLICATION),
        ({"title": "The whitepaper is out"}, Kind.PUBLICATION),
        ({"summary": "Get our white paper about <b>isolation</b>."}, Kind.PUBLICATION),
        ({"title": "9 Best-Practices for builds"}, Kind.PUBLICATION),
        ({"category": "Security"}, Kind.PUBLICATION),
        ({"category": "best practices"}, Kind.PUBLICATION),
        ({}, None),
        ({"title": "Vulnerabilities and how to scan for them"}, None),
        ({"title": "Docker and vulnerability scanning"}, None),
        ({"category": "Security & Compliance"}, None),
        ({"title": "Our best people practice daily"}, None),
    ],
)
def test_a_post_is_kept_by_the_first_rule_that_it_meets(fields: dict[str, str], kind: Kind | None) -> None:
    found = records(read(BLOG, rss(post(**fields)), "rss"))
    assert [r.kind for r in found] == ([kind] if kind else [])
    assert all(r.reason in {rule.reason for rule in RULES} for r in found)


def test_a_post_that_announces_a_fix_claims_and_shares_its_name_with_the_announcements() -> None:
    words = "<p>Docker Engine before 27.1.1 lets requests pass. Update to 27.1.1.</p>"
    body = f"{words}<p>The post <a>x</a> appeared first on <a>Docker</a>.</p>"
    item = post("Docker Security Advisory: CVE-2024-41110", summary=body, pubDate="Tue, 23 Jul 2024 16:00:00 +0000")
    record = only(read(BLOG, rss(item), "rss"))
    assert (record.id, record.aliases) == ("docker-blog/a-post", ("a-post",))
    assert record.mentions == ("CVE-2024-41110",)
    assert said(record.claims) == [("engine", ["< 27.1.1"], ["27.1.1"])]
    assert record.published == datetime(2024, 7, 23, 16, tzinfo=UTC)
    assert "appeared first" not in record.summary


def test_a_publication_claims_nothing_and_is_nothing_elses_double() -> None:
    record = only(read(BLOG, rss(post("Best practices", summary="Docker Engine before 27.1.1 is slow.")), "rss"))
    assert (record.claims, record.aliases) == ((), ())


@pytest.mark.parametrize(
    "link",
    [
        "https://www.docker.com/blog/a-post/",
        "https://www.docker.com/blog/a-post",
        "https://www.docker.com/blog/a-post/?utm_source=rss&utm_medium=rss",
        "https://www.docker.com/blog/a-post/#top",
    ],
)
def test_a_post_is_named_by_its_address_whatever_is_appended_to_it(link: str) -> None:
    record = only(read(BLOG, rss(post("Best practices", link=link)), "rss"))
    assert (record.id, record.url) == ("docker-blog/a-post", link)


def test_posts_that_are_dropped_leave_a_healthy_feed_of_none() -> None:
    assert records(read(BLOG, rss(post(), post("Another day")), "rss")) == []


def test_a_post_without_an_address_is_dropped_and_costs_no_other() -> None:
    bare = "<item><title>Best practices</title></item>"
    assert [r.id for r in records(read(BLOG, rss(bare, post("Best practices")), "rss"))] == ["docker-blog/a-post"]


def test_a_post_is_named_by_its_number_and_its_address_may_be_corrected() -> None:
    title, guid = "Docker Security Advisory: a flaw", "https://www.docker.com/?p=12345"
    before = only(read(BLOG, rss(post(title, link="https://www.docker.com/blog/a-pots/", guid=guid)), "rss"))
    after = only(read(BLOG, rss(post(title, link="https://www.docker.com/blog/a-post/", guid=guid)), "rss"))
    assert before.id == after.id == "docker-blog/12345"
    assert after.aliases == ("docker-blog/a-post", "a-post")
    assert after.url == "https://www.docker.com/blog/a-post/"
    by_address = only(read(BLOG, rss(post(title, guid="https://www.docker.com/blog/a-post/")), "rss"))
    assert by_address.id == "docker-blog/a-post"


@pytest.mark.parametrize("slug", ["cve-2031-41110", "CVE-2031-41110", "ghsa-2222-3333-4444"])
def test_an_id_in_an_address_or_an_anchor_is_no_name(slug: str) -> None:
    link = f"https://www.docker.com/blog/{slug}/"
    record = only(read(BLOG, rss(post("Docker Security Advisory: a flaw", link=link)), "rss"))
    assert not any(is_cve(n) or is_ghsa(n) for n in record.names)
    heading = f"<h2 id={slug}>CVE-2031-41110</h2><p>runc 1.9.9 and earlier leak.</p>"
    announcement = only(read(SOURCE_NAME, page(heading), "page"), Kind.ANNOUNCEMENT)
    assert not any(is_cve(n) or is_ghsa(n) for n in announcement.names)
    assert announcement.url.endswith(f"#{slug}")


@pytest.mark.parametrize(
    ("affected", "fixed", "expected"),
    [
        ("&lt;= 28.0.1", "&gt;= 28.0.2", (["<= 28.0.1"], ["28.0.2"])),
        ("≤ 28.0.1", "≥ v28.0.2", (["<= 28.0.1"], ["28.0.2"])),
        ("before 28.0.2", "docker-v28.0.2 and above", (["< 28.0.2"], ["28.0.2"])),
        ("26.0.0 - 28.0.1", "from 28.0.2", ([">= 26.0.0, <= 28.0.1"], ["28.0.2"])),
        (
            "27.5.1 and earlier, 28.0.1 and earlier",
            "27.5.2 and later, 28.0.2 and later",
            (["<= 28.0.1"], ["27.5.2", "28.0.2"]),
        ),
    ],
)
def test_a_table_for_what_is_affected_and_one_for_what_is_fixed_are_read_alike(
    affected: str, fixed: str, expected: tuple[list[str], list[str]]
) -> None:
    text = "## Docker Security Advisory: a flaw\n"
    for head, cell in (("Versions Impacted", affected), ("Patched Versions", fixed)):
        text += f"\n| | {head} |\n|:--|:--|\n| `Docker Engine` | {cell} |\n"
    (claim,) = only(read("docker-announcements", text, "markdown")).claims
    assert ([str(s) for s in claim.affected][-1:], sorted(claim.fixed)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("in 4.46.0 only", "= 4.46.0"),
        ("which solely affects 4.46.0", "= 4.46.0"),
        ("that exists only in Docker Desktop version 4.46.0", "= 4.46.0"),
        ("introduced in 4.45.0 and fixed in 4.47.0", ">= 4.45.0, < 4.47.0"),
        ("in the socket restrictions", "< 4.47.0"),
    ],
)
def test_what_is_wrong_in_some_releases_only_is_not_claimed_of_those_before(words: str, expected: str) -> None:
    text = f"## Docker Desktop 4.47.0 security update: CVE-2030-11111\n\n- Fixed CVE-2030-11111, a flaw {words}.\n"
    for record in records(read("docker-announcements", text, "markdown")):
        assert [[str(s) for s in c.affected] for c in record.claims] == [[expected]]
