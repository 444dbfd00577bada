"""Slack: a digest's blocks through a webhook or a bot's token, within Slack's limits.

The limits are those of docs.slack.dev ("Blocks", "Text object"), and one that is only known from
refusals: the text of all blocks of a message together (msg_blocks_too_long, from about 11,000
characters on). A digest over them goes out in several messages, split between blocks and lines.

Messages are posted here and not by slack_sdk, whose clients follow redirects with the token, read
answers without an end, and open a connection for each message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from feeds.core.errors import ChannelError
from notifier.channels.http import HttpAnswer, HttpClient, refused
from notifier.channels.slack_address import SlackAddress, SlackWay
from notifier.domain.messages import Message, Target
from notifier.domain.text import mrkdwn

BLOCKS = 50
TEXT = 3000
HEADER = 150
FIELDS, FIELD = 10, 2000
ELEMENTS = 10
MESSAGE = 10_000

_API = "https://slack.com/api"
_HEADERS = {"Content-Type": "application/json; charset=utf-8"}
_GOOD = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
"""Errors of Slack's API after which the same question may be answered later."""


def parts(message: Message) -> tuple[list[dict[str, Any]], ...]:
    """The blocks of a message, in as many messages as Slack's limits need, in order."""
    blocks = [small for block in json.loads(message.slack) for small in _fitting(block)]
    found: list[list[dict[str, Any]]] = [[]]
    for block in blocks:
        # one is kept for the line that says which part it is
        if found[-1] and (len(found[-1]) >= BLOCKS - 1 or _length(found[-1]) + _length([block]) > MESSAGE):
            found.append(_ended(found[-1]))
        found[-1].append(block)
    if len(blocks) <= BLOCKS and _length(blocks) <= MESSAGE:
        return (blocks,)
    return tuple([*p, _place(message, n, len(found))] for n, p in enumerate(found, 1))


def _ended(part: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What begins the next message: a divider or a heading at the end of a message belongs to what follows it."""
    carried: list[dict[str, Any]] = []
    while len(part) > 1 and (part[-1]["type"] == "divider" or _is_heading(part[-1])):
        carried.insert(0, part.pop())
    return [b for b in carried if b["type"] != "divider"]


def _is_heading(block: dict[str, Any]) -> bool:
    return block["type"] == "header" or bool(re.fullmatch(r"\*[^*\n]+\*", block.get("text", {}).get("text", "")))


def _place(message: Message, number: int, of: int) -> dict[str, Any]:
    text = f"digest {mrkdwn(message.key)} · message {number} of {of}"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _length(blocks: list[dict[str, Any]]) -> int:
    return sum(len(t["text"]) for block in blocks for t in _texts(block))


def _texts(block: dict[str, Any]) -> list[dict[str, Any]]:
    found = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    return [t for t in found if isinstance(t, dict) and isinstance(t.get("text"), str)]


def _fitting(block: dict[str, Any]) -> list[dict[str, Any]]:
    """A block as blocks within the limits, with mentions taken out."""
    for text in _texts(block):
        if text.get("type") == "mrkdwn":
            text["text"] = _harmless(text["text"])
    if block["type"] == "header":
        text = block["text"]["text"]
        short = text if len(text) <= HEADER else text[: HEADER - 1] + "…"
        return [{**block, "text": {**block["text"], "text": short}}]
    if block["type"] == "context":
        elements = [{**e, "text": p} for e in block["elements"] for p in cut(e.get("text", ""), TEXT)]
        return [{**block, "elements": some} for some in _packed(elements, ELEMENTS)]
    if block["type"] != "section":
        return [block]
    found = []
    if "text" in block:
        pieces = cut(block["text"]["text"], TEXT)
        # an accessory stands beside the first piece
        rest = {k: v for k, v in block.items() if k not in ("fields", "text")}
        found = [{**rest, "text": {**block["text"], "text": p}} for p in pieces[:1]]
        found += [{"type": "section", "text": {**block["text"], "text": p}} for p in pieces[1:]]
    fields = [{**f, "text": p} for f in block.get("fields", ()) for p in cut(f["text"], FIELD)]
    return found + [{"type": "section", "fields": some} for some in _packed(fields, FIELDS)]


def _packed(texts: list[dict[str, Any]], most: int) -> list[list[dict[str, Any]]]:
    """Texts in groups of at most so many, and of no more characters than a few together may have."""
    groups: list[list[dict[str, Any]]] = []
    for text in texts:
        if not groups or len(groups[-1]) >= most or sum(len(t["text"]) for t in (*groups[-1], text)) > MESSAGE // 2:
            groups.append([])
        groups[-1].append(text)
    return groups


def _harmless(text: str) -> str:
    """Text that calls nobody: `<!channel>`, `<@U1>` and `<#C1>` are shown as they are written."""
    return re.sub(r"<(?=[!@#])", "&lt;", text)


def cut(text: str, most: int) -> list[str]:
    """A text in pieces of at most so many characters, cut between lines, words, or at last characters.

    A link and an escaped sign stay whole.

    >>> cut("one two <https://x|y z>", 16)
    ['one two', '<https://x|y z>']
    """
    pieces = []
    while len(text) > most:
        at = max(text.rfind("\n", 0, most + 1), 0) or _space(text, most) or _whole(text, most)
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip("\n" if text[at] == "\n" else " ")
    return [p for p in (*pieces, text) if p.strip()]


def _space(text: str, most: int) -> int:
    """The last blank up to there that is in no link; 0 where there is none."""
    outside = re.sub(r"<[^<>]*>", lambda m: "x" * len(m[0]), text[: most * 2])
    return max(outside.rfind(" ", 0, most + 1), 0)


def _whole(text: str, most: int) -> int:
    """Where to cut a word: before a link or an escaped sign that would be cut in two."""
    for whole in re.finditer(r"<[^<>]*>|&\w+;", text[: most * 2]):
        if whole.start() < most < whole.end():
            return whole.start() or most
    return most


class SlackHosts(NamedTuple):
    """Addresses that take the place of those of Slack's webhooks and Web API, where they are set."""

    hooks: str = ""
    api: str = ""


def ways(
    poster: HttpClient, address: SlackAddress, target: Target, message: Message, hosts: SlackHosts
) -> list[Callable[[], str]]:
    """How to send a message, one call for each part."""
    if address.way is SlackWay.WORKFLOW:
        return [partial(_post, poster, address, _webhook(address, hosts.hooks), _flat(message))]
    found = parts(message)
    bodies = [_body(message, blocks, n, len(found)) for n, blocks in enumerate(found, 1)]
    if address.way is SlackWay.WEBHOOK:
        return [partial(_post, poster, address, _webhook(address, hosts.hooks), body) for body in bodies]
    channels = [target.recipient] if target.recipient else list(address.channels)
    url = f"{hosts.api.rstrip('/') or _API}/chat.postMessage"
    return [partial(_by_bot, poster, address, url, channels, body) for body in bodies]


def _webhook(address: SlackAddress, hooks: str) -> str:
    host = f"https://hooks.slack{'-gov' if address.government else ''}.com"
    return f"{hooks.rstrip('/') or host}/{address.path}"


def _body(message: Message, blocks: list[dict[str, Any]], number: int, of: int) -> dict[str, Any]:
    title = mrkdwn(message.subject)[:TEXT] + (f" ({number} of {of})" if of > 1 else "")
    return {"text": title, "blocks": blocks}


def _flat(message: Message) -> dict[str, Any]:
    """What a workflow takes: texts by the names of its variables, and no blocks."""
    text = message.text if len(message.text) <= MESSAGE else f"{message.text[:MESSAGE].rpartition(chr(10))[0]}\n[cut]"
    return {"title": message.subject, "text": text, "key": message.key}


def _post(poster: HttpClient, address: SlackAddress, url: str, body: dict[str, Any]) -> str:
    poster.post(url, json.dumps(body).encode(), _HEADERS, verify=address.verify_certificate, who="Slack")
    return "accepted by Slack"


def _by_bot(poster: HttpClient, address: SlackAddress, url: str, channels: list[str], body: dict[str, Any]) -> str:
    headers = {**_HEADERS, "Authorization": f"Bearer {address.token}"}
    for channel in channels:
        sent = json.dumps({**body, "channel": channel, "unfurl_links": False, "unfurl_media": False}).encode()
        _check(poster.post(url, sent, headers, verify=address.verify_certificate, who="Slack"))
    return "accepted by Slack"


def _check(answer: HttpAnswer) -> None:
    """ChannelError where Slack's API answers 200 and means no."""
    try:
        said = json.loads(answer.body)
        error = "" if said["ok"] else str(said.get("error", "no"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ChannelError("Slack's answer is not from its API") from None
    if error:
        later = error in _GOOD
        raise refused("Slack", HttpAnswer(503 if later else 400, error.encode(), answer.headers))
