"""`navtex exposure`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from feeds.evidence import Status
from notifier.cli.app import (
    LEVELS,
    format_option,
    known_hosts,
    nobody,
    now,
    opened,
    say,
    scope,
    scope_options,
    settings,
    severity,
    stamp,
    table,
    write_json,
)

if TYPE_CHECKING:
    from feeds.database import Connection
    from notifier.filters import Scope
    from notifier.matching import Match

VERDICTS = click.Choice([s.value for s in Status] + ["all"])


def verdict(match: Match) -> str:
    """A verdict as it stands in a table: "not affected"."""
    return match.verdict.status.value.replace("_", " ")


def wanted_verdicts(names: tuple[str, ...]) -> frozenset[Status]:
    """The verdicts to list: affected and conflicting, unless others are named."""
    if "all" in names:
        return frozenset(Status)
    return frozenset(Status(n) for n in names) or frozenset({Status.AFFECTED, Status.CONFLICTING})


@click.command("exposure")
@scope_options
@click.option(
    "--advisory",
    "advisories",
    multiple=True,
    metavar="ID",
    help="Only this advisory, by any of its names (repeatable).",
)
@click.option("--severity", "least", type=LEVELS, help="This severity or worse, and unscored ones.")
@click.option("--kev", is_flag=True, help="Only what is known to be exploited (CISA's list).")
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=VERDICTS,
    help="List these verdicts (repeatable). Otherwise affected and conflicting.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS.choices, "any"]),
    help="Exit with 3 when something this severe affects a host.",
)
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    advisories: tuple[str, ...],
    least: str | None,
    kev: bool,
    verdicts: tuple[str, ...],
    fail_on: str | None,
    form: str,
) -> None:
    """What the hosts are exposed to, worst first, from what is known and what the inventory holds now."""
    from feeds import store
    from feeds.advisory import Severity
    from feeds.catalogue import at_least
    from notifier.exposure import meets, row, worst_first
    from notifier.matching import Matcher
    from notifier.store import inventory

    chosen = scope(hosts, tags, products)
    shown = wanted_verdicts(verdicts)
    with opened(settings()) as database, database.connect() as connection:
        catalogue = store.catalogue(connection)
        only = {catalogue.find(name).id for name in advisories}
        known_hosts(connection, chosen)
        matcher = Matcher(catalogue, now().date())
        found: dict[int, list[Match]] = {}
        for number, component in inventory.components(connection).items():
            found[number] = [
                m
                for m in matcher.vulnerabilities(component)
                if m.verdict.status in shown
                and (not only or m.advisory.id in only)
                and (least is None or at_least(m.advisory.severity, Severity(least)))
                and (m.advisory.exploited is not None or not kev)
            ]
        rows = list(_rows(connection, chosen, found))
        nothing = nobody(connection, chosen) or "Nothing of this is known to affect any of these hosts."
    rows.sort(key=lambda r: (worst_first(r[0]), r[1]))
    if form == "json":
        write_json({"generated_at": stamp(now()), "exposures": [row(m, host, had) for m, host, had in rows]})
    else:
        table(
            [
                ("Host", {"min_width": 6}),
                ("Runs", {"min_width": 10}),
                ("Advisory", {"no_wrap": True}),
                "Severity",
                *(["Verdict", ("Why", {"ratio": 1})] if verdicts else ["Upgrade to"]),
            ],
            [
                [
                    host,
                    f"{m.component.product} {m.component.version}",
                    m.advisory.name,
                    severity(m.advisory.severity, m.advisory.cvss),
                    *([verdict(m), m.verdict.reason] if verdicts else [m.verdict.upgrade_to or "-"]),
                ]
                for m, host, _ in rows
            ],
            empty=nothing,
        )
        if not catalogue.advisories:
            say("Nothing is known yet, so this says nothing. Run `navtex poll` first.")
    if fail_on and meets((m for m, _, _ in rows), None if fail_on == "any" else Severity(fail_on)):
        ctx.exit(3)


def _rows(
    connection: Connection, chosen: Scope, found: dict[int, list[Match]]
) -> Iterator[tuple[Match, str, dict[str, str]]]:
    from notifier.store import inventory

    for host, tags, number in inventory.installed(connection, chosen):
        for match in found[number]:
            yield match, host, tags
