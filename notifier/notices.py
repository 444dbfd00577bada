"""Messages that are no digest: a test of a channel, and what an operator must hear."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notifier.render import Message, line, mrkdwn
from notifier.store.outbox_log import Entry


def written(key: str, subject: str, paragraphs: Sequence[str], now: datetime) -> Message:
    """A message of a few paragraphs, for every kind of channel. Each may have several lines."""
    clean = ["\n".join(line(part) for part in p.splitlines()) for p in paragraphs]
    text = "\n\n".join([*clean, f"-- \n{key}"]) + "\n"
    page = "".join(f"<p>{html.escape(p).replace(chr(10), '<br>')}</p>" for p in [*clean, key])
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(mrkdwn(part) for part in p.splitlines())}}
        for p in clean
    ]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": key}]})
    return Message(
        key=key,
        subject=line(subject),
        text=text,
        html=f"<!doctype html><meta charset=utf-8><title>{html.escape(line(subject))}</title>{page}\n",
        slack=json.dumps(blocks),
        created_at=now,
    )


def key_of(*values: object) -> str:
    """A key of 16 characters that names a message: the same values have the same key."""
    return hashlib.sha256("\x1f".join(map(str, values)).encode()).hexdigest()[:16]


def given_up(entries: Sequence[Entry], shown: Sequence[str], now: datetime) -> Message:
    """What the operator hears of deliveries that were given up; `shown` names their targets."""
    count = len(entries)
    what = f"{count} notification{'s were' if count > 1 else ' was'} not delivered"
    rows = [
        f"{e.id}: {e.subject}\nto {to} ({e.subscription})\n{e.answer}"
        for e, to in list(zip(entries, shown, strict=True))[:20]
    ]
    more = [f"and {count - 20} more: navtex notification list --state failed"] if count > 20 else []
    remedy = "Mend what is wrong, and send one again with: navtex notification retry NUMBER"
    numbers = (f"{e.id} {e.attempts}" for e in entries)
    return written(
        key_of("given up", now, *numbers), f"[Navtex] {what}", [f"Navtex gave up: {what}.", *rows, *more, remedy], now
    )
