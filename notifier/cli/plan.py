"""`navtex plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from notifier.cli.app import (
    NOTHING_KNOWN,
    format_option,
    known_hosts,
    nobody,
    now,
    opened,
    say,
    scope,
    scope_options,
    settings,
    stamp,
    wrapped,
    write_json,
)
from notifier.cli.app import line as one_line

if TYPE_CHECKING:
    from feeds.advisories.records import Advisory
    from notifier.assessment.upgrades import Option, Plan
    from notifier.domain.hosts import Population


@click.command("plan")
@scope_options
@format_option
def command(hosts: tuple[str, ...], tags: dict[str, str], products: tuple[str, ...], form: str) -> None:
    """List the upgrades that close what is open, for each version in use, worst first."""
    from feeds import storage
    from notifier.assessment.findings import worst_rank
    from notifier.assessment.matcher import Matcher
    from notifier.assessment.upgrades import Waiting, plan
    from notifier.services.annotations import Remarks
    from notifier.storage import inventory, verdicts

    with opened(settings()) as database, database.connect() as connection:
        catalogue = storage.catalogue(connection)
        matcher = Matcher(catalogue, now().date(), known=verdicts.load(connection))
        held = inventory.components(connection)
        chosen = scope(hosts, tags, products)
        known_hosts(connection, chosen)
        people = inventory.populations(connection, chosen)
        waiting: dict[int, list[Waiting]] = {}
        for runs, installed, count, names in inventory.restarts(connection, chosen):
            waiting.setdefault(runs, []).append(Waiting(held[installed], count, names))
        nothing = nobody(connection, chosen)
        remarks = Remarks.read(connection, now())
    today = now().date()
    plans = [
        (plan(matcher, held[number], today, waiting.get(number, ())), population)
        for number, population in people.items()
    ]
    plans.sort(key=lambda p: (-worst_rank(p[0].open), -len(p[0].open), p[0].component.product, p[0].component.version))
    if form == "json":
        write_json({"generated_at": stamp(now()), "plans": [_row(p, who) for p, who in plans]})
        return
    if not plans:
        say(nothing)
    for one, who in plans:
        _show(one, who)
    open_ = {m.advisory.id: m.advisory.name for one, _ in plans for m in one.open}
    if said := sorted(name for number, name in open_.items() if remarks.words(number)):
        named = ", ".join(said)
        say(f"Silenced or in hand, for these hosts or others: {named}. See `navtex advisory show` for which.")
    if not catalogue.advisories:
        say(NOTHING_KNOWN)


def _row(plan: Plan, who: Population) -> dict[str, Any]:
    return {
        "product": plan.component.product,
        "version": plan.component.version,
        "package": plan.component.package or None,
        "hosts": {"count": who.hosts, "names": who.names},
        "line": plan.line.name if plan.line else None,
        "ends": plan.line.ends if plan.line else None,
        "maintained": plan.maintained,
        "open": [m.advisory.name for m in plan.open],
        "undecided": [m.advisory.name for m in plan.undecided],
        "options": [
            {
                "way": o.way,
                "to": o.to,
                "minimum": o.minimum or None,
                "package": o.package or None,
                "source_only": o.source_only,
                "line": o.line.name if o.line else None,
                "ends": o.line.ends if o.line else None,
                "closes": [a.name for a in o.closes],
                "leaves": [a.name for a in o.leaves],
                "regressions": [{"repaired_in": r.repaired_in, "words": r.words, "url": r.url} for r in o.regressions],
                "command": o.command or None,
                "waiting": {"count": o.waiting.hosts, "names": o.waiting.names} if o.waiting else None,
            }
            for o in plan.options
        ],
    }


def _show(plan: Plan, who: Population) -> None:
    package = f" ({plan.component.package})" if plan.component.package else ""
    runs = f"{plan.component.product} {plan.component.version}{package}"
    more = who.hosts - len(who.names)
    names = ", ".join(who.names) + (f" and {more} more" if more else "")
    click.echo(one_line(f"{runs} on {names}"))
    wrapped(_standing(plan), 2)
    if not plan.open and not plan.undecided:
        wrapped("No known vulnerability affects it.", 2)
    elif not plan.open:
        wrapped("No known vulnerability affects it for certain.", 2)
    elif not plan.options:
        wrapped(f"Open: {_names([m.advisory for m in plan.open])}. No release is known that closes any of it.", 2)
    for option in plan.options:
        maintained = option.maintained is not False
        _option(option, len(plan.open), maintained=maintained)
    if plan.undecided:
        wrapped(f"Could not be assessed: {_names([m.advisory for m in plan.undecided])}.", 2)
    click.echo("")


def _standing(plan: Plan) -> str:
    line = plan.line
    if line is None:
        return (
            "Its line gets no more security fixes." if plan.maintained is False else "No end of life is known for it."
        )
    if not plan.maintained:
        return f"Line {line.name} gets no more security fixes" + (f" since {line.ends}." if line.ends else ".")
    return f"Line {line.name} is maintained" + (f" until {line.ends}." if line.ends else "; no end is announced.")


def _option(option: Option, total: int, *, maintained: bool) -> None:
    from notifier.assessment.upgrades import Way

    if option.waiting:
        _restart(option, total)
        return
    words = {Way.OWN_LINE: "", Way.LATER_RELEASE: " of line {}"}.get(option.way, " {}")
    line = words.format(option.line.name) if option.line else ""
    ends = f", which {'ends' if maintained else 'ended'} {option.line.ends}" if option.line and option.line.ends else ""
    click.echo("\n" + one_line(f"  -> {option.to}  ({option.way}{line}{ends})"))
    wrapped(f"closes {len(option.closes)} of {total}: {_names(option.closes)}", 5)
    if option.leaves:
        wrapped(f"leaves open: {_names(option.leaves)}", 5)
    if option.minimum not in ("", option.to):
        wrapped(f"the lowest release of the line that closes as much is {option.minimum}", 5)
    if option.source_only:
        wrapped(f"fixed in {', '.join(option.source_only)} (source only: no package for this distribution)", 5)
    if not option.package and option.way is not Way.DISTRIBUTION:
        wrapped("package not verified", 5)
    for regression in option.regressions:
        wrapped(str(regression), 5)
    if option.command:
        click.echo(one_line(f"     $ {option.command}"))


def _restart(option: Option, total: int) -> None:
    waiting = option.waiting
    assert waiting is not None
    names = ", ".join(waiting.names) + (f" and {more} more" if (more := waiting.hosts - len(waiting.names)) else "")
    click.echo("\n" + one_line(f"  -> restart: {option.to} is installed and does not run yet"))
    wrapped(f"on {names}", 5)
    if total:
        wrapped(f"closes {len(option.closes)} of {total}: {_names(option.closes) or 'none'}", 5)
    if option.leaves:
        wrapped(f"leaves open: {_names(option.leaves)}", 5)
    if option.command:
        click.echo(one_line(f"     $ {option.command}"))


def _names(advisories: tuple[Advisory, ...] | list[Advisory]) -> str:
    shown = [f"{a.name} ({a.severity})" if a.severity else a.name for a in advisories[:8]]
    return ", ".join(shown) + (f" and {len(advisories) - 8} more" if len(advisories) > 8 else "")
