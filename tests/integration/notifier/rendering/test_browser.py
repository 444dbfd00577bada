"""What a mail looks like in a browser: it fits its window, runs nothing and fetches nothing.

Needs Chromium: `make browser` installs it from Debian and runs this; elsewhere it is skipped, saying so.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.alerts.sample import AT
from notifier.rendering.messages import message
from notifier.rendering.notices import specimen
from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying",
    "--hide-scrollbars",
    "--virtual-time-budget=2000",
]
MEASURE = """<!doctype html><meta charset=utf-8><body style="margin:0">
<iframe id=mail style="border:0;width:{width}px;height:4000px" srcdoc="{mail}"></iframe>
<script>
document.getElementById("mail").onload = event => {{
  const page = event.target.contentDocument;
  const wide = [...page.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > {width} + 1);
  const said = {{
    width: page.documentElement.scrollWidth,
    wide: wide.map(e => e.tagName + ": " + e.textContent.slice(0, 60)),
    fetched: page.defaultView.performance.getEntriesByType("resource").map(e => e.name),
    scripts: page.querySelectorAll("script, iframe, object, embed, form").length,
    text: page.body.innerText.length,
  }};
  document.body.innerHTML = "<pre id=said></pre>";
  document.getElementById("said").textContent = JSON.stringify(said);
}};
</script>"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: `make browser` installs it"),
]


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "notifier.cli", "demo", "--dir", str(folder / "demo")],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    (folder / "demo" / "mails" / "test.html").write_text(specimen("ops", AT).html)
    values = {"owner": "ann", "wants": "severity: high", "when": "daily (UTC)", "subscription": "platform team"}
    values |= {"to": "a.rather.long.mailbox@department.example.org", "web": "https://navtex.example.org", "key": "k"}
    for name in ("confirm", "undo"):
        link = {"link": f"https://navtex.example.org/c/{'x' * 43}", "until": AT}
        (folder / "demo" / "mails" / f"{name}.html").write_text(message(name, "k", AT, values | link).html)
    return sorted((folder / "demo" / "mails").glob("*.html"))


@pytest.fixture(scope="module")
def report(mails: list[Path]) -> Path:
    page = mails[0].parent.parent / "report.html"
    home = mails[0].parent.parent
    subprocess.run(
        [sys.executable, "-m", "notifier.cli", "exposure", "--format", "html", "--output", str(page)],
        check=True,
        capture_output=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "NAVTEX_DATABASE_URL": f"sqlite:///{home / 'navtex.db'}",
        },
    )
    return page


def chromium(page: Path, profile: Path, *more: str) -> str:
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *more, page.as_uri()],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


@pytest.mark.parametrize("width", [360, 700])
def test_a_mail_fits_its_window_and_fetches_and_runs_nothing(mails: list[Path], width: int, tmp_path: Path) -> None:
    assert len(mails) == 5
    for mail in mails:
        page = tmp_path / f"{mail.stem}.html"
        page.write_text(MEASURE.format(width=width, mail=html.escape(mail.read_text(), quote=True)))
        dom = chromium(page, tmp_path / "profile", "--dump-dom", "--window-size=1000,800")
        found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
        assert found, dom[:500]
        said = json.loads(html.unescape(found[1]))
        assert said["width"] <= width, said["wide"]
        assert said["wide"] == []
        assert said["fetched"] == []
        assert said["scripts"] == 0
        assert said["text"] > 300


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 700])
def test_a_picture_of_each_mail_is_kept_to_be_looked_at(
    mails: list[Path], width: int, colours: str, tmp_path: Path
) -> None:
    preferred = f"--blink-settings=preferredColorScheme={int(colours == 'light')}"
    folder = ROOT / "dist" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for number, mail in enumerate(mails):
        picture = folder / f"mail-{number}-{width}-{colours}.png"
        picture.unlink(missing_ok=True)
        # a window is never as narrow as a telephone, so the mail stands in a frame
        page = tmp_path / f"{mail.stem}.html"
        framed = f'<iframe style="border:0;width:{width}px;height:2600px" srcdoc="{html.escape(mail.read_text())}">'
        page.write_text(f'<!doctype html><meta charset=utf-8><body style="margin:0">{framed}</iframe>')
        chromium(page, tmp_path / "profile", f"--screenshot={picture}", f"--window-size={width},2600", preferred)
        assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("width", [360, 1280])
def test_the_report_fits_its_window_where_it_does_not_scroll_by_itself(
    report: Path, width: int, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(MEASURE.format(width=width, mail=html.escape(report.read_text(), quote=True)))
    dom = chromium(page, tmp_path / "profile", "--dump-dom", "--window-size=1400,800")
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[:500]
    said = json.loads(html.unescape(found[1]))
    assert said["width"] <= width, said["wide"]
    assert said["fetched"] == []
    assert said["scripts"] == 0
    assert said["text"] > 500


def test_the_report_can_be_printed(report: Path, tmp_path: Path) -> None:
    folder = ROOT / "dist" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    printed = folder / "report.pdf"
    printed.unlink(missing_ok=True)
    chromium(report, tmp_path / "profile", f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    assert printed.stat().st_size > 10_000
