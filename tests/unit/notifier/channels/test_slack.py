"""Slack's limits, as slack_sdk has them, over digests of any size; a bot's messages; and that nothing calls anybody."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from feeds.advisories.records import Severity
from feeds.core.errors import ChannelError
from notifier.alerts.digest import Digest
from notifier.channels import MessageSender, expand
from notifier.channels.slack import MESSAGE, cut, parts
from notifier.domain.messages import Message, Target
from notifier.rendering.messages import render
from tests.support.digests import digest, group, item
from tests.support.loopback import Answer, over_http
from tests.support.samples import START, advisory

HOOK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
BOT = "slack://xoxb-1234-1234-abc124/#one/#two"


def large(count: int, words: int = 12, groups: int = 1) -> Digest:
    """A digest of so many items, with titles of so many words, each on so many versions."""
    return digest(
        *(
            item(
                advisory(n, f"CVE-2026-{10000 + n}", severity=Severity.HIGH, cvss=8.8, title="word " * words + str(n)),
                *(
                    group(f"29.{g}.{n}", f"host-{n}-{g}", upgrade_to="29.9.9", reason=f"below 29.9.9 {g}")
                    for g in range(groups)
                ),
            )
            for n in range(1, count + 1)
        ),
        welcome=True,
    )


def blocks_of(*texts: str, kind: str = "mrkdwn") -> Message:
    blocks = [{"type": "section", "text": {"type": kind, "text": t}} for t in texts]
    return Message("key", "subject", "text", "<p>html</p>", json.dumps(blocks), START)


def texts(block: dict[str, Any]) -> list[str]:
    found = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    return [t["text"] for t in found if t]


def assert_within_limits(message: Message) -> list[list[dict[str, Any]]]:
    """Slack's published limits, and the one on all the text of a message."""
    found = parts(message)
    for blocks in found:
        assert 1 <= len(blocks) <= 50
        assert sum(len(t) for b in blocks for t in texts(b)) <= MESSAGE
        for block in blocks:
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()
            assert all(1 <= len(t) <= 3000 for t in texts(block))
            if block["type"] == "header":
                assert len(block["text"]["text"]) <= 150
    return list(found)


@pytest.mark.parametrize(
    ("count", "words", "groups"), [(1, 12, 1), (47, 3, 1), (200, 12, 1), (200, 50, 4), (3, 12, 200)]
)
def test_a_digest_of_any_size_keeps_slacks_limits_and_tells_everything_once(
    count: int, words: int, groups: int
) -> None:
    found = assert_within_limits(render(large(count, words, groups)))
    said = "\n".join(t for blocks in found for b in blocks for t in texts(b))
    assert [said.count(f"|CVE-2026-{10000 + n}>") for n in range(1, count + 1)] == [1] * count
    assert [len(re.findall(rf"host-{count}-{g}\b", said)) for g in range(groups)] == [1] * groups


def test_each_of_several_messages_says_which_it_is_and_none_ends_with_a_heading() -> None:
    found = parts(render(large(200)))
    assert len(found) > 4
    for number, blocks in enumerate(found, 1):
        assert texts(blocks[-1]) == [f"digest 0123456789abcdef · message {number} of {len(found)}"]
        assert blocks[-2]["type"] not in ("divider", "header")
        assert "*Vulnerabilities*" not in texts(blocks[-2])


def test_a_message_that_fits_is_left_as_it_is() -> None:
    message = render(large(2))
    assert list(parts(message)) == [json.loads(message.slack)]


def test_long_text_is_split_between_lines_and_nothing_is_lost() -> None:
    lines = [f"• line {n} " + "x" * 90 for n in range(100)]
    found = assert_within_limits(blocks_of("\n".join(lines)))
    pieces = [t for blocks in found for b in blocks if b["type"] == "section" for t in texts(b)]
    assert "\n".join(pieces).split("\n") == lines


def test_a_long_header_is_shortened() -> None:
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 200}}]
    (found,) = assert_within_limits(msgspec.structs.replace(blocks_of(), slack=json.dumps(blocks)))
    assert found[0]["text"]["text"] == "x" * 149 + "…"


def test_fields_and_context_are_split_by_their_own_limits() -> None:
    many = [{"type": "mrkdwn", "text": f"{n} " + "x" * 2500} for n in range(25)]
    blocks = [{"type": "section", "fields": many[:12]}, {"type": "context", "elements": many}]
    found = assert_within_limits(msgspec.structs.replace(blocks_of(), slack=json.dumps(blocks)))
    assert sum(t.count("x") for blocks in found for b in blocks for t in texts(b)) == 37 * 2500


@given(
    st.lists(st.sampled_from(["word", "<https://x.example/|CVE>", "&amp;", "&lt;", "\n", " ", "x" * 40]), max_size=60)
)
def test_a_cut_goes_through_no_link_and_no_escaped_sign(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = cut(text, 50)
    assert all(len(f) <= 50 for f in found)
    assert "".join("".join(found).split()) == "".join(text.split())
    for piece in found:
        assert piece.count("<") == piece.count(">")
        assert piece.count("&") == piece.count(";")


@pytest.mark.parametrize("call", ["<!channel>", "<!here|here>", "<!subteam^S1>", "<@U123>", "<#C123|general>"])
def test_nothing_calls_anybody(call: str) -> None:
    message = msgspec.structs.replace(blocks_of(f"{call} hello"), subject=f"{call} @channel")
    with over_http() as slack, MessageSender(slack=slack.url) as courier:
        courier.deliver(Target(HOOK), message)
    sent = json.loads(slack.bodies[0])
    assert call not in slack.bodies[0]
    assert sent["blocks"][0]["text"]["text"] == f"{call} hello".replace("<", "&lt;", 1)
    assert sent["text"].startswith("&lt;")


def test_a_hostile_title_calls_nobody_and_is_shown_as_it_is() -> None:
    hostile = "<!channel> & <https://evil.example|click> *bold*"
    message = render(digest(item(advisory(1, title=hostile), group("25.0.5", "web-1"))))
    said = "".join(t for b in parts(message)[0] for t in texts(b))
    assert "<!channel>" not in said
    assert "<https://evil.example" not in said
    assert "&lt;!channel&gt; &amp;" in said


def test_a_bot_tells_each_channel_as_a_target_of_its_own() -> None:
    assert expand(BOT) == (Target(BOT, "#one"), Target(BOT, "#two"))
    taken = Answer(200, '{"ok": true}')
    with over_http(taken) as slack, MessageSender(slack_api=slack.url) as courier:
        for target in expand(BOT):
            courier.deliver(target, blocks_of("hello"))
    sent = [json.loads(b) for b in slack.bodies]
    assert slack.paths == ["/chat.postMessage"] * 2
    assert [s["channel"] for s in sent] == ["#one", "#two"]
    assert {h["authorization"] for h in slack.headers} == {"Bearer xoxb-1234-1234-abc124"}
    assert not any(s["unfurl_links"] or s["unfurl_media"] for s in sent)


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (Answer(200, '{"ok": false, "error": "channel_not_found"}'), True),
        (Answer(200, '{"ok": false, "error": "invalid_auth"}'), True),
        (Answer(200, '{"ok": false, "error": "internal_error"}'), False),
        (Answer(200, "<html>a portal</html>"), False),
        (Answer(200, "[]"), False),
        (Answer(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "30"}), False),
    ],
)
def test_what_slacks_api_refuses_for_good_is_permanent_and_its_troubles_are_not(
    answer: Answer, permanent: bool
) -> None:
    with (
        over_http(answer) as slack,
        MessageSender(slack_api=slack.url) as courier,
        pytest.raises(ChannelError) as error,
    ):
        courier.deliver(expand(BOT)[0], blocks_of("hello"))
    assert error.value.permanent is permanent
    assert (error.value.retry_at is not None) is (answer.status == 429)
    assert "xoxb" not in str(error.value)


def test_after_a_failure_it_goes_on_with_the_part_that_was_not_taken_and_the_same_words() -> None:
    message = render(large(200))
    count = len(parts(message))
    arrived: list[int] = []
    answers = [Answer(), Answer(), Answer(429, "slow", {"Retry-After": "600"}), Answer()]
    with over_http(*answers) as slack, MessageSender(slack=slack.url) as courier:
        with pytest.raises(ChannelError):
            courier.deliver(Target(HOOK), message, arrived=arrived.append)
        assert arrived == [1, 2]
        courier.deliver(Target(HOOK), message, done=2, arrived=arrived.append)
    assert len(slack.bodies) == count + 1
    assert slack.bodies[2] == slack.bodies[3]
    assert len(set(slack.bodies)) == count
    assert arrived == list(range(1, count))


def test_a_short_pause_between_two_parts_is_kept_and_the_message_is_finished() -> None:
    message = render(large(200))
    pauses: list[float] = []
    answers = [Answer(), Answer(429, "slow", {"Retry-After": "20"}), Answer()]
    with over_http(*answers) as slack, MessageSender(slack=slack.url, pause=pauses.append) as courier:
        courier.deliver(Target(HOOK), message)
    assert len(set(slack.bodies)) == len(parts(message)) == len(slack.bodies) - 1
    assert [round(p) for p in pauses] == [20]
