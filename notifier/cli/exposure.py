"""`navtex exposure`."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feeds.verdicts.evidence import Status
from notifier.cli.app import (
    LEVELS,
    NOTHING_KNOWN,
    count_of,
    day,
    known_hosts,
    now,
    opened,
    say,
    scope,
    scope_options,
    settings,
)

if TYPE_CHECKING:
    from notifier.assessment.findings import Question
    from notifier.assessment.matcher import Match
    from notifier.services.exposure import Survey

VERDICTS = click.Choice([s.value for s in Status] + ["all"])
ROWS = ("table", "json", "csv")
OTHERS = ("openvex", "csaf", "sarif", "cyclonedx")
"""The formats of `notifier.exporters`, which is not imported for `--help`; a test compares."""


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
@click.option("--group-by", "group", type=click.Choice(["advisory", "host", "version"]), help="One row for each.")
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS.choices, "any"]),
    help="Exit with 3 when something this severe affects a host.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*ROWS, *OTHERS, "html"]),
    default="table",
    show_default=True,
    help="How to write the answer.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the answer into this file, whole or not at all.",
)
@click.option("--author", metavar="NAME", help="Who states what a VEX document says; otherwise Navtex.")
@click.option("--namespace", metavar="URL", help="Where the author of a CSAF document is to be found.")
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
    group: str | None,
    fail_on: str | None,
    form: str,
    output: Path | None,
    author: str | None,
    namespace: str | None,
) -> None:
    """List the vulnerabilities affecting your hosts, worst first."""
    from feeds import storage
    from feeds.advisories.records import Severity
    from notifier.assessment.findings import Question, meets
    from notifier.cli.exposure_forms import OutputOptions, answer
    from notifier.cli.gate import judged
    from notifier.services.exposure import survey
    from notifier.storage import inventory

    _check(group, form, output, author, namespace)
    chosen = scope(hosts, tags, products)
    config = settings()
    with opened(config) as database, database.connect() as connection:
        catalogue = storage.catalogue(connection)
        question = Question(
            wanted_verdicts(verdicts),
            frozenset(catalogue.find(name).id for name in advisories),
            Severity(least) if least else None,
            kev,
        )
        known_hosts(connection, chosen)
        found = survey(connection, chosen, question, now(), catalogue)
        if fail_on:
            judged(connection, found)
        stale_days = config.digest.stale_days
        answer(
            connection,
            found,
            question,
            OutputOptions(form, group, bool(verdicts), output, author, namespace, stale_days),
        )
        count, some, oldest = inventory.stale(connection, chosen, found.at - timedelta(days=stale_days))
        if not verdicts and form == "table":
            _tell_of_undecided(found, question)
    if count:
        names = ", ".join(some) + (f" and {count - len(some)} more" if count > len(some) else "")
        say(
            f"{count_of(count, 'host was', 'hosts were')} not seen for {stale_days} days (since {day(oldest)}), "
            f"so that what runs there may be something else: {names}"
        )
    if not catalogue.advisories:
        say(NOTHING_KNOWN)
    if fail_on and meets((f.match for f in found.findings), None if fail_on == "any" else Severity(fail_on)):
        ctx.exit(3)


def _tell_of_undecided(found: Survey, question: Question) -> None:
    """Say how much was left out because nothing that was read decides it."""
    from feeds.advisories.records import Level
    from notifier.assessment.findings import findings, weight

    unknown = replace(question, verdicts=frozenset({Status.UNKNOWN}))
    left = findings(found.matcher, found.components, found.hosts, unknown)
    if left:
        advisories = len({f.match.advisory.id for f in left})
        versions = len({f.number for f in left})
        worst = Level.ranked(weight(left)).value
        say(
            f"{count_of(advisories, 'advisory', 'advisories')} ({worst} at worst) could not be assessed "
            f"for {count_of(versions, 'version', 'versions')} in use: see --verdict unknown"
        )


def _check(group: str | None, form: str, output: Path | None, author: str | None, namespace: str | None) -> None:
    """A usage error where options do not go together."""
    if group and form not in ROWS:
        raise click.UsageError(f"--group-by is for {', '.join(ROWS)}; {form} has a form of its own")
    if author and form not in OTHERS:
        raise click.UsageError(f"--author is for {', '.join(OTHERS)}")
    if namespace and form != "csaf":
        raise click.UsageError("--namespace is for csaf")
    if form == "html" and output is None and sys.stdout.isatty():
        raise click.UsageError("an HTML page is not for a terminal; name a file with --output, or write into a pipe")
