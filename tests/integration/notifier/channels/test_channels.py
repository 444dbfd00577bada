from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from feeds.core.errors import ChannelError
from notifier.channels import MessageSender, expand, shown
from notifier.domain.messages import Message, Target
from notifier.rendering.messages import render
from tests.support.digests import NEWS
from tests.support.loopback import Answer, over_http

MESSAGE = render(NEWS)
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def of_blocks(count: int) -> Message:
    """A message of so many Slack blocks."""
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": str(n)}} for n in range(count)]
    return Message("key", "subject", "text", "<p>html</p>", json.dumps(blocks), MESSAGE.created_at)


def post(message: Message, *answers: Answer) -> tuple[list[Any], list[str]]:
    """Deliver to Slack's webhook; what it was sent, and to which paths."""
    with over_http(*answers) as slack, MessageSender(slack=slack.url) as courier:
        courier.deliver(Target(SLACK), message)
    return [json.loads(body) for body in slack.bodies], slack.paths


def test_a_chat_is_one_target() -> None:
    assert expand(SLACK) == (Target(SLACK),)


def test_slacks_webhook_gets_the_blocks_and_the_subject_as_their_summary() -> None:
    (sent,), paths = post(MESSAGE)
    assert paths == ["/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    assert sent["blocks"] == json.loads(MESSAGE.slack)
    assert sent["text"] == MESSAGE.subject


@pytest.mark.parametrize(("count", "sizes"), [(50, [50]), (51, [50, 3]), (120, [50, 50, 23])])
def test_more_blocks_than_slack_takes_go_in_several_messages(count: int, sizes: list[int]) -> None:
    sent, _ = post(of_blocks(count))
    assert [len(s["blocks"]) for s in sent] == sizes
    texts = [b["text"]["text"] for s in sent for b in s["blocks"] if b["type"] == "section"]
    assert texts == [str(n) for n in range(count)]


def test_slack_says_when_to_try_again() -> None:
    before = datetime.now(UTC)
    with pytest.raises(ChannelError, match="429") as error:
        post(MESSAGE, Answer(429, "rate_limited", {"Retry-After": "90"}))
    assert error.value.retry_at is not None
    assert timedelta(seconds=90) <= error.value.retry_at - before < timedelta(seconds=120)
    assert not error.value.permanent


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (403, True), (404, True), (410, True), (408, False), (500, False), (503, False)],
)
def test_what_slack_refuses_for_good_is_permanent_and_its_troubles_are_not(status: int, permanent: bool) -> None:
    with pytest.raises(ChannelError, match=f"{status} invalid_blocks") as error:
        post(MESSAGE, Answer(status, "invalid_blocks"))
    assert error.value.permanent is permanent
    assert error.value.retry_at is None


def test_slack_that_is_gone_is_a_temporary_error() -> None:
    with over_http() as gone:
        pass
    with (
        MessageSender(slack=gone.url) as courier,
        pytest.raises(ChannelError, match="Slack cannot be reached") as error,
    ):
        courier.deliver(Target(SLACK), MESSAGE)
    assert not error.value.permanent


def test_other_services_get_title_and_text_with_ids_hosts_fixes_and_the_key() -> None:
    with over_http() as service, MessageSender() as courier:
        (target,) = expand(service.url.replace("http://", "json://") + "/hook")
        courier.deliver(target, MESSAGE)
    (body,) = service.bodies
    sent = json.loads(body)
    assert service.paths == ["/hook"]
    assert sent["title"] == MESSAGE.subject
    for said in ("CVE-2026-41567", "lab-1", "29.5.1", "CIS Docker Benchmark v1.8.0", MESSAGE.key):
        assert said in sent["message"]
    assert "<p" not in sent["message"]


def test_a_service_that_fails_is_a_temporary_error_with_its_reason_and_no_password() -> None:
    with over_http(Answer(500, "no")) as service, MessageSender() as courier:
        (target,) = expand(service.url.replace("http://", "json://me:hunter2@"))
        with pytest.raises(ChannelError, match="500") as error:
            courier.deliver(target, MESSAGE)
    assert not error.value.permanent
    assert "hunter2" not in str(error.value)
    assert len(service.bodies) == 1


def test_a_service_is_asked_anew_for_each_message() -> None:
    with over_http(Answer(500), Answer(200), Answer(200)) as service, MessageSender() as courier:
        (target,) = expand(service.url.replace("http://", "json://"))
        with pytest.raises(ChannelError):
            courier.deliver(target, MESSAGE)
        courier.deliver(target, MESSAGE)
        courier.deliver(target, MESSAGE)
    assert len(service.bodies) == 3


def test_a_folder_gets_text_and_html_under_the_day_and_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "not there" / "yet"
    with MessageSender() as courier:
        (target,) = expand(f"file://{tmp_path}/not%20there/yet")
        answer = courier.deliver(target, MESSAGE)
        courier.deliver(target, MESSAGE)
    stem = f"navtex-2026-04-15-{MESSAGE.key}"
    assert sorted(p.name for p in folder.iterdir()) == [f"{stem}.html", f"{stem}.json", f"{stem}.txt"]
    assert answer == str(folder / f"{stem}.html")
    assert (folder / f"{stem}.txt").read_text(encoding="utf-8") == f"{MESSAGE.subject}\n\n{MESSAGE.text}"
    html = (folder / f"{stem}.html").read_text(encoding="utf-8")
    assert html == MESSAGE.html
    assert lxml.html.document_fromstring(html).findtext(".//h1") == "News for “ops”"


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it_and_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with MessageSender() as courier, pytest.raises(ChannelError, match=r"file/mails: cannot be written"):
        courier.deliver(Target(f"file://{tmp_path}/file/mails"), MESSAGE)
    blocked = tmp_path / "mails" / f"navtex-2026-04-15-{MESSAGE.key}.txt"
    blocked.mkdir(parents=True)
    with MessageSender() as courier, pytest.raises(ChannelError, match="cannot be written"):
        courier.deliver(Target(f"file://{tmp_path}/mails"), MESSAGE)
    assert [p.name for p in blocked.parent.iterdir()] == [blocked.name]


@pytest.mark.parametrize(
    "address",
    [
        "nonsense://me:hunter2@host",
        "mailto://me:hunter2@",
        "mailto://",
        "json://",
        "slack://hunter2",
        "file://relative/hunter",
        "hunter2",
        "",
        "://me:hunter2@host",
        "me:hunter2@host",
    ],
)
def test_an_address_that_is_none_is_an_error_that_shows_no_password(address: str) -> None:
    with pytest.raises(ChannelError) as error:
        expand(address)
    assert "hunter2@" not in str(error.value)
    assert ":hunter2" not in str(error.value)
    assert ":hunter2" not in shown(address)


def test_an_address_that_is_none_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ChannelError, match="navtex help channels"):
        expand("nonsense://host")
    with pytest.raises(ChannelError, match="from=ADDRESS"):
        expand("mailto://10.0.0.1")
    with pytest.raises(ChannelError, match=r"file:///var/lib/navtex/digests"):
        expand("file://digests")


@pytest.mark.parametrize(
    ("address", "secrets", "kept"),
    [
        ("mailto://me:hunter2@mail.example.org?from=a@example.org&to=b@example.org", ["hunter2"], "mail.example.org"),
        (
            "mailto://mail.example.org?user=me&pass=hunter2&from=a@example.org&to=b@example.org",
            ["hunter2"],
            "b@example.org",
        ),
        (SLACK, ["1JJ3T3L", "1BRTD4J", "IiajkdnlazkcOXrIdevi7F"], "hooks.slack.com"),
        ("slack://xoxb-1234-1234-abc124/#general", ["1234-abc"], "general"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", ["417421629", "HMHI8qBe7bk2ZwO5U711o3dV"], "discord://"),
        ("json://me:hunter2@host.example.org/path?+X-Token=hunter3", ["hunter2", "hunter3"], "host.example.org"),
        ("file:///var/lib/navtex", [], "file:///var/lib/navtex"),
    ],
)
def test_an_address_is_shown_without_passwords_and_tokens(address: str, secrets: list[str], kept: str) -> None:
    assert kept in shown(address)
    assert not [s for s in secrets if s in shown(address)]
