"""`navtex subscription`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.advisory import Kind, Severity
from feeds.errors import ChannelError, UsageProblem
from notifier.cli.app import (
    LEVELS,
    format_option,
    now,
    opened,
    say,
    scope,
    scope_options,
    settings,
    stamp,
    table,
    write_json,
)

if TYPE_CHECKING:
    from notifier.filters import Filters


@click.group("subscription")
def command() -> None:
    """Who is told of what, and where."""


@command.command("add")
@click.argument("name")
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="URL",
    help="A channel, as an Apprise address (repeatable).",
)
@scope_options
@click.option("--severity", "least", type=LEVELS, help="This severity or worse, and unscored ones.")
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
    help="Only news with this word in it (repeatable: any of them).",
)
@click.option("--kev", is_flag=True, help="Only vulnerabilities known to be exploited (CISA's list).")
@click.option(
    "--everything", is_flag=True, help="Also what affects none of the hosts: publications, releases, and all the rest."
)
@click.option("--silent-start", is_flag=True, help="Send no welcome digest: begin with what is new from now on.")
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
    everything: bool,
    silent_start: bool,
) -> None:
    """Subscribe a channel to the news that concern your hosts.

    \b
    navtex subscription add ops --to 'mailto://mail.example.org?from=navtex@example.org&to=ops@example.org'
    navtex subscription add web --to slack://A/B/C --tag team=web --severity high
    """
    from notifier.channels import expand, shown
    from notifier.filters import Filters
    from notifier.store import subscriptions

    for target in targets:
        try:
            expand(target)
        except ChannelError as error:
            raise UsageProblem(error.what, remedy=error.remedy) from error
    filters = Filters(
        scope=scope(hosts, tags, products),
        severity=Severity(least) if least else None,
        kinds=tuple(Kind(k) for k in kinds),
        keywords=keywords,
        kev=kev,
        everything=everything,
    )
    with opened(settings()) as database, database.begin() as connection:
        subscriptions.add(
            connection,
            subscriptions.Subscription(
                name=name, targets=targets, filters=filters, created_at=now(), silent_start=silent_start
            ),
        )
    first = "starts in silence" if silent_start else "gets its welcome digest"
    say(f"{name} is subscribed to {', '.join(shown(t) for t in targets)}; the next `navtex run` {first}")


@command.command("list")
@format_option
def list_(form: str) -> None:
    """Every subscription, where it goes and what it wants."""
    from notifier.channels import shown
    from notifier.store import subscriptions

    with opened(settings()) as database, database.connect() as connection:
        found = subscriptions.every(connection)
    rows: list[dict[str, Any]] = [
        {
            "name": s.name,
            "to": [shown(t) for t in s.targets],
            "filters": _filters(s.filters),
            "state": "paused" if s.paused else "active" if s.started_at else "new",
            "created_at": stamp(s.created_at),
            "started_at": stamp(s.started_at),
        }
        for s in found
    ]
    if form == "json":
        write_json({"subscriptions": rows})
        return
    table(
        ["Name", ("To", {"ratio": 1}), "Wants", "State"],
        [
            [
                r["name"],
                "\n".join(r["to"]),
                ", ".join(f"{k}: {v}" for k, v in r["filters"].items()) or "what affects its hosts",
                r["state"],
            ]
            for r in rows
        ],
        empty="There are no subscriptions. See `navtex subscription add --help`.",
    )


def _filters(filters: Filters) -> dict[str, str]:
    return {
        name: value
        for name, value in (
            ("severity", filters.severity.value if filters.severity else ""),
            ("kind", ", ".join(filters.kinds)),
            ("product", ", ".join(filters.scope.products)),
            ("tag", ", ".join(f"{k}={v}" for k, v in filters.scope.tags.items())),
            ("host", ", ".join(filters.scope.hosts)),
            ("keyword", ", ".join(filters.keywords)),
            ("kev", "yes" if filters.kev else ""),
            ("everything", "yes" if filters.everything else ""),
        )
        if value
    }


@command.command("test")
@click.argument("name")
def test(name: str) -> None:
    """Send a message that is clearly marked as a test to every channel of a subscription."""
    from notifier.channels import shown
    from notifier.cli.notify import courier
    from notifier.notify import sample
    from notifier.store import subscriptions

    config = settings()
    with opened(config) as database, database.connect() as connection:
        subscription = subscriptions.named(connection, name)
    with courier(config) as sender:
        for target, answer in sample(sender, subscription, now()):
            say(f"{target.recipient or shown(target.address)}: {answer}")


@command.command("preview")
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html"]),
    default="text",
    show_default=True,
    help="Which part of the message to write.",
)
def preview(name: str, form: str) -> None:
    """What would go out now. Nothing is sent or kept."""
    from notifier.notify import Settings
    from notifier.notify import preview as compose
    from notifier.render import render
    from notifier.store import subscriptions

    chosen = Settings.of(settings())
    with opened(settings()) as database, database.connect() as connection:
        found = compose(connection, subscriptions.named(connection, name), now(), chosen)
    if found.digest is None:
        say(f"Nothing is new for {name}.")
        return
    if not found.time.now:
        say(f"It goes out at {found.time.at:%Y-%m-%d %H:%M} UTC: {found.time.reason}.")
    message = render(found.digest, chosen.templates)
    click.echo(message.html if form == "html" else f"Subject: {message.subject}\n\n{message.text}", nl=False)


@command.command("pause")
@click.argument("name")
@click.option("--resume", is_flag=True, help="Go on. What happened meanwhile is told then.")
def pause(name: str, resume: bool) -> None:
    """Send a subscription nothing until it is resumed."""
    from notifier.store import subscriptions

    with opened(settings()) as database, database.begin() as connection:
        subscriptions.pause(connection, name, paused=not resume)
    say(f"{name} is {'active' if resume else 'paused'}")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget a subscription, and what is still to be delivered to it."""
    from notifier.store import subscriptions

    with opened(settings()) as database, database.begin() as connection:
        subscriptions.remove(connection, name)
    say(f"{name} is removed")
