"""`navtex notification explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.core.times import stamp
from notifier.cli.app import count_of, format_option, now, opened, settings, wrapped, write_json

if TYPE_CHECKING:
    from notifier.services.explanations import Explanation


@click.command("explain")
@click.argument("name")
@click.argument("advisory")
@format_option
def explain(name: str, advisory: str, form: str) -> None:
    """Explain why a subscription was or was not told about an advisory, and what was sent.

    \b
    navtex notification explain ops CVE-2024-41110
    """
    from notifier.services.assessment import Assessment
    from notifier.services.explanations import explain as look
    from notifier.storage import subscriptions

    config = settings()
    with opened(config) as database, database.connect() as connection:
        subscription = subscriptions.named(connection, name)
        assessment = Assessment.load(connection, now(), stale_days=config.digest.stale_days, disabled=config.disabled)
        found = look(connection, assessment, subscription, assessment.find(advisory))
    if form == "json":
        write_json(_plain(found))
        return
    _write(found)


def _plain(found: Explanation) -> dict[str, Any]:
    from notifier.channels import shown

    return {
        "subscription": found.subscription,
        "advisory": found.advisory,
        "answer": found.answer,
        "points": [{"about": p.about, "effect": p.effect, "words": p.words} for p in found.points],
        "tellings": [
            {
                "digest": t.key,
                "at": stamp(t.at),
                "change": t.change,
                "words": t.words,
                "deliveries": [
                    {
                        "to": d.recipient or shown(d.target),
                        "state": d.state,
                        "attempts": d.attempts,
                        "due_at": stamp(d.due_at),
                        "sent_at": stamp(d.sent_at),
                        "answer": d.answer,
                    }
                    for d in t.tries
                ],
            }
            for t in found.tellings
        ],
    }


def _write(found: Explanation) -> None:
    from notifier.channels import shown

    wrapped(f"{found.answer}.", 0)
    click.echo()
    marks = {"for": "+", "against": "-", "note": " "}
    for point in found.points:
        wrapped(f"{marks[point.effect]} {point.about}: {point.words}", 0, hang=4)
    for telling in found.tellings:
        click.echo()
        what = f"{telling.at:%Y-%m-%d %H:%M} UTC, digest {telling.key}: {telling.change}"
        wrapped(f"{what}{f' ({telling.words})' if telling.words else ''}", 0, hang=4)
        for one in telling.tries:
            when = f" on {one.sent_at:%Y-%m-%d %H:%M} UTC" if one.sent_at else ""
            due = f"; next try {one.due_at:%Y-%m-%d %H:%M} UTC" if one.state == "pending" else ""
            said = f" ({one.answer})" if one.answer else ""
            who = one.recipient or shown(one.target)
            wrapped(f"{who}: {one.state}{when} after {count_of(one.attempts, 'try', 'tries')}{due}{said}", 4, hang=4)
