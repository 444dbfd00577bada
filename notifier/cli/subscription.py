"""`navtex subscription`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.advisories.records import Kind, Severity
from notifier.cli.app import (
    LEVELS,
    count_of,
    format_option,
    nobody_yet,
    now,
    opened,
    say,
    scope,
    scope_options,
    settings,
    table,
    write_json,
)
from notifier.cli.subscription_show import row_of, show, shown_address
from notifier.cli.subscription_sync import check_address, sync
from notifier.domain.schedule import BREAKS, IMMEDIATE, REMINDERS, Schedule, checked, shown

if TYPE_CHECKING:
    from notifier.domain.subscriptions import Subscription
    from notifier.services.digests import Composed


@click.group("subscription")
def command() -> None:
    """Manage subscriptions to digests."""


command.add_command(show)
command.add_command(sync)


@command.command("add")
@click.argument("name")
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="URL",
    help="Channel to send to (repeatable); see `navtex help channels`.",
)
@scope_options
@click.option("--severity", "least", type=LEVELS, help="This severity or worse, and unscored.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([k.value for k in Kind]),
    help="Only this kind of news (repeatable).",
)
@click.option(
    "--keyword",
    "keywords",
    multiple=True,
    metavar="WORD",
    help="Only news containing this word (repeatable; any may match).",
)
@click.option("--kev", is_flag=True, help="Only vulnerabilities known to be exploited (CISA KEV).")
@click.option(
    "--epss", type=click.FloatRange(0, 1), metavar="MIN", help="EPSS score (0 to 1) of at least this, and unscored."
)
@click.option("--everything", is_flag=True, help="Also news that affects none of the hosts, publications and releases.")
@click.option("--silent-start", is_flag=True, help="Send no welcome digest, only what is new from now on.")
@click.option(
    "--schedule",
    "every",
    default=IMMEDIATE,
    show_default=True,
    metavar="WHEN",
    help="immediate, hourly, daily, weekly, or a cron expression.",
)
@click.option("--zone", default="UTC", show_default=True, help="Time zone of the schedule and the quiet hours.")
@click.option("--quiet", default="", metavar="FROM-TO", help="Hours in which nothing is sent, as 22:00-07:00.")
@click.option(
    "--break-schedule",
    "breaks",
    type=click.Choice(BREAKS),
    default="both",
    show_default=True,
    help="What is sent at once, whatever the schedule and hour.",
)
@click.option(
    "--remind",
    type=click.Choice(REMINDERS),
    default="monthly",
    show_default=True,
    help="How often to remind of what is still open.",
)
def add(
    name: str,
    targets: tuple[str, ...],
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    least: str | None,
    kinds: tuple[str, ...],
    keywords: tuple[str, ...],
    kev: bool,
    epss: float | None,
    everything: bool,
    silent_start: bool,
    every: str,
    zone: str,
    quiet: str,
    breaks: str,
    remind: str,
) -> None:
    """Subscribe a channel to news that affects your hosts.

    \b
    navtex subscription add ops --to 'mailto://mail.example.org?from=navtex@example.org&to=ops@example.org'
    navtex subscription add web --to slack://A/B/C --tag team=web --severity high
    navtex subscription add boss --to "$MAIL" --schedule weekly --zone Europe/Berlin
    """
    from notifier.channels import described
    from notifier.domain.filters import Filters
    from notifier.domain.subscriptions import Subscription
    from notifier.security.references import has_references
    from notifier.storage import subscriptions

    if not name.strip() or not name.isprintable():
        raise click.BadParameter(f"{name!r} cannot be a name", param_hint="NAME")
    for target in targets:
        check_address(target)
    when = checked(Schedule(every, zone, quiet, breaks, remind))
    filters = Filters(
        scope=scope(hosts, tags, products),
        severity=Severity(least) if least else None,
        kinds=tuple(Kind(k) for k in kinds),
        keywords=keywords,
        kev=kev,
        everything=everything,
        epss=epss,
    )
    with opened(settings()) as database, database.begin() as connection:
        made = Subscription(
            name=name,
            targets=targets,
            filters=filters,
            created_at=now(),
            silent_start=silent_start,
            schedule=when,
        )
        subscriptions.add(connection, made)
        nobody_yet(connection, filters.scope)
    first = "starts in silence" if silent_start else "gets its welcome digest"
    say(f"{name} is subscribed to {', '.join(shown_address(t) for t in targets)}; the next `navtex run` {first}")
    for target in targets:
        if not has_references(target) and (understood := described(target)) != shown_address(target):
            say(f"  {understood}")
    welcome = made.due(made.created_at)
    if not welcome.now:
        say(f"In quiet hours the welcome waits, now until {shown(when, welcome.at)}, unless something breaks them")


@command.command("list")
@format_option
def list_(form: str) -> None:
    """List subscriptions, their channels and filters."""
    from notifier.storage import subscriptions

    with opened(settings()) as database, database.connect() as connection:
        found = subscriptions.every(connection)
    rows: list[dict[str, Any]] = [row_of(s) for s in found]
    if form == "json":
        write_json({"subscriptions": rows})
        return
    table(
        ["Name", ("To", {"ratio": 1}), "Wants", "When", "State"],
        [
            [
                r["name"],
                "\n".join(r["to"]),
                ", ".join(f"{k}: {v}" for k, v in r["filters"].items()) or "what affects its hosts",
                r["schedule"]["every"],
                r["state"],
            ]
            for r in rows
        ],
        empty="There are no subscriptions. See `navtex subscription add --help`.",
    )


@command.command("test")
@click.argument("name")
def test(name: str) -> None:
    """Send a test digest with example news to every channel of a subscription."""
    from notifier.channels import shown
    from notifier.services.delivery import message_sender, sample
    from notifier.storage import subscriptions

    config = settings()
    with opened(config) as database, database.connect() as connection:
        subscription = subscriptions.named(connection, name)
    with message_sender(config) as sender:
        for target, answer in sample(sender, subscription, now(), config.template_folder):
            say(f"{target.recipient or shown(target.address)}: {answer}")


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
    from notifier.rendering.messages import render
    from notifier.services.notifications import Settings
    from notifier.services.notifications import preview as compose
    from notifier.storage import subscriptions

    chosen = Settings.of(settings())
    with opened(settings()) as database, database.connect() as connection:
        subscription = subscriptions.named(connection, name)
        found = compose(connection, subscription, now(), chosen)
    if subscription.paused:
        say(f"{name} is paused: nothing goes out until it is resumed. This is what would then.")
    if found.digest is None:
        say(f"Nothing is new for {name}.")
        return
    if not found.time.now:
        say(_waits(subscription, found))
    message = render(found.digest, chosen.templates)
    click.echo(message.html if form == "html" else f"Subject: {message.subject}\n\n{message.text}", nl=False)


def _waits(subscription: Subscription, found: Composed) -> str:
    """When a digest goes out for which it is not time, and what of it does not wait."""
    text = f"It goes out at {shown(subscription.schedule, found.time.at)}: {found.time.reason}."
    if not found.at_once:
        return text
    some = count_of(len(found.at_once), "item goes", "items go")
    return f"{text} Before that, {some} out with the next run, whatever the schedule and the hour."


@command.command("pause")
@click.argument("name")
@click.option("--resume", is_flag=True, help="Resume it. What happened meanwhile is sent then.")
def pause(name: str, resume: bool) -> None:
    """Pause a subscription."""
    from notifier.storage import subscriptions

    with opened(settings()) as database, database.begin() as connection:
        subscriptions.pause(connection, name, paused=not resume)
    say(f"{name} is {'active' if resume else 'paused'}")


@command.command("resume")
@click.argument("name")
def resume(name: str) -> None:
    """Resume a paused subscription. What happened meanwhile is sent then."""
    from notifier.storage import subscriptions

    with opened(settings()) as database, database.begin() as connection:
        subscriptions.pause(connection, name, paused=False)
    say(f"{name} is active")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a subscription. What was sent stays in the history."""
    from notifier.storage import subscriptions

    with opened(settings()) as database, database.begin() as connection:
        subscriptions.remove(connection, name, now())
    say(f"{name} is removed")
