"""`navtex exposure`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from feeds.advisories.records import Severity
from feeds.verdicts.weighing import Status
from notifier.cli.common import (
    LEVELS,
    NOTHING_KNOWN,
    now,
    opened,
    output_option,
    say,
    scope,
    scope_options,
    settings,
)

VERDICTS = click.Choice([s.value for s in Status] + ["all"])
ANY = "any"
"""The level of `--fail-on` that every severity reaches, unscored too."""
ROWS = ("table", "json", "csv")
OTHERS = ("openvex", "csaf", "sarif", "cyclonedx")
"""The formats of `notifier.exporters`, which is not imported for `--help`; a test compares."""


def wanted_verdicts(names: tuple[str, ...]) -> frozenset[Status]:
    """The verdicts to list: affected and conflicting, unless others are named."""
    if "all" in names:
        return frozenset(Status)
    return frozenset(Status(n) for n in names) or frozenset({Status.AFFECTED, Status.CONFLICTING})


def threshold(level: str) -> Severity | None:
    """The severity of a `--fail-on`; None for "any"."""
    return None if level == ANY else Severity(level)


@click.command("exposure")
@scope_options
@click.option(
    "--advisory",
    "advisories",
    multiple=True,
    metavar="ID",
    help="Only this advisory, by name or alias (repeatable).",
)
@click.option("--severity", "least", type=LEVELS, help="Only this severity or worse; unscored advisories are included.")
@click.option("--kev", is_flag=True, help="Only advisories that CISA lists as known exploited.")
@click.option("--overdue", is_flag=True, help="Only what is past its due date (see [due] in the configuration).")
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=VERDICTS,
    help="Verdicts to list (repeatable). Default: affected and conflicting.",
)
@click.option("--group-by", "group", type=click.Choice(["advisory", "host", "version"]), help="Group rows by this.")
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS.choices, ANY]),
    help="Exit with status 3 if a vulnerability of this severity or worse affects a host.",
)
@click.option(
    "--fail-on-unknown", is_flag=True, help="Exit with status 3 if an advisory could not be assessed for a host."
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*ROWS, *OTHERS, "html"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@output_option
@click.option("--author", metavar="NAME", help="Author of a VEX document. Default: Navtex.")
@click.option("--namespace", metavar="URL", help="Namespace of the publisher of a CSAF document.")
@click.pass_context
def command(
    ctx: click.Context,
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    advisories: tuple[str, ...],
    least: str | None,
    kev: bool,
    overdue: bool,
    verdicts: tuple[str, ...],
    group: str | None,
    fail_on: str | None,
    fail_on_unknown: bool,
    form: str,
    output: Path | None,
    author: str | None,
    namespace: str | None,
) -> None:
    """List the vulnerabilities affecting your hosts, worst first."""
    from notifier.cli.exposure_formats import OutputOptions, write
    from notifier.services.findings.exposure import (
        ExposureQuery,
        any_unknown,
        assessed,
        stale_warning,
        undecided_warning,
    )
    from notifier.services.findings.exposure_rows import GroupBy
    from notifier.services.findings.fail_on import check_judged
    from notifier.services.snapshot.settings import due_policy

    _check(group, form, output, author, namespace)
    if overdue and form not in ROWS:
        raise click.UsageError(f"--overdue cannot be used with --format {form}, only with {', '.join(ROWS)}")
    config = settings()
    query = ExposureQuery(
        scope(hosts, tags, products),
        wanted_verdicts(verdicts),
        advisories,
        Severity(least) if least else None,
        kev,
        due=due_policy(config.due),
        overdue=overdue,
    )
    grouped = GroupBy(group) if group else None
    options = OutputOptions(form, grouped, bool(verdicts), output, author, namespace)
    with (
        opened(config) as database,
        assessed(database, query, now(), stale_days=config.digest.stale_days) as (connection, found),
    ):
        if fail_on or fail_on_unknown:
            check_judged(connection, found)
        write(connection, found, options)
        unknown = fail_on_unknown and any_unknown(found)
        warnings = [stale_warning(connection, found)]
        if not verdicts and form == "table":
            warnings.insert(0, undecided_warning(found))
    for warning in filter(None, warnings):
        say(warning)
    if not found.assessment.catalogue.advisories:
        say(NOTHING_KNOWN)
    if (fail_on and found.reach(threshold(fail_on))) or unknown:
        ctx.exit(3)


def _check(group: str | None, form: str, output: Path | None, author: str | None, namespace: str | None) -> None:
    """A usage error where options do not go together."""
    if group and form not in ROWS:
        raise click.UsageError(f"--group-by cannot be used with --format {form}, only with {', '.join(ROWS)}")
    if author and form not in OTHERS:
        raise click.UsageError(f"--author can only be used with --format {', '.join(OTHERS)}")
    if namespace and form != "csaf":
        raise click.UsageError("--namespace can only be used with --format csaf")
    if form == "html" and output is None and sys.stdout.isatty():
        raise click.UsageError("refusing to write HTML to a terminal; use --output FILE or a pipe")
