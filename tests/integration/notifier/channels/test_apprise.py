"""Services that Apprise's own plug-ins deliver to, played by local servers, and what comes of their troubles."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.core.errors import ChannelError
from notifier.channels import Limits, MessageSender, expand
from notifier.channels.apprise import markdown, paragraphs, parts
from notifier.channels.apprise_parsing import parse
from notifier.domain.messages import Message, Target
from notifier.rendering.messages import render
from tests.support import forked
from tests.support.digests import NEWS, WELCOME
from tests.support.loopback import Answer, Receiver, hanging, over_http
from tests.unit.notifier.channels.test_slack import large

MESSAGE = render(NEWS)
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544"
SAID = ("CVE-2026-41567", "lab-1", "29.5.1", MESSAGE.key)


@pytest.fixture
def internet(certificate: Path) -> Iterator[tuple[Receiver, MessageSender]]:
    """A proxy that plays Discord and Telegram, and a courier that goes through it."""
    plain = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with over_http(Answer(200, "{}"), proxy=certificate) as proxy:
        environment = {**plain, "https_proxy": proxy.url, "no_proxy": "127.0.0.1"}
        with MessageSender(environment=environment, ca_bundle=str(certificate), python=forked.python()) as courier:
            yield proxy, courier


def bodies(service: Receiver) -> list[Any]:
    return [json.loads(b) for b in service.bodies]


def test_discord_gets_title_and_text_within_its_limit(internet: tuple[Receiver, MessageSender]) -> None:
    discord, courier = internet
    courier.deliver(Target(DISCORD), MESSAGE)
    assert discord.paths[1] == "/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
    sent = bodies(discord)
    assert all(len(s["content"]) <= 2000 for s in sent)
    said = "".join(s["content"] for s in sent)
    assert MESSAGE.subject in said
    assert all(word in said for word in SAID)


def test_teams_gets_cards_within_its_limit(certificate: Path) -> None:
    with over_http(Answer(202, ""), tls=certificate) as teams, MessageSender(ca_bundle=str(certificate)) as courier:
        address = f"workflows://{teams.url.removeprefix('https://')}/643e8b3d/aSignature"
        courier.deliver(Target(address), MESSAGE)
    assert teams.paths[0].startswith("/workflows/643e8b3d/triggers/manual/paths/invoke?")
    cards = [b["attachments"][0]["content"] for b in bodies(teams)]
    assert {c["type"] for c in cards} == {"AdaptiveCard"}
    found = [{block["id"]: block["text"] for block in card["body"] if "id" in block} for card in cards]
    assert len(found) > 1
    assert [f["title"] for f in found] == [f"{MESSAGE.subject} ({n}/{len(found)})" for n in range(1, len(found) + 1)]
    assert all(len(f["body"]) <= 1000 for f in found)
    said = "\n".join(f["body"] for f in found)
    assert all(word in said for word in SAID)
    assert not any("entities" in c["msteams"] for c in cards)


def test_telegram_gets_the_text(internet: tuple[Receiver, MessageSender]) -> None:
    telegram, courier = internet
    courier.deliver(Target(TELEGRAM), MESSAGE)
    assert telegram.paths[1] == "/bot123456789:abcdefg_hijklmnop/sendMessage"
    said = "".join(b["text"] for b in bodies(telegram))
    assert all(word in said for word in SAID)


def test_ntfy_gets_the_text(internet: tuple[Receiver, MessageSender]) -> None:
    _, courier = internet
    with over_http(Answer(200, "{}")) as ntfy:
        courier.deliver(Target(f"{ntfy.url.replace('http', 'ntfy')}/alerts"), MESSAGE)
    assert all(word in "".join(ntfy.bodies) for word in SAID)


@pytest.mark.parametrize(
    "address", [DISCORD, TELEGRAM, "workflows://h/w/s", "ntfy://h/t", "gotify://h/token", "pover://user@token"]
)
@pytest.mark.parametrize("message", [MESSAGE, render(WELCOME), render(large(200))], ids=["news", "welcome", "large"])
def test_a_text_is_split_within_a_services_limit_and_nothing_of_it_is_lost(address: str, message: Message) -> None:
    parsed = parse(address)
    found = parts(parsed, message)
    room = parsed.body_maxlen
    assert all(len(text) + (len(title) if not parsed.title_maxlen else 0) <= room for title, text, _ in found)
    whole = markdown(message.text) if found[0][2] == "markdown" else message.text
    assert "".join("".join(t for _, t, _ in found).split()) == "".join(whole.split())
    titles = [title for title, _, _ in found]
    assert titles == (
        [message.subject]
        if len(found) == 1
        else [f"{message.subject} ({n}/{len(found)})" for n in range(1, len(found) + 1)]
    )


def test_an_address_that_says_how_to_shorten_is_obeyed() -> None:
    assert len(parts(parse(f"{DISCORD}?overflow=truncate"), render(large(50)))) == 1


@given(st.text(alphabet="ab \n", max_size=400), st.integers(min_value=8, max_value=60))
def test_paragraphs_keep_every_word_in_its_order(text: str, most: int) -> None:
    found = paragraphs(text, most)
    assert all(len(f) <= most for f in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize("call", ["@everyone", "@here", "<@123>", "<@&1>", "<!channel>", "<at>ops</at>", "(@channel)"])
def test_nothing_calls_anybody(call: str) -> None:
    message = Message("key", f"{call} x", f"{call} is a title\n", "", "[]", MESSAGE.created_at)
    ((title, text, _),) = parts(parse(DISCORD), message)
    assert call not in title + text
    assert (title + text).replace("\u200b", "") == f"{call} x{call} is a title\n"


@pytest.mark.parametrize("kept", ["a@example.org", "engine@25.0.5", ">= 19.03.0, < 29.5.1", "https://example.org/@x"])
def test_what_calls_nobody_is_left_as_it_is(kept: str) -> None:
    message = Message("key", "x", f"{kept}\n", "", "[]", MESSAGE.created_at)
    assert parts(parse(DISCORD), message)[0][1] == f"{kept}\n"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        pytest.param(401, True, marks=pytest.mark.long),
        pytest.param(403, True, marks=pytest.mark.long),
        (404, True),
        (408, False),
        (500, False),
        pytest.param(503, False, marks=pytest.mark.long),
    ],
)
def test_a_status_says_whether_trying_again_can_help(
    internet: tuple[Receiver, MessageSender], status: int, permanent: bool
) -> None:
    discord, courier = internet
    discord.answers[:] = [Answer(status, "no")]
    with pytest.raises(ChannelError, match=f"Discord did not accept it: .*{status}") as error:
        courier.deliver(Target(DISCORD), MESSAGE)
    assert error.value.permanent is permanent
    assert "JHMHI8qBe7bk2ZwO5U711o3dV" not in str(error.value)


def test_a_service_that_hangs_is_left_after_a_while() -> None:
    with hanging(b"", b"") as port, MessageSender(limits=Limits(total=2.0), python=forked.python()) as courier:
        (target,) = expand(f"ntfy://127.0.0.1:{port}/alerts")
        with pytest.raises(ChannelError, match="took longer than 2 seconds") as error:
            courier.deliver(target, MESSAGE)
    assert error.value.unreachable


def test_a_redirect_is_not_followed(internet: tuple[Receiver, MessageSender]) -> None:
    _, courier = internet
    with (
        over_http() as elsewhere,
        over_http(Answer(302, "", {"Location": elsewhere.url})) as ntfy,
        pytest.raises(ChannelError, match="ntfy did not accept it"),
    ):
        courier.deliver(Target(f"{ntfy.url.replace('http', 'ntfy')}/alerts"), MESSAGE)
    assert elsewhere.paths == []
    assert len(ntfy.paths) == 1
