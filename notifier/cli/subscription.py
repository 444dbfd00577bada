"""`navtex subscription`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.core.text import counted
from notifier.cli.common import (
    format_option,
    limit_option,
    now,
    opened,
    say,
    say_more,
    settings,
    table,
    write_json,
)
from notifier.cli.subscription_add import add, edit
from notifier.cli.subscription_show import show
from notifier.cli.subscription_sync import sync
from notifier.domain.schedule import shown
from notifier.schemas.subscription import ALL

if TYPE_CHECKING:
    from notifier.schemas.subscription import SubscriptionRow
    from notifier.services.subscriptions.previews import DigestPreview


@click.group("subscription")
def command() -> None:
    """Manage subscriptions to digests."""


for _each in (add, edit, show, sync):
    command.add_command(_each)


@command.command("list")
@limit_option
@format_option
def list_(limit: int | None, form: str) -> None:
    """List subscriptions, their channels and filters."""
    from notifier.services.subscriptions.subscriptions import list_subscriptions

    with opened(settings()) as database:
        found = list_subscriptions(database, limit)
    if form == "json":
        write_json(found.value)
        return
    table(
        ["Name", ("To", {"ratio": 1}), "Wants", "When", "State"],
        [
            [s.name, "\n".join(s.to), str(s.filters) or ALL, s.schedule.every, _state(s)]
            for s in found.value.subscriptions
        ],
        empty="No subscriptions. See `navtex subscription add --help`.",
    )
    say_more(found.more)


def _state(row: SubscriptionRow) -> str:
    """The state, and who subscribed themselves."""
    return f"{row.state}\nby {row.subscribed_by}" if row.subscribed_by else row.state.value


@command.command("test")
@click.argument("name")
@click.pass_context
def test(ctx: click.Context, name: str) -> None:
    """Send a test digest with example news to every channel of a subscription."""
    from notifier.services.sending.delivery import message_sender
    from notifier.services.subscriptions.previews import send_test

    config = settings()
    with opened(config) as database, message_sender(config) as sender:
        answers = send_test(database, sender, name, now(), config.template_folder)
    for one in answers:
        say(f"{one.to}: {one.answer}")
    ctx.exit(0 if all(one.ok for one in answers) else 1)


@command.command("preview")
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html"]),
    default="text",
    show_default=True,
    help="Part of the message to print.",
)
def preview(name: str, form: str) -> None:
    """Print the digest that would be sent now. Nothing is sent or stored."""
    from notifier.services.sending.notifications import Settings
    from notifier.services.subscriptions.previews import preview_subscription

    config = settings()
    with opened(config) as database:
        found = preview_subscription(database, name, now(), Settings.of(config))
    if found.paused:
        say(f"{name} is paused. This digest would be sent after it is resumed.")
    if found.message is None:
        say(f"Nothing new for {name}.")
        return
    if found.time and not found.time.now:
        say(_waits(found))
    message = found.message
    click.echo(message.html if form == "html" else f"Subject: {message.subject}\n\n{message.text}", nl=False)


def _waits(found: DigestPreview) -> str:
    """When a digest is sent that is not due, and what of it does not wait."""
    assert found.time is not None
    assert found.schedule is not None
    text = f"This digest is sent at {shown(found.schedule, found.time.at)}: {found.time.reason}."
    if not found.at_once:
        return text
    some = counted(found.at_once, "item is", "items are")
    return f"{text} Before that, {some} sent by the next run, ignoring the schedule and quiet hours."


@command.command("pause")
@click.argument("name")
@click.option("--resume", is_flag=True, hidden=True)
def pause(name: str, resume: bool) -> None:
    """Pause a subscription until it is resumed."""
    _pause(name, paused=not resume)


@command.command("resume")
@click.argument("name")
def resume(name: str) -> None:
    """Resume a paused subscription and send what it missed."""
    _pause(name, paused=False)


def _pause(name: str, *, paused: bool) -> None:
    from notifier.services.subscriptions.subscriptions import pause_subscription

    with opened(settings()) as database:
        pause_subscription(database, name, paused=paused)
    say(f"{name} is {'paused' if paused else 'active'}")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a subscription. Its history stays."""
    from notifier.services.subscriptions.subscriptions import remove_subscription

    with opened(settings()) as database:
        remove_subscription(database, name, now())
    say(f"{name} was removed")
