"""`navtex benchmark`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.core.errors import InventoryError
from feeds.core.text import counted, few
from feeds.core.times import day
from notifier.cli.common import (
    NOTHING_KNOWN,
    format_option,
    limit_option,
    line,
    now,
    opened,
    say,
    scope,
    settings,
    table,
    tag_values,
    wrapped,
    write_json,
)
from notifier.cli.input_files import named, stream_of

if TYPE_CHECKING:
    from notifier.domain.audits import AuditDue
    from notifier.schemas.benchmark import EditionDetail, EditionRow, HostAudit

_LONGEST = 2000
"""The most rows of a table, which has to fit in memory to be laid out."""
_LINES = 6
"""The most engine lines that the list shows of an edition; `show` has all."""
_NAMED = 20
"""The most hosts that a text names."""


@click.group("benchmark")
def command() -> None:
    """List the CIS Docker benchmark editions and their hosts; import and list audits."""


@command.command("list")
@limit_option
@format_option
def list_(limit: int | None, form: str) -> None:
    """List the editions of the CIS Docker benchmark, newest first."""
    from notifier.services.catalogue.benchmarks import benchmarks

    with opened(settings()) as database:
        found = benchmarks(database, now(), limit)
    if form == "json":
        write_json(found.value)
        return
    table(
        [
            ("Edition", {"no_wrap": True}),
            ("Published", {"no_wrap": True}),
            ("Engine lines", {"ratio": 1}),
            ("Hosts", {"justify": "right"}),
            ("Supersedes", {"no_wrap": True}),
        ],
        [_listed(e) for e in found.value.editions],
        empty=NOTHING_KNOWN,
    )
    if found.more:
        say(f"{found.more} more not listed (--limit).")


@command.command("show")
@click.argument("name", metavar="EDITION")
@format_option
def show(name: str, form: str) -> None:
    """Show one edition: its date, the engine lines and hosts it is for, and where to download it.

    EDITION is a name from `navtex benchmark list`, or a version such as 1.8.0.
    """
    from notifier.services.catalogue.benchmarks import benchmark

    with opened(settings()) as database:
        found = benchmark(database, name, now())
    if form == "json":
        write_json(found)
    else:
        _show(found)


def _listed(edition: EditionRow) -> list[str]:
    lines = few(edition.engines, _LINES)
    return [edition.edition, _date(edition), lines, str(edition.hosts.count), _short(edition.supersedes)]


def _short(name: str | None) -> str:
    """An edition as a cell has room for it: "1.7.0", "1.13-1.0.0"."""
    return (name or "").removeprefix("cis-docker-").replace("benchmark-", "")


def _date(edition: EditionRow | EditionDetail) -> str:
    if edition.date is None:
        return "date not published"
    return f"by {edition.date}" if edition.date_precision == "no-later-than" else edition.date


def _show(found: EditionDetail) -> None:
    click.echo(line(f"{found.edition}  benchmark"))
    click.echo(line(found.title) + "\n")
    for label, value in (
        ("Published", _date(found)),
        ("Supersedes", found.supersedes or "nothing"),
        ("Superseded by", found.superseded_by or ""),
        ("Download", found.url),
    ):
        if value:
            click.echo(line(f"{label + ':':<15}{value}"))
    click.echo("\nFor these engine lines:" if found.engines else "\nNo known engine line.")
    for one in found.engines:
        wrapped(f"{one.line}: {one.reason}", 2, hang=2)
    click.echo(f"\nEdition for {counted(len({h.host for h in found.hosts}), 'host')}")
    for host in found.hosts[:_NAMED]:
        wrapped(f"{host.host} ({host.package or host.version}): {host.reason}", 2, hang=2)
    if len(found.hosts) > _NAMED:
        click.echo(f"  and {len(found.hosts) - _NAMED} more; --format json names all")
    click.echo("\nEvidence:")
    for entry in found.evidence:
        wrapped(f"{entry.source}: {entry.says}", 2, hang=2)


@command.command("import")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--host",
    default="",
    metavar="NAME",
    help="Host name, if the input has none; also replaces the name in an input of one host.",
)
@click.option("--edition", default="", metavar="EDITION", help="Edition audited against; overrides the input.")
@click.pass_context
def import_(ctx: click.Context, file: str, host: str, edition: str) -> None:
    """Import audits from FILE, or from standard input if it is - or missing.

    The format is recognised: the JSON log of docker-bench-security, the JSON report of InSpec or CINC Auditor on a CIS
    Docker profile, and SCA results of Wazuh: what its API answers to /sca/AGENT and /sca/AGENT/checks/POLICY, and its
    alerts.
    """
    from notifier.domain.components import BadRow, Note
    from notifier.inventory.text import Text
    from notifier.services.catalogue.audits import import_audits

    name = named(file)

    def told(one: BadRow | Note) -> None:
        say(f"{name}, {one.where}: {one.reason}" if isinstance(one, BadRow) else f"{name}: {one.text}")

    with stream_of(file) as stream, opened(settings()) as database:
        try:
            done = import_audits(database, Text(stream), now(), told, host=host.strip(), edition=edition.strip())
        except InventoryError as error:
            raise InventoryError(error.what, where=name, remedy=error.remedy) from error
    bad = f"; {counted(done.bad, 'audit')} could not be read" if done.bad else ""
    completed = f", {done.completed} completed with their checks" if done.completed else ""
    say(f"{counted(done.new, 'audit')} added, {done.same} unchanged{completed}{bad}")
    ctx.exit(1 if done.bad or done.empty else 0)


@command.command("audits")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="PATTERN",
    help="Only hosts with this name; * and ? match any characters (repeatable).",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Only hosts with this tag (repeatable; all must match).",
)
@click.option("--all", "everything", is_flag=True, help="Also list hosts whose audit is up to date.")
@click.option("--checks", is_flag=True, help="Also list the failed checks; JSON always includes them.")
@limit_option
@format_option
def audits(
    hosts: tuple[str, ...], tags: dict[str, str], everything: bool, checks: bool, limit: int | None, form: str
) -> None:
    """List the hosts to audit: never audited, audited against an older edition, or before the last engine upgrade."""
    from notifier.services.catalogue.audits import host_audits

    with opened(settings()) as database:
        found = host_audits(database, scope(hosts, tags, ()), now(), everything=everything, limit=limit)
    if form == "json":
        write_json(found.value)
        return
    listed = found.value.hosts[:_LONGEST]
    table(
        [
            ("Host", {"min_width": 6}),
            ("Due", {"no_wrap": True}),
            ("Audited", {"no_wrap": True}),
            ("On", {"no_wrap": True}),
            ("Failed", {"justify": "right"}),
            ("Why", {"ratio": 1}),
        ],
        [_audit(h) for h in listed],
        empty=found.nothing or f"Every audit is up to date ({counted(found.current, 'host')}).",
    )
    for host in listed if checks else ():
        _checks(host)
    if len(listed) < len(found.value.hosts):
        say(f"Only the first {_LONGEST} hosts are shown. Use --host, --tag or --format json.")
    if found.more:
        say(f"{found.more} more not listed (--limit).")


def _audit(row: HostAudit) -> list[str]:
    made = row.audit
    why = "; ".join(_why(row, reason) for reason in row.reasons) or "up to date"
    if made is None:
        return [row.host, _short(row.due), "", "", "", why]
    edition = (_short(made.edition) or "not known") + ("?" if made.edition and made.doubt else "")
    return [row.host, _short(row.due), edition, day(made.at), f"{made.failed} of {made.failed + made.passed}", why]


def _why(row: HostAudit, reason: AuditDue) -> str:
    if reason == "before-upgrade":
        return f"before its engine was upgraded ({day(row.upgraded_at)})"
    return {
        "never-audited": "never audited",
        "older-edition": "an older edition",
        "unknown-edition": "edition unknown; see `benchmark import --edition`",
        "no-engine": "no Docker Engine in the inventory",
    }[reason]


def _checks(row: HostAudit) -> None:
    if row.audit is None:
        return
    scored = "" if row.audit.score is None else f", score {row.audit.score:g}"
    click.echo("\n" + line(f"{row.host}: {row.audit.tool.value}{scored}"))
    if row.audit.doubt:
        wrapped(f"edition {row.audit.doubt}" if not row.audit.edition else row.audit.doubt, 2, hang=2)
    for check in row.audit.failed_checks or ():
        wrapped(f"{check.id}  {check.title}", 2, hang=2)
    if row.audit.failed_checks is None:
        wrapped("The failed checks were not imported.", 2)
