"""Messages that are no news: a sample that tries a channel, and what an operator must hear."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from notifier.alerts import sample
from notifier.domain.deliveries import DeliveryRecord
from notifier.domain.messages import Message
from notifier.domain.text import line, mrkdwn, wrapped
from notifier.rendering.messages import render

_ANYWHERE = ' style="margin:0 0 10px;overflow-wrap:anywhere"'
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
@media (prefers-color-scheme: dark) {{
  .page {{ background: #16191d !important; color: #e6e9ec !important; }}
  .quiet {{ color: #a8b1ba !important; }}
}}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f2f4f6">
<div class="page" style="background:#f2f4f6;color:#1c2126;padding:20px 12px;font-family:-apple-system,'Segoe UI',\
Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.45">
<div style="max-width:640px;margin:0 auto">
{shown}
<p class="quiet" style="color:#57606a;font-size:12px;margin:20px 0 0">Message {key}</p>
</div>
</div>
</body>
</html>
"""
_MARK = (
    '<div style="background:#9a5b00;color:#ffffff;padding:10px 12px;text-align:center;font-weight:600;'
    "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px\">{said}</div>"
)


def written(key: str, subject: str, paragraphs: Sequence[str], now: datetime) -> Message:
    """A message of a few paragraphs, for every kind of channel. Each may have several lines."""
    clean = ["\n".join(line(part) for part in p.splitlines()) for p in paragraphs]
    filled = ("\n".join(wrapped(part) for part in p.splitlines()) for p in clean)
    text = "\n\n".join([*filled, f"-- \n{key}"]) + "\n"
    shown = "".join(f"<p{_ANYWHERE}>{html.escape(p).replace(chr(10), '<br>')}</p>" for p in clean)
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(mrkdwn(part) for part in p.splitlines())}}
        for p in clean
    ]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": key}]})
    return Message(
        key=key,
        subject=line(subject),
        text=text,
        html=_PAGE.format(title=html.escape(line(subject)), shown=shown, key=html.escape(key)),
        slack=json.dumps(blocks),
        created_at=now,
    )


def specimen(subscription: str, now: datetime, templates: Path | None = None) -> Message:
    """A digest of made-up news, as a subscription's would look, that says in every form of it that it is a test.

    It has no `data`: no program takes it for news. ConfigError where a template is wrong.
    """
    key = key_of("test", subscription, now)
    made = render(sample.digest(now, subscription, key), templates)
    said = f"This is a test of the Navtex subscription “{line(subscription)}”. All that follows is made up."
    mark = _MARK.format(said=html.escape(said))
    # templates may be the user's own, so the mark stands before what they give
    body = re.search(r"<body\b[^>]*>", made.html)
    at = body.end() if body else 0
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{mrkdwn(said)}*"}}
    return msgspec.structs.replace(
        made,
        subject=f"[Navtex] Test of {line(subscription)}",
        text=f"{wrapped(said)}\n\n{made.text}",
        html=f"{made.html[:at]}\n{mark}{made.html[at:]}",
        slack=json.dumps([block, *json.loads(made.slack)], ensure_ascii=False),
        thread="",
        data="",
    )


def key_of(*values: object) -> str:
    """A key of 16 characters that names a message: the same values have the same key."""
    return hashlib.sha256("\x1f".join(map(str, values)).encode()).hexdigest()[:16]


def given_up(entries: Sequence[DeliveryRecord], shown: Sequence[str], now: datetime) -> Message:
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


def broken(problems: Sequence[tuple[str, str]], now: datetime) -> Message:
    """What the operator hears of subscriptions whose digest could not be made: each by its name, with the reason."""
    count = len(problems)
    what = f"{count} digest{'s' if count > 1 else ''} could not be made"
    rows = [f"{name}\n{why}" for name, why in problems[:20]]
    more = [f"and {count - 20} more: navtex doctor"] if count > 20 else []
    remedy = "Nothing is lost: each is made by the next run after its cause is fixed. See: navtex doctor"
    return written(
        key_of("broken", now, *problems), f"[Navtex] {what}", [f"Navtex reports: {what}.", *rows, *more, remedy], now
    )
