"""The short form of a message, for receivers that reject the full one as too large."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

import msgspec

from feeds.core.text import counted, json_text
from notifier.domain.messages import Message
from notifier.domain.text import line, mrkdwn

_TEXT = 2_000
"""Characters of a message that is not a digest."""
_BLOCK = 2_900
"""Characters of a block; Slack takes 3,000."""


def shortened(message: Message) -> Message:
    """The message with one line for each item: id, severity and number of hosts. No item is left out."""
    head = "The full message was too large for this channel. Its items:"
    foot = f"Full digest: navtex notification show {message.key}"
    data = json.loads(message.data) if message.data else {}
    lines = [line(_of_item(i)) for i in data.get("items", ())] + [line(t) for t in _of_images(data.get("images", {}))]
    lines += [line(_of_overdue(i)) for i in data.get("overdue", ())]
    lines = lines or message.text[:_TEXT].splitlines()
    text = "\n".join((head, "", *lines, "", foot)) + "\n"
    return msgspec.structs.replace(
        message,
        text=text,
        html=f"<!doctype html><html><body><pre>{escape(text)}</pre></body></html>",
        slack=json.dumps(_blocks((head, *lines, foot)), ensure_ascii=False),
        data=json_text(_data(message.data)) if message.data else "",
    )


def _of_item(item: dict[str, Any]) -> str:
    hosts = sum(group["hosts"]["count"] for group in item["groups"])
    change = "" if item["change"] == "new" else f", {item['change']}"
    return f"{item['advisory']}: {item['severity'] or 'unscored'}{change}, {counted(hosts, 'host')}"


def _of_overdue(item: dict[str, Any]) -> str:
    hosts = sum(group["hosts"]["count"] for group in item["groups"])
    return f"overdue: {item['advisory']}: {item['severity'] or 'unscored'}, {counted(hosts, 'host')}"


def _of_images(images: dict[str, Any]) -> Iterator[str]:
    for base in images.get("bases", ()):
        yield f"base {base['base']}: {base['event']}, {counted(base['images'], 'image')}"
    for split in images.get("splits", ()):
        yield f"{split['image']} runs as {len(split['images'])} images"


def _blocks(lines: tuple[str, ...]) -> list[dict[str, Any]]:
    texts = [""]
    for one in map(mrkdwn, lines):
        if len(texts[-1]) + len(one) > _BLOCK:
            texts.append("")
        texts[-1] += f"{one}\n"
    return [{"type": "section", "text": {"type": "mrkdwn", "text": t}} for t in texts]


def _data(data: str) -> dict[str, Any]:
    """The digest as values, its items without their groups."""
    whole: dict[str, Any] = json.loads(data)
    return whole | {"items": [item | {"groups": []} for item in whole["items"]], "undecided": []}
