"""`navtex subscription add` and `edit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.advisories.records import Kind, Severity
from notifier.cli.common import now, opened, say, scope, settings
from notifier.cli.subscription_options import filter_options, schedule_options
from notifier.domain.schedule import Schedule, shown
from notifier.domain.subscription_edits import EditOption
from notifier.schemas.subscription import ALL

if TYPE_CHECKING:
    from notifier.services.subscriptions.subscriptions import SubscriptionAnswer


@click.command("add")
@click.argument("name")
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="URL",
    help="Channel to send to (repeatable); see `navtex help channels`.",
)
@filter_options
@click.option("--silent-start", is_flag=True, help="Skip the welcome digest; send only what is new from now on.")
@schedule_options(defaults=True)
def add(name: str, targets: tuple[str, ...], silent_start: bool, **given: Any) -> None:
    """Subscribe a channel to news that affects your hosts.

    \b
    navtex subscription add ops --to 'mailto://mail.example.org?from=navtex@example.org&to=ops@example.org'
    navtex subscription add web --to slack://A/B/C --tag team=web --severity high
    navtex subscription add boss --to "$MAIL" --schedule weekly --zone Europe/Berlin
    """
    from notifier.domain.filters import Filters
    from notifier.domain.subscriptions import Subscription
    from notifier.services.subscriptions.subscriptions import add_subscription

    filters = Filters(
        scope=scope(given["hosts"], given["tags"], given["products"]),
        severity=Severity(given["severity"]) if given["severity"] else None,
        kinds=tuple(map(Kind, given["kinds"])),
        **{field: given[field] for field in ("keywords", "kev", "everything", "epss")},
    )
    when = Schedule(**{field: given[field] for field in ("every", "zone", "quiet", "breaks", "remind")})
    wanted = Subscription(name, targets, filters, now(), silent_start=silent_start, schedule=when)
    with opened(settings(), create=True) as database:
        made = add_subscription(database, wanted)
    _warn(made)
    first = "sends only what is new" if silent_start else "sends the welcome digest"
    say(f"{name} is subscribed to {', '.join(made.value.to)}; the next `navtex run` {first}")
    _say_understood(made)


@click.command("edit")
@click.argument("name")
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="URL",
    help="Channel to send to, replacing all current channels (repeatable).",
)
@filter_options
@schedule_options(defaults=False)
@click.option(
    "--clear",
    multiple=True,
    metavar="OPTION",
    type=click.Choice([c.value for c in EditOption]),
    help="Reset this option to its default, for example tag or severity (repeatable).",
)
def edit(name: str, targets: tuple[str, ...], clear: tuple[str, ...], **given: Any) -> None:
    """Change the channels, filters or schedule of a subscription.

    Other options stay unchanged. The history is kept, and no new welcome digest is sent.

    \b
    navtex subscription edit ops --to 'mailto://mail.example.org?from=navtex@example.org&to=ops@example.org'
    navtex subscription edit web --severity critical --schedule daily --clear tag
    """
    from notifier.domain.subscription_edits import FIELDS, SubscriptionEdit
    from notifier.services.subscriptions.subscriptions import edit_subscription

    values = {option: value for option, field in FIELDS.items() if (value := given[field]) not in (None, False, (), {})}
    if EditOption.SEVERITY in values:
        values[EditOption.SEVERITY] = Severity(values[EditOption.SEVERITY])
    if EditOption.KIND in values:
        values[EditOption.KIND] = tuple(map(Kind, values[EditOption.KIND]))
    change = SubscriptionEdit(targets, tuple(values.items()), frozenset(map(EditOption, clear)))
    with opened(settings()) as database:
        made = edit_subscription(database, name, change, now())
    _warn(made)
    when = made.value.schedule
    say(f"{name} was changed")
    say(f"  to:    {', '.join(made.value.to)}")
    say(f"  wants: {str(made.value.filters) or ALL}")
    hours = f", quiet {when.quiet}" if when.quiet else ""
    say(f"  when:  {when.every} ({when.zone}){hours}; at once: {when.break_schedule}")
    _say_understood(made)


def _warn(made: SubscriptionAnswer) -> None:
    for warning in made.warnings:
        say(warning)


def _say_understood(made: SubscriptionAnswer) -> None:
    for words in made.understood:
        say(f"  {words}")
    if made.welcome and not made.welcome.now:
        until = shown(made.schedule, made.welcome.at)
        say(f"The welcome digest is sent after quiet hours, which end at {until}, unless --break-schedule applies")
