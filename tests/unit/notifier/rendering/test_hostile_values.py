from __future__ import annotations

import json
import re
from dataclasses import replace

import lxml.html
import pytest

from feeds.advisories.records import Kind, Severity
from feeds.sources.health import SourceHealth, SourceState
from feeds.verdicts.weighing import Status
from notifier.alerts.digest import Digest, Footer
from notifier.channels import compose
from notifier.domain.hosts import Hosts
from notifier.domain.text import mrkdwn, safe_url
from notifier.rendering.messages import render
from tests.support.digests import digest, group, item
from tests.support.samples import advisory
from tests.unit.notifier.rendering.test_messages import texts

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "handler": "\"><img src=x onerror=alert(1)>'",
    "closing": "</div></td></style></title>--><!--",
    "slack broadcast": "<!channel> <!here|x> <@U012AB3CD> <#C123> <https://evil.example|nice>",
    "slack marks": "*bold* _slanted_ ~gone~ `code` >quote",
    "template": "{{ 7*7 }}{% raw %}${7*7}",
    "terminal": "\x1b[31mred\x1b[0m\x07\x08\x9b31m",
    "carriage return": "kept\rFORGED",
    "lines": "kept\n\nFORGED\nFORGED: 1\n* FORGED",
    "line separators": "kept\u2028FORGED\x0bFORGED\x85FORGED",
    "direction": "kept \u202egnp.exe\u202c \u2066x\u2069",
    "quotes": "“”\"'`&amp;&lt;",
    "json": '", "blocks": [] }',
    "nul": "a\x00b",
}
SCHEMES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "//evil.example/x",
    'https://example.org/" onmouseover="alert(1)',
    "https://example.org/><script>",
    "https://example.org/\njavascript:alert(1)",
    "https://example.org/x\n",
    " https://example.org",
    "vbscript:x",
    "",
]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def everywhere(text: str, url: str = "https://example.org/x", *, welcome: bool) -> Digest:
    """A digest that has a text wherever a source, a host or a user can put one."""
    one = group(
        text,
        text,
        package=text,
        reason=text,
        upgrade_to=text,
        fixed_in=(text, text),
        status=Status.CONFLICTING,
        more=1,
    )
    about = [
        advisory(n, text, kind=kind, title=text, url=url, severity=Severity.HIGH if n else None)
        for n, kind in enumerate(Kind)
    ]
    return digest(
        *(item(a, one, one, see_also=((text, url),), change="update", changes=(text,)) for a in about),
        welcome=welcome,
        subscription=text,
        unaffected_hosts=Hosts(3, (text, text)),
        undecided=(one,),
        footer=Footer((SourceState(text, SourceHealth.FAILING, text),), 3, unsaid=2),
    )


def structure(html: str) -> list[tuple[str, list[str]]]:
    """The elements of a page with the names of their attributes."""
    page = lxml.html.document_fromstring(html.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    return [(str(e.tag), sorted(str(a) for a in e.keys())) for e in page.iter()]  # noqa: SIM118 - no mapping


both = pytest.mark.parametrize("welcome", [True, False], ids=["welcome", "news"])
every_payload = pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)


@both
@every_payload
def test_hostile_text_leaves_the_pages_elements_as_they_are(text: str, welcome: bool) -> None:
    assert structure(render(everywhere(text, welcome=welcome)).html) == structure(
        render(everywhere("harmless", welcome=welcome)).html
    )


def test_hostile_text_can_be_read_on_the_page() -> None:
    html = render(everywhere(PAYLOADS["script"], welcome=False)).html
    assert PAYLOADS["script"] in lxml.html.document_fromstring(html).text_content()


@both
@every_payload
def test_hostile_text_steers_no_terminal_and_forges_no_line(text: str, welcome: bool) -> None:
    message = render(everywhere(text, welcome=welcome))
    for part in (message.subject, message.text, message.html, *(t for _, t in texts(json.loads(message.slack)))):
        assert CONTROL.search(part) is None
    assert "\n" not in message.subject
    assert not [line for line in message.text.splitlines() if line.startswith(("FORGED", "* FORGED"))]
    assert "49" not in message.text


@both
@every_payload
def test_hostile_text_makes_no_blocks_links_or_mentions_in_slack(text: str, welcome: bool) -> None:
    blocks = json.loads(render(everywhere(text, welcome=welcome)).slack)
    usual = json.loads(render(everywhere("harmless", welcome=welcome)).slack)
    assert [b["type"] for b in blocks] == [b["type"] for b in usual]
    for kind, said in texts(blocks):
        if kind == "mrkdwn":
            links = re.findall(r"<([^>]*)>?", said)
            assert [link.partition("|")[0] for link in links] == ["https://example.org/x"] * len(links)
        assert not [line for line in said.splitlines() if line.lstrip(" *•_").startswith("FORGED")]


@both
@every_payload
def test_hostile_text_forges_no_mail_header(text: str, welcome: bool) -> None:
    message = render(everywhere(text, welcome=welcome))
    usual = compose(render(everywhere("harmless", welcome=welcome)), "Navtex <navtex@example.org>", "ops@example.org")
    mail = compose(message, "Navtex <navtex@example.org>", "ops@example.org")
    assert mail.headers.keys() == usual.headers.keys()
    assert b"\nFORGED" not in mail.as_bytes().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("url", SCHEMES)
def test_only_web_addresses_become_links(url: str) -> None:
    assert safe_url(url) == ""
    message = render(everywhere("harmless", url, welcome=True))
    page = lxml.html.document_fromstring(message.html)
    assert not list(page.iter("a"))
    assert not [s for _, s in texts(json.loads(message.slack)) if "<" in s]
    assert url.strip() == "" or url.strip() not in message.text


@pytest.mark.parametrize("url", ["https://example.org/a?b=c&d=e#f", "http://example.org/"])
def test_web_addresses_do(url: str) -> None:
    message = render(replace(everywhere("harmless", url, welcome=True)))
    assert {a.get("href") for a in lxml.html.document_fromstring(message.html).iter("a")} == {url}


@pytest.mark.parametrize("length", [280, 2890, 2901, 3100, 9000])
def test_a_title_of_any_length_breaks_no_slack_link(length: int) -> None:
    about = advisory(1, "x", kind=Kind.ANNOUNCEMENT, title="&" * length)
    blocks = json.loads(render(digest(item(about, group("1.0", "a")))).slack)
    found = [said for _, said in texts(blocks)]
    assert max(map(len, found)) <= 3000
    (entry,) = (said for said in found if "<" in said)
    assert re.match(r"<https://example\.org/x\|(&amp;)+(…|\.\.\.)?>\n• engine 1\.0 on a", entry)


def test_slacks_marks_are_taken_apart() -> None:
    assert mrkdwn("a & <b> `c`") == "a &amp; &lt;b&gt; `\u200bc`\u200b"
