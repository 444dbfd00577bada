"""Messages other than digests: the test message of a subscription, and notices to operators."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from feeds.core.errors import ConfigError
from feeds.core.text import counted
from notifier.alerts import sample
from notifier.domain.deliveries import Delivery, DeliveryRecord
from notifier.domain.messages import LINK, Message
from notifier.domain.text import line, mrkdwn, wrapped
from notifier.rendering.messages import fragment, message, render


def written(key: str, subject: str, paragraphs: Sequence[str], now: datetime) -> Message:
    """Render a notice of a few paragraphs, each of one or more lines, in every form."""
    values = {
        "key": key,
        "subject": line(subject),
        "paragraphs": [[line(part) for part in p.splitlines()] for p in paragraphs],
    }
    return message("notice", key, now, values)


def specimen(subscription: str, now: datetime, templates: Path | None = None) -> Message:
    """A digest of sample news, marked as a test in its HTML, text and Slack forms.

    It has no `data`, so that programs do not read it as news. ConfigError if a template is wrong.
    """
    key = key_of("test", subscription, now)
    made = render(sample.digest(now, subscription, key), templates)
    said = f"This is a test of the Navtex subscription “{line(subscription)}”. The news below is made up."
    banner = fragment("test/banner.html", {"text": said})
    # templates may be the user's own, so the banner is inserted into their output
    body = re.search(r"<body\b[^>]*>", made.html)
    at = body.end() if body else 0
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{mrkdwn(said)}*"}}
    return msgspec.structs.replace(
        made,
        subject=f"[Navtex] Test of {line(subscription)}",
        text=f"{wrapped(said)}\n\n{made.text}",
        html=f"{made.html[:at]}\n{banner}{made.html[at:]}",
        slack=json.dumps([block, *json.loads(made.slack)], ensure_ascii=False),
        thread="",
        data="",
    )


def with_link(name: str, seed: str, values: Mapping[str, Any], now: datetime, templates: Path | None = None) -> Message:
    """A message of the templates `name` with a link for one person, which is derived from the seed when it is sent.

    ConfigError if a template is wrong, or leaves the link out.
    """
    key = key_of(name, seed)
    made = message(name, key, now, {**values, "link": LINK, "key": key}, templates)
    for file, text in (("body.txt", made.text), ("body.html", made.html), ("slack.json", made.slack)):
        if LINK not in text:
            raise ConfigError("the template leaves out {{ link }}", where=f"templates/{name}/{file}")
    return msgspec.structs.replace(made, seed=seed)


def key_of(*values: object) -> str:
    """A key of 16 characters that names a message: the same values have the same key."""
    return hashlib.sha256("\x1f".join(map(str, values)).encode()).hexdigest()[:16]


def given_up(entries: Sequence[DeliveryRecord], shown: Sequence[str], now: datetime) -> Message:
    """The notice to operators about deliveries that were given up; `shown` names their targets."""
    count = len(entries)
    what = f"{count} notification{'s were' if count > 1 else ' was'} not delivered"
    rows = [
        f"{e.id}: {e.subject}\nto {to} ({e.subscription})\n{e.answer}"
        for e, to in list(zip(entries, shown, strict=True))[:20]
    ]
    more = [f"and {count - 20} more: navtex notification list --state failed"] if count > 20 else []
    remedy = "Fix the cause, then resend with: navtex notification retry ID"
    numbers = (f"{e.id} {e.attempts}" for e in entries)
    head = f"{what}. Navtex has stopped retrying."
    return written(key_of("given up", now, *numbers), f"[Navtex] {what}", [head, *rows, *more, remedy], now)


def unexpected(failures: Sequence[tuple[Delivery, str]], now: datetime) -> Message:
    """The notice to operators about deliveries that ended with an unexpected error: (delivery, reason) each."""
    count = len(failures)
    what = f"{counted(count, 'delivery', 'deliveries')} failed unexpectedly"
    rows = [f"{one.id}: {one.message.subject}\n({one.subscription})\n{why}" for one, why in failures[:20]]
    more = [f"and {count - 20} more: navtex notification list --state pending"] if count > 20 else []
    remedy = "Later runs retry them. If the error persists, please report it. See: navtex doctor"
    numbers = (f"{one.id} {why}" for one, why in failures)
    return written(key_of("unexpected", now, *numbers), f"[Navtex] {what}", [f"{what}.", *rows, *more, remedy], now)


def broken(problems: Sequence[tuple[str, str]], now: datetime) -> Message:
    """The notice to operators about digests that could not be made: (subscription, reason) each."""
    count = len(problems)
    what = f"{counted(count, 'digest')} could not be made"
    rows = [f"{name}\n{why}" for name, why in problems[:20]]
    more = [f"and {count - 20} more: navtex doctor"] if count > 20 else []
    remedy = "After you fix the cause, the next run sends them. Nothing is lost. See: navtex doctor"
    return written(key_of("broken", now, *problems), f"[Navtex] {what}", [f"{what}.", *rows, *more, remedy], now)
