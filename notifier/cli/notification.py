"""`navtex notification`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.core.times import stamp
from notifier.cli.app import clean, format_option, now, opened, say, settings, table, write_json
from notifier.cli.notification_explain import explain

if TYPE_CHECKING:
    from notifier.domain.deliveries import DeliveryRecord

_STATES = click.Choice(["pending", "sending", "sent", "failed"])


@click.group("notification")
def command() -> None:
    """List what was sent to whom, and retry deliveries."""


command.add_command(explain)


@command.command("list")
@click.option("--state", type=_STATES, help="Only deliveries in this state.")
@click.option(
    "--subscription",
    metavar="NAME",
    help='Only deliveries of this subscription; "" means notices to the operator.',
)
@click.option("--advisory", metavar="ID", help="Only digests that reported this advisory: who was told, and when.")
@format_option
def list_(state: str | None, subscription: str | None, advisory: str | None, form: str) -> None:
    """List deliveries and attempts, newest first.

    Deliveries of a removed subscription are listed under the name that it had.
    """
    from feeds import storage
    from notifier.domain.retry import DeliveryState
    from notifier.storage import delivery_log

    with opened(settings()) as database, database.connect() as connection:
        about = storage.catalogue(connection).find(advisory) if advisory else None
        found = delivery_log.entries(
            connection,
            state=DeliveryState(state) if state else None,
            subscription=subscription,
            advisories=(about.id, *about.doubles) if about else (),
        )
        if subscription and not found:
            delivery_log.known(connection, subscription)
    if form == "json":
        write_json({"notifications": [_values(e) for e in found]})
        return
    table(
        [
            ("Id", {"justify": "right"}),
            ("For", {"max_width": 16}),
            ("To", {"ratio": 1}),
            "State",
            ("Tries", {"justify": "right"}),
            ("When", {"no_wrap": True}),
            ("Said", {"ratio": 2}),
        ],
        [
            [
                str(e.id),
                e.subscription or "(operator)",
                _to(e),
                e.state.value,
                str(len(_tries(e))),
                _when(e),
                clean(e.answer)[:200],
            ]
            for e in found
        ],
        empty="There are no notifications.",
    )


def _to(entry: DeliveryRecord) -> str:
    from notifier.channels import shown

    return entry.target.recipient or shown(entry.target.address)


def _when(entry: DeliveryRecord) -> str:
    """When it was sent, was given up, or is tried next."""
    last = entry.log[-1].at if entry.log else entry.created_at
    at = {"sent": entry.sent_at, "failed": last}.get(entry.state.value) or entry.due_at
    return f"{at:%Y-%m-%d %H:%M}"


def _tries(entry: DeliveryRecord) -> list[Any]:
    return [a for a in entry.log if a.outcome.value != "asked for"]


def _values(entry: DeliveryRecord) -> dict[str, Any]:
    from notifier.channels import shown

    return {
        "id": entry.id,
        "subscription": entry.subscription or None,
        "digest": entry.key,
        "subject": entry.subject,
        "to": shown(entry.target.address),
        "recipient": entry.target.recipient or None,
        "state": entry.state.value,
        "created_at": stamp(entry.created_at),
        "due_at": stamp(entry.due_at) if entry.state.value in ("pending", "sending") else None,
        "sent_at": stamp(entry.sent_at),
        "answer": entry.answer,
        "attempts": [{"at": stamp(a.at), "outcome": a.outcome.value, "answer": a.answer} for a in entry.log],
    }


@command.command("retry")
@click.argument("number", metavar="ID", type=int)
def retry(number: int) -> None:
    """Send a failed or waiting notification again with the next run; its attempts are counted from zero."""
    from notifier.storage import outbox

    with opened(settings()) as database, database.begin() as connection:
        outbox.retry(connection, number, now())
    say(f"Notification {number} is sent by the next `navtex run` or `navtex notify`")
