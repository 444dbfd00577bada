from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feeds.advisories.records import Severity
from feeds.core.errors import ConfigError
from notifier.alerts import sample
from notifier.alerts.digest import Digest
from notifier.channels import slack
from notifier.domain.hosts import Hosts
from notifier.domain.messages import Message
from notifier.rendering.messages import host_names, message, render
from notifier.services.sending import operator_alerts
from tests.support.digests import EMPTY, NEWS, WELCOME, digest, group, item
from tests.support.samples import advisory

GOLDEN = Path(__file__).parent / "golden"
# `NAVTEX_UPDATE_GOLDEN=1 pytest`, with this file, writes them anew; check with git what changed
UPDATE = bool(os.environ.get("NAVTEX_UPDATE_GOLDEN"))
REMINDER = replace(sample.DIGEST, items=(), actions=(), fixed=(), undecided=(), overdue=())
DIGESTS = {
    "welcome": WELCOME,
    "news": NEWS,
    "empty-welcome": EMPTY,
    "sample": sample.DIGEST,
    "reminder": REMINDER,
}


def parts(message: Message) -> dict[str, str]:
    return {
        "subject.txt": f"{message.subject}\n",
        "body.txt": message.text,
        "body.html": message.html,
        "slack.json": json.dumps(json.loads(message.slack), indent=1, ensure_ascii=False) + "\n",
    }


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "slack.json"])
def test_a_digest_is_rendered_as_it_was_approved(name: str, part: str) -> None:
    assert_approved(f"{name}.{part}", parts(render(DIGESTS[name]))[part])


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "slack.json"])
def test_what_operators_hear_of_sources_is_rendered_as_it_was_approved(part: str) -> None:
    assert_approved(f"operator.{part}", parts(operator_alerts.render(sample.CHANGES, sample.AT))[part])


def assert_approved(name: str, rendered: str) -> None:
    path = GOLDEN / name
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text(encoding="utf-8")


def long_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if len(line) > 72 and not re.match(r"\s*https?://\S+$", line)]


def wordy(*, welcome: bool) -> Digest:
    """A digest whose every text is long."""
    words = "a flaw of some length " * 40
    names = ("build-machine-of-the-first-team-1", "build-machine-of-the-first-team-2", "build-machine-of-the-team-3")
    groups = [group(f"20.10.{n}", *names, more=1234, upgrade_to="29.5.1", reason=words) for n in range(30)]
    flaws = [
        item(
            advisory(n, severity=Severity.CRITICAL, cvss=9.9, title=words),
            *groups,
            change="update",
            changes=("newly affected hosts", words),
            see_also=((words, ""), (words, f"https://example.org/{'x' * 80}")),
        )
        for n in range(3)
    ]
    return digest(
        *flaws,
        welcome=welcome,
        subscription="everything that the team of the north runs, " * 4,
        unaffected_hosts=Hosts(40, names),
        undecided=(
            group("20.10.24+dfsg1", *names, more=5, package="docker.io 20.10.24+dfsg1-1+deb12u1", reason=words),
        ),
    )


ALL = [WELCOME, NEWS, EMPTY, wordy(welcome=True), wordy(welcome=False)]
ALL_NAMES = ["welcome", "news", "empty", "wordy welcome", "wordy news"]


@pytest.mark.parametrize("shown", ALL, ids=ALL_NAMES)
def test_plain_text_fits_72_columns_but_for_addresses(shown: Digest) -> None:
    assert long_lines(render(shown).text) == []


def texts(block: Any) -> list[tuple[str, str]]:
    """Every text object in a block: its type and its text."""
    if isinstance(block, list):
        return [t for b in block for t in texts(b)]
    if not isinstance(block, dict):
        return []
    own = [(block["type"], block["text"])] if isinstance(block.get("text"), str) else []
    return own + [t for value in block.values() for t in texts(value)]


@pytest.mark.parametrize("shown", ALL, ids=ALL_NAMES)
def test_slacks_blocks_keep_slacks_limits(shown: Digest) -> None:
    blocks = [block for part in slack.parts(render(shown)) for block in part]
    assert blocks[0]["type"] == "header"
    assert all(text for _, text in texts(blocks))
    assert max(len(text) for _, text in texts(blocks)) <= 3000
    assert len(blocks[0]["text"]["text"]) <= 150


@pytest.mark.parametrize("length", range(100, 140))
def test_a_slack_header_has_at_most_150_characters_whatever_the_subscription_is_called(length: int) -> None:
    blocks = json.loads(render(digest(welcome=True, subscription="n" * length)).slack)
    assert len(blocks[0]["text"]["text"]) <= 150


def test_a_digest_names_each_item_its_hosts_the_fix_and_the_link_in_every_form() -> None:
    message = render(NEWS)
    for form in (message.text, message.html, message.slack):
        for said in ("CVE-2026-41567", "lab-1", "29.5.0", "29.5.1", "https://example.org/CVE-2026-41567"):
            assert said in form
        assert "moby-advisories" in form
        assert "CIS Docker Benchmark v1.8.0" in form
        assert message.key in form


def test_hosts_are_grouped_by_version_with_a_few_names_and_a_count() -> None:
    assert "20.10.27 on build-1, build-2, build-3, build-4, build-5 and 12 more" in " ".join(
        render(WELCOME).text.split()
    )


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (Hosts(1, ("a",)), "a"),
        (Hosts(2, ("a", "b")), "a, b"),
        (Hosts(14, ("a", "b")), "a, b and 12 more"),
        (Hosts(3, ()), "3 hosts"),
    ],
)
def test_host_names_are_named_and_the_rest_counted(hosts: Hosts, said: str) -> None:
    assert host_names(hosts) == said


def test_hosts_that_nothing_affects_and_builds_that_cannot_be_decided_are_named() -> None:
    for form in (render(WELCOME).text, render(WELCOME).html):
        assert "No matching vulnerabilities" in form
        assert "a-1, a-2, a-3, a-4, a-5 and 2 more" in form
        assert "Could not be assessed" in form


def test_sources_that_are_not_well_are_named_at_the_foot() -> None:
    message = render(WELCOME)
    assert "1 of 3 sources healthy" in " ".join(message.text.split())
    for form in (message.text, message.html):
        assert "failing: cis-benchmark" in form
        assert "HTTP 403" in " ".join(form.split())


def test_conflicting_evidence_is_said() -> None:
    message = render(WELCOME)
    assert "sources disagree" in message.text
    assert "sources disagree" in message.html


def test_an_overview_names_what_the_hosts_run_and_the_worst_of_each() -> None:
    text = render(WELCOME).text
    assert re.search(r"^engine +25\.0\.5 +2 open +worst: critical", text, re.MULTILINE)
    assert re.search(r"^engine +20\.10\.27 +1 open +worst: critical", text, re.MULTILINE)


def test_an_overview_ranks_unscored_between_high_and_medium() -> None:
    rated = (Severity.LOW, Severity.MEDIUM, None, Severity.HIGH)
    items = [item(advisory(n, severity=s), group(f"2{n}.0.0", "a")) for n, s in enumerate(rated, 1)]
    text = render(digest(*items, welcome=True)).text
    assert re.findall(r"1 open +worst: (\w+)", text) == ["high", "unscored", "medium", "low"]
    both = [item(advisory(n, severity=s), group("25.0.5", "a")) for n, s in enumerate((Severity.MEDIUM, None), 1)]
    text = render(digest(*both, items[0], welcome=True)).text
    assert re.findall(r"open +worst: (\w+)", text) == ["unscored", "low"]


@pytest.mark.parametrize(
    ("shown", "subject"),
    [
        (WELCOME, "[Navtex] Welcome: 2 open vulnerabilities for ops"),
        (EMPTY, "[Navtex] Welcome: nothing open for ops"),
        (NEWS, "[Navtex] CVE-2026-41567 (high) and 4 more"),
        (digest(NEWS.items[3]), "[Navtex] CIS Docker Benchmark v1.8.0"),
    ],
)
def test_a_subject_says_what_it_is_about(shown: Digest, subject: str) -> None:
    assert render(shown).subject == subject


def test_a_message_keeps_the_digests_key_and_moment() -> None:
    message = render(NEWS)
    assert (message.key, message.created_at) == (NEWS.key, NEWS.created_at)


def test_a_message_names_the_digest_that_told_of_its_first_item_first() -> None:
    assert render(sample.DIGEST).thread == "fedcba9876543210"
    assert render(NEWS).thread == ""
    assert render(EMPTY).thread == ""


def test_a_message_that_has_no_templates_is_an_error_that_names_the_file() -> None:
    with pytest.raises(ConfigError, match=r"templates/nothing/"):
        message("nothing", NEWS.key, NEWS.created_at, {})
