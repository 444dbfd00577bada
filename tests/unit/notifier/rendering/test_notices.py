from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from notifier.alerts.digest import Digest
from notifier.alerts.sample import AT, digest
from notifier.channels import slack
from notifier.domain.deliveries import DeliveryRecord
from notifier.domain.messages import Target
from notifier.domain.retry import DeliveryState
from notifier.rendering.messages import render
from notifier.rendering.notices import given_up, specimen, with_link, written

SAID = "This is a test of the Navtex subscription “ops”. The news below is made up."


def shown(digest: Digest, templates: Path | None = None) -> str:
    return render(digest, templates).text


def test_a_test_is_a_whole_digest_that_says_in_every_form_that_it_is_one() -> None:
    made = specimen("ops", AT)
    assert made.subject == "[Navtex] Test of ops"
    assert " ".join(made.text.split()).startswith(SAID)
    assert made.text.endswith(shown(digest(AT, "ops", made.key)))
    assert re.search(rf"<body[^>]*>\s*<div[^>]*>{SAID}</div>\s*<div class=\"page\"", made.html)
    assert json.loads(made.slack)[0]["text"]["text"] == f"*{SAID}*"
    assert "Still open" in made.html


def test_no_program_takes_a_test_for_news_and_no_thread_gets_it() -> None:
    made = specimen("ops", AT)
    assert (made.data, made.thread) == ("", "")


def test_a_test_is_marked_whatever_ones_own_templates_give(tmp_path: Path) -> None:
    (tmp_path / "digest").mkdir()
    (tmp_path / "digest" / "body.html").write_text("<p>own</p>")
    (tmp_path / "digest" / "body.txt").write_text("own")
    made = specimen("<b>ops</b>", AT, tmp_path)
    assert made.html.endswith("<p>own</p>")
    assert made.html.index("This is a test of the Navtex subscription “&lt;b&gt;ops") < made.html.index("own")
    assert made.text.endswith("\n\nown\n")
    assert made.text.startswith("This is a test")


def test_a_test_keeps_slacks_limits() -> None:
    for part in slack.parts(specimen("n" * 200, AT)):
        assert len(part) <= slack.BLOCKS


@pytest.mark.parametrize("answer", ["says 500 " + "and more " * 40, "x" * 200])
def test_a_notices_text_fits_72_columns_but_for_what_has_no_blank(answer: str) -> None:
    entry = DeliveryRecord(
        id=7,
        subscription="ops",
        key="k",
        subject="[Navtex] " + "many words " * 20,
        target=Target("json://example.org", ""),
        state=DeliveryState.FAILED,
        attempts=13,
        created_at=AT,
        due_at=AT,
        sent_at=None,
        answer=answer,
        log=(),
    )
    made = given_up([entry], ["example.org"], AT)
    assert [line for line in made.text.splitlines() if len(line) > 72 and " " in line] == []
    assert "navtex notification retry ID" in " ".join(made.text.split())


def test_a_notice_is_a_page_for_light_and_dark_that_escapes_what_it_is_told() -> None:
    made = written("key", "a <subject>", ["first\nsecond", "<script>x</script>"], AT)
    assert "first<br>second" in made.html
    assert "<script>" not in made.html
    assert "<title>a &lt;subject&gt;</title>" in made.html
    assert "prefers-color-scheme: dark" in made.html


LINKED = {
    "to": "a@example.org",
    "owner": "Ann",
    "wants": "all",
    "when": "daily",
    "until": AT,
    "web": "https://n.example.org",
}


def html(name: str, templates: Path) -> str:
    return with_link(name, "seed", {**LINKED, "subscription": "ops"}, AT, templates).html


def put(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_the_template_of_one_mail_is_replaced_and_no_other_is(tmp_path: Path) -> None:
    ours = {name: html(name, tmp_path / "none") for name in ("confirm", "undo")}
    put(tmp_path / "confirm" / "body.html", "<p>{{ to }}: {{ link }}</p>")
    assert html("confirm", tmp_path).startswith("<p>a@example.org: ")
    assert html("undo", tmp_path) == ours["undo"]


def test_a_template_of_ones_own_may_fill_the_frame(tmp_path: Path) -> None:
    own = (
        '{% extends "shared/mail.html" %}{% block title %}Mine{% endblock %}{% block content %}{{ link }}{% endblock %}'
    )
    put(tmp_path / "confirm" / "body.html", own)
    made = html("confirm", tmp_path)
    assert "<title>Mine</title>" in made
    assert "prefers-color-scheme: dark" in made
    assert "Somebody asked" not in made


def test_a_frame_of_ones_own_is_that_of_every_mail(tmp_path: Path) -> None:
    put(tmp_path / "shared" / "mail.html", "<main>{% block content %}{% endblock %}</main>")
    for made in (html("confirm", tmp_path), html("undo", tmp_path), render(digest(AT, "ops", "key"), tmp_path).html):
        assert made.startswith("<main>")
        assert made.endswith("</main>")
        assert len(made) > 500
