"""Pages and feeds as plain text: blocks in the order of reading, feeds' entries, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feeds.core.errors import ShapeError
from feeds.sources.readers import markup
from feeds.sources.readers.bodies import (
    json_body,
    mapping,
    mappings,
    next_page,
    osv_spans,
    shortened,
    squeeze,
    text_body,
    unique,
    when,
)
from tests.support.depth import size
from tests.support.documents import URL, atom, document, entry, rss
from tests.support.samples import record


def blocks(html: str) -> list[tuple[str, str]]:
    return [(b.tag, b.text) for b in markup.blocks(markup.fragment(html))]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One</p><p>Two</p>", [("p", "One"), ("p", "Two")]),
        ("<p>One\n  <b>two</b>&nbsp;three</p>", [("p", "One two three")]),
        ("<p>one<br>two<br/>three</p>", [("p", "one two three")]),
        ("<p>one<!-- a comment -->two</p>", [("p", "onetwo")]),
        ("<p>1 &lt; 2 &amp; 3</p>", [("p", "1 < 2 & 3")]),
        ("<h3 id=x>A <code>b</code></h3>", [("h3", "A b")]),
        ("<div>alone</div>", [("div", "alone")]),
        ("<div><div><p>deep</p></div></div>", [("p", "deep")]),
        ("<section><article><p>in</p></article></section>", [("p", "in")]),
        ("<blockquote><p>said</p></blockquote>", [("p", "said")]),
        ("<pre>a\n  b</pre>", [("pre", "a b")]),
        ("<dl><dt>T</dt><dd>D</dd></dl>", [("dt", "T"), ("dd", "D")]),
        ("<p></p><p> </p><table><tr><td></td></tr></table>", []),
        ("<p>one<style>two</p><p>three</p>", [("p", "onetwo"), ("p", "three")]),
        ("<p>one<style>p {}</style></p><p>two<STYLE>three</p>", [("p", "one"), ("p", "twothree")]),
        ("<p>one<!--></p><p>two<!-- three</p>", [("p", "one"), ("p", "two three")]),
        ("<ul><li>one<!-- a comment --><? b ?></li></ul>", [("li", "one")]),
        ("<p>one<textarea>two</p><p>three<plaintext>four</p>", [("p", "onetwo"), ("p", "threefour")]),
        ("<script>evil()</script><style>p {}</style><p>x<script>y</script>z</p>", [("p", "xz")]),
        ("<nav><p>menu</p></nav><button><p>push</p></button><p>x</p>", [("p", "x")]),
        ("<ul><li>one</li><li>two</li></ul>", [("li", "one"), ("li", "two")]),
        ("<ul><li><p>one</p></li></ul>", [("li", "one")]),
        ("<ol><li>one<ul><li>deep</li></ul></li></ol>", [("li", "one"), ("li", "deep")]),
        ("<ul><li>one <b>two</b> three<ul><li>x</li></ul></li></ul>", [("li", "one two three"), ("li", "x")]),
        (
            "<table><thead><tr><th>Id</th><th>Fix</th></tr></thead><tr><td>a</td><td>b <i>c</i></td></tr></table>",
            [("tr", "Id Fix"), ("tr", "a b c")],
        ),
        ("<p>not closed<p>nor this", [("p", "not closed"), ("p", "nor this")]),
        ("", []),
        ("only text", []),
    ],
)
def test_the_blocks_of_a_page_are_what_a_reader_sees(html: str, expected: list[tuple[str, str]]) -> None:
    assert blocks(html) == expected


def test_a_block_knows_its_links_and_the_list_items_above_it() -> None:
    html = '<ul><li>Security <a href="https://a.example">a</a><ul><li>Fix <a href=/b>b</a><a>c</a></li></ul></li></ul>'
    outer, inner = markup.blocks(markup.fragment(html))
    assert (outer.links, outer.above) == (("https://a.example",), ())
    assert (inner.links, inner.above) == (("/b",), ("Security a",))


def test_a_row_has_the_links_of_its_cells() -> None:
    (row,) = markup.blocks(markup.fragment("<table><tr><td><a href=x>1</a></td><td><a href=y>2</a></td></tr></table>"))
    assert row.links == ("x", "y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as it is", "as it is"),
        ("  much \n\t white space ", "much white space"),
        ("a < b", "a < b"),
        ("<b>bold</b> and <i>not</i>", "bold and not"),
        ("R&amp;D", "R&D"),
        ("Use of &lt;script&gt;", "Use of <script>"),
        ("<p>one</p><p>two</p>", "one two"),
        ("<script>evil()</script>kept<style>x</style>", "kept"),
        ("<a href='javascript:evil()'>press</a>", "press"),
        ("<img src=x onerror=evil()>", ""),
        ("<", "<"),
        ("&", "&"),
        ("<>", "<>"),
        ("<!--", ""),
        ("<![CDATA[x]]>", ""),
        ("", ""),
    ],
)
def test_markup_becomes_plain_text_on_one_line(text: str, expected: str) -> None:
    assert markup.plain(text) == expected


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no HTML"),
        (b"   \n", "no HTML"),
        (b'{"message": "rate limit"}', "no HTML"),
        (b"\x1f\x8b\x08\x00", "no HTML"),
        ("<html></html>".encode("utf-16"), "no HTML"),
        (b"<!-- nothing -->", "no HTML"),
        (b"<!doctype html>", "no HTML"),
        (b"<html>" + b"<div>" * 300 + b"<p>far below</p>", "too deeply nested"),
        (b"<html>" + b"<div>" * 100_000, "too deeply nested"),
    ],
)
def test_what_is_no_page_or_cannot_be_read_to_its_end_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem) as error:
        markup.page(document(body))
    assert error.value.where == URL


@pytest.mark.parametrize(
    "body",
    [
        b"<p>caf\xc3\xa9</p>",
        b"\xef\xbb\xbf<p>caf\xc3\xa9</p>",
        b"\n\n <!doctype html><html><meta charset=latin-1><p>caf\xc3\xa9</p>",
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>caf\xc3\xa9</p></body></html>',
    ],
)
def test_a_page_is_utf_8_whatever_it_begins_with(body: bytes) -> None:
    assert [markup.text_of(p) for p in markup.page(document(body)).iter("p")] == ["café"]


def test_bytes_that_are_no_utf_8_cost_no_more_than_themselves() -> None:
    root = markup.page(document(b"<p>a\xff\x00b</p><p>next</p>"))
    first, second = (markup.text_of(p) for p in root.iter("p"))
    assert (first[0], first[-1], second) == ("a", "b", "next")


FULL = entry(
    title="A <b>bold</b> one",
    link="https://www.example.org/a/",
    guid="guid-1",
    description="<p>Some <i>words</i></p>",
    pubDate="Tue, 16 Jun 2026 14:00:00 GMT",
    category="Security",
)


def test_an_entry_of_a_feed_is_plain_text() -> None:
    (item,) = markup.feed(document(rss(FULL)))
    assert (item.title, item.link, item.guid) == ("A bold one", "https://www.example.org/a/", "guid-1")
    assert (item.summary, item.body, item.categories) == ("Some words", "<p>Some <i>words</i></p>", ("Security",))
    assert item.published == datetime(2026, 6, 16, 14, tzinfo=UTC)


def test_an_entry_without_anything_is_still_an_entry() -> None:
    (item,) = markup.feed(document(rss("<item></item>")))
    assert (item.title, item.link, item.guid, item.body, item.published) == ("", "", "", "", None)


def test_an_atom_feed_is_read_as_an_rss_feed_is() -> None:
    first, second = markup.feed(document(atom(("v1.2.3", "<p>Fix</p>"), ("v1.2.2", ""))))
    assert (first.title, first.link) == ("v1.2.3", "https://github.com/moby/moby/releases/tag/v1.2.3")
    assert first.body == "<p>Fix</p>"
    assert first.published == datetime(2026, 6, 19, 11, 31, 29, tzinfo=UTC)
    assert second.body == ""


@pytest.mark.parametrize(
    "day",
    ["", "soon", "0000-00-00T00:00:00Z", "Mon, 01 Jan 99999 00:00:00 GMT", "9999-12-31T23:59:59-23:59", "-1", "\u0662"],
)
def test_an_impossible_date_costs_the_date_and_not_the_entry(day: str) -> None:
    (item,) = markup.feed(document(rss(entry(title="kept", pubDate=day))))
    assert item.title == "kept"
    assert item.published is None


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "no RSS or Atom feed"),
        ("{}", "no RSS or Atom feed"),
        ("<html><body>Sign in</body></html>", "no RSS or Atom feed"),
        (rss(), "without entries"),
        (atom(), "without entries"),
        (rss(FULL)[:-20], "broken feed"),
        (rss(FULL)[: len(rss(FULL)) // 2], "broken feed"),
        (rss(FULL, "<item><title>a & b</title></item>"), "broken feed"),
        (rss(FULL, "<item><title>\x08</title></item>"), "broken feed"),
        (rss(FULL, "<item><x:y>undeclared</x:y></item>"), "broken feed"),
        ("<rss version='2.0'><channel>" + "<a>" * size(100_000) + "</channel></rss>", "broken feed"),
        (f'<!DOCTYPE rss [<!ENTITY a0 "a">{BOMB}]>' + rss("<item><title>&a11;</title></item>")[21:], "broken feed"),
    ],
)
def test_what_is_no_feed_or_a_cut_or_empty_one_is_refused(body: str, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        markup.feed(document(body))


def test_a_feed_opens_no_file() -> None:
    outside = (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel>'
    )
    (item,) = markup.feed(document(f"{outside}<item><title>&x;a title</title></item></channel></rss>"))
    assert item.title == "a title"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_feed_is_read_in_the_encoding_that_it_declares(encoding: str) -> None:
    body = rss(entry(title="café")).replace("1.0", f'1.0" encoding="{encoding}', 1).encode(encoding)
    (item,) = markup.feed(document(body))
    assert item.title == "café"


def test_a_megabyte_without_a_blank_is_one_block() -> None:
    ((_, text),) = blocks(f"<p>{'a' * 1_000_000}</p>")
    assert len(text) == 1_000_000


@pytest.mark.parametrize("body", [b"", b"[1, 2", b"[1] trailing", b"NaN", b"\xff", b"[" * 100_000, b"'a'"])
def test_what_is_no_json_is_refused_with_its_beginning(body: bytes) -> None:
    with pytest.raises(ShapeError, match="no JSON") as error:
        json_body(document(body))
    assert len(str(error.value)) < 300
    assert error.value.where == URL


def test_text_is_utf_8_with_or_without_a_mark() -> None:
    assert text_body(document(b"\xef\xbb\xbfcaf\xc3\xa9")) == text_body(document("café")) == "café"
    with pytest.raises(ShapeError, match="no UTF-8"):
        text_body(document("café".encode("latin-1")))


PAGES = "https://api.github.com/repositories/1/tags?per_page=100"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("", ""),
        (f'<{PAGES}&page=2>; rel="next", <{PAGES}&page=9>; rel="last"', f"{PAGES}&page=2"),
        (f'<{PAGES}&page=1>; rel="prev", <{PAGES}&page=3>; rel="next"', f"{PAGES}&page=3"),
        (f'<{PAGES}&page=1>; rel="first", <{PAGES}&page=1>; rel="prev"', ""),
        (f"<{PAGES}&after=Y3Vyc29y%3D%3D>;rel=next", f"{PAGES}&after=Y3Vyc29y%3D%3D"),
        (f'<{PAGES}&page=2>; REL="Next"', f"{PAGES}&page=2"),
        ('</document?page=2>; rel="next"', "https://example.org/document?page=2"),
        ('<?page=2>; rel="next"', "https://example.org/document?page=2"),
        ('<https://a.example>; rel="nextish"', ""),
        ('; rel="next"', ""),
        ("<" * 100_000, ""),
    ],
)
def test_the_next_page_is_where_the_link_header_says(link: str, expected: str) -> None:
    assert next_page(document("[]", link=link)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-07-30T10:18:57Z", datetime(2024, 7, 30, 10, 18, 57, tzinfo=UTC)),
        ("2024-07-30T10:18:57.123456Z", datetime(2024, 7, 30, 10, 18, 57, 123456, tzinfo=UTC)),
        ("2024-07-30T12:18:57+02:00", datetime(2024, 7, 30, 10, 18, 57, tzinfo=UTC)),
        ("2024-07-30T10:18:57", datetime(2024, 7, 30, 10, 18, 57, tzinfo=UTC)),
        (" 2024-07-30 ", datetime(2024, 7, 30, tzinfo=UTC)),
        ("", None),
        (" ", None),
        ("soon", None),
        ("2024-13-45", None),
        ("2024-02-30T00:00:00Z", None),
        (None, None),
        (5, None),
        (True, None),
        ([], None),
        ({}, None),
        ("9999-12-31T23:59:59-23:59", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_time_is_read_in_utc_or_not_at_all(value: object, expected: datetime | None) -> None:
    assert when(value) == expected


def test_a_field_of_another_type_is_one_that_is_not_there() -> None:
    assert mapping({"a": 1}) == {"a": 1}
    others: tuple[object, ...] = (None, 1, "x", True)
    assert [mapping(v) for v in (*others, [])] == [{}] * 5
    assert mappings([{"a": 1}, None, "x", [], {"b": 2}]) == [{"a": 1}, {"b": 2}]
    assert [mappings(v) for v in (*others, {})] == [[]] * 5


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"introduced": "0"}, {"fixed": "1.2"}], ["< 1.2"]),
        ([{"introduced": "1.0"}, {"fixed": "1.2"}], [">= 1.0, < 1.2"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.2"}], [">= 1.0, <= 1.2"]),
        ([{"introduced": "0"}], ["all versions"]),
        ([{"introduced": "1.0"}], [">= 1.0"]),
        ([{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "1.2"}, {"fixed": "1.3"}], ["< 1.1", ">= 1.2, < 1.3"]),
        ([{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "1.2"}], ["< 1.1", ">= 1.2"]),
        ([{"fixed": "1.2"}], []),
        ([], []),
    ],
)
def test_the_events_of_osv_are_spans(events: list[dict[str, str]], expected: list[str]) -> None:
    assert [str(s) for s in osv_spans([{"type": "SEMVER", "events": events}])] == expected


def test_of_records_with_one_key_the_claims_add_up() -> None:
    one = record("CVE-2031-1000", products=("engine",), mentions=("CVE-2031-1",))
    other = record("CVE-2031-1000", products=("runc",), aliases=("GHSA-2222-2222-2222",), title="Another title")
    (joined,) = unique([one, other, one])
    assert joined == record(
        "CVE-2031-1000",
        title=one.title,
        products=("engine", "runc"),
        aliases=("GHSA-2222-2222-2222",),
        mentions=("CVE-2031-1",),
    )
    assert unique([one, record("CVE-2031-1001")]) == (one, record("CVE-2031-1001"))


def test_a_long_text_is_cut_at_a_blank() -> None:
    assert shortened("short") == "short"
    assert shortened("a" * 200) == "a" * 157 + "..."
    assert shortened("word " * 50) == "word " * 30 + "word..."
    assert squeeze(" a \n\t b\u00a0c ") == "a b c"
