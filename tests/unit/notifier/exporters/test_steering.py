"""Nothing that leaves Navtex holds characters that steer a terminal or turn text, whoever put them where."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from feeds.advisories.records import Severity
from feeds.verdicts.weighing import Status, Verdict
from notifier.assessment.findings import Finding
from notifier.assessment.matcher import Match
from notifier.channels import MessageSender
from notifier.domain.components import Component
from notifier.domain.messages import Target
from notifier.exporters import csv_rows
from notifier.exporters.all_formats import FORMATS
from notifier.exporters.model import document
from notifier.rendering.messages import render
from notifier.rendering.short_messages import shortened
from notifier.schemas.exposure import Exposure
from notifier.schemas.exposure_values import exposure_row
from tests.support.digests import digest, group, item
from tests.support.loopback import over_http
from tests.support.samples import START, advisory

CHARACTERS = {
    "C0": "\x1b[31m\x07\x08",
    "C1": "\x9b31m\x85\x90",
    "delete": "\x7f",
    "bidi": "\u202egpj.exe\u202c\u2066x\u2069\u200e\u200f\u061c",
    "separators": "\u2028\u2029",
    "invisible": "\u2060\u2063\ufeff",
    "tags": "\U000e0041\U000e007f",
    "others": "\u180e\ufff9\ufffb\U0001d173\U000e0080",
}
RAW = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e00ff]"
)

each = pytest.mark.parametrize("text", [f"a{c}b" for c in CHARACTERS.values()], ids=CHARACTERS)


def found(text: str, status: Status = Status.AFFECTED) -> Finding:
    about = advisory(1, text, title=text, summary=text, severity=Severity.HIGH, aliases=(text,))
    component = Component("engine", "25.0.5", f"docker-ce {text}", text)
    return Finding(1, Match(component, about, Verdict(status, text, None, ("25.0.6",), "25.0.6")), 1)


@each
@pytest.mark.parametrize("form", FORMATS)
def test_a_format_for_other_tools_escapes_them(form: str, text: str) -> None:
    made = document((found(text),), lambda _: (text,), START, author=text, namespace="https://security.example.org")
    written = FORMATS[form].write(made)
    assert "a" in written
    assert not RAW.search(written)
    json.loads(written)


@each
def test_csv_has_a_blank_for_them_and_a_line_for_a_row(text: str) -> None:
    row = exposure_row(found(f"{text}\r\n\ttwo").match, text)
    written = "".join(csv_rows.write([row], Exposure))
    assert not RAW.search(written.replace("\r\n", ""))
    assert len(written.splitlines()) == 2


@each
def test_channels_escape_them(text: str, tmp_path: Path) -> None:
    about = item(advisory(1, text, title=text), group(text, text, package=text, reason=text))
    message = render(digest(about, subscription=text))
    with MessageSender() as courier, over_http() as receiver:
        for one in (message, shortened(message)):
            courier.deliver(Target(f"atom://{tmp_path}/feed.xml"), one)
            courier.deliver(Target(f"file://{tmp_path}/out"), one)
            courier.deliver(Target(receiver.url.replace("http://", "json://")), one)
    written = [p.read_text(encoding="utf-8") for p in tmp_path.rglob("*") if p.is_file()] + receiver.bodies
    assert len(written) >= 4
    assert not [w for w in written if RAW.search(w)]
    assert not RAW.search(message.data + shortened(message).data)
