"""`navtex inventory import`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from feeds.core.text import counted
from notifier.cli.common import (
    PRODUCT,
    clean,
    format_option,
    line,
    now,
    opened,
    say,
    settings,
    tag_values,
    wrapped,
    write_json,
)
from notifier.cli.input_files import named, stream_of

if TYPE_CHECKING:
    from notifier.config import Config
    from notifier.domain.components import BadRow, Note
    from notifier.schemas.inventory import ImportExplanation, ImportSummary
    from notifier.services.hosts.host_storing import ImportListener, ImportOptions
    from notifier.services.hosts.importing import ImportAnswer, ReadOptions

_CLEAR = "\r\x1b[K"


@click.command("import")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--from",
    "input_format",
    default="",
    metavar="FORMAT",
    help="Input format, if it is not recognised, or a mapping from the configuration: ansible, apk, apt, crictl, csv, "
    "cyclonedx, dnf, docker-containers, docker-info, docker-node, docker-ps, docker-report, docker-version, dpkg, "
    "image-csv, json, kubernetes, kubernetes-pods, ndjson, osquery, pacman, probe, program-version, prometheus, rpm, "
    "spdx, syft, versions.",
)
@click.option(
    "--host",
    default="",
    metavar="NAME",
    help="Host name, if the input has none; also replaces the name in an input of one host.",
)
@click.option("--product", type=PRODUCT, help="Product, if the input has only versions.")
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME=VALUE", callback=tag_values, help="Tag every host (repeatable)."
)
@click.option("--strict", is_flag=True, help="Import nothing if a row is invalid or a name belongs to another host.")
@click.option("--prune", is_flag=True, help="Remove hosts of this scope that are missing from this import.")
@click.option(
    "--scope",
    default="",
    metavar="NAME",
    help="Name of this set of hosts, for --prune. Default: the file name.",
)
@click.option("--allow-empty", is_flag=True, help="Accept an input without hosts.")
@click.option(
    "--no-client",
    is_flag=True,
    help="Ignore the client in the output of `docker version`, which belongs to another machine.",
)
@click.option("--explain", is_flag=True, help="Show the recognised format, what was read and what was left out.")
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    input_format: str,
    host: str,
    product: str | None,
    tags: dict[str, str],
    strict: bool,
    prune: bool,
    scope: str,
    allow_empty: bool,
    no_client: bool,
    explain: bool,
    form: str,
) -> None:
    """Import hosts from FILE, or from standard input if FILE is - or missing.

    The format is recognised. Rows of your own can be CSV (host,product,version), JSON or NDJSON. Other inputs
    are the output of `docker version`, `docker info`, `docker node inspect`, `kubectl get nodes -o json` and of
    the script of `navtex inventory probe`; Ansible facts; osquery rows and logs; engine metrics; package lists
    of dpkg, rpm, dnf and apk; Syft, SPDX and CycloneDX SBOMs. Rows that cannot be read are reported with their
    line; the others are imported.
    """
    from notifier.inventory import InputOptions
    from notifier.services.hosts.host_storing import ImportOptions
    from notifier.services.hosts.importing import ReadOptions

    name = named(file)
    config = settings()
    given = InputOptions(input_format, host, product or "", not no_client, config.inventory.mapping)
    reading = ReadOptions(given, allow_empty, explain, messages=explain or form == "json")
    storing = ImportOptions(scope or name, tags, strict, prune, host.strip())
    answer = _imported(config, file, name, (reading, storing))
    if form == "json":
        write_json(answer.value)
    elif answer.value.explanation:
        _explain(answer.value, answer.value.explanation)
    print_counts(answer, prune=prune, scope=scope or name)
    ctx.exit(0 if answer.complete else 1)


def _imported(config: Config, file: str, name: str, options: tuple[ReadOptions, ImportOptions]) -> ImportAnswer:
    """Import. Bad rows and notes go to standard error as they come, unless they are explained; so does the progress."""
    from notifier.services.hosts.importing import import_text

    shows = sys.stderr.isatty()
    with stream_of(file) as stream, opened(config, create=True) as database:
        listener = _listener(name, shows=shows, speaks=not options[0].explain)
        answer = import_text(database, stream, name, options, now(), listener=listener)
    if shows and answer.report.hosts:
        click.echo(_CLEAR, nl=False, err=True)
    return answer


def _listener(name: str, *, shows: bool, speaks: bool) -> ImportListener:
    from notifier.domain.components import BadRow
    from notifier.services.hosts.host_storing import ImportListener

    def message(one: BadRow | Note) -> None:
        if speaks:
            say(f"{name}, {one.where}: {one.reason}" if isinstance(one, BadRow) else f"{name}: {one.text}")

    def progress(done: int) -> None:
        if shows:
            click.echo(f"{_CLEAR}{done} hosts", nl=False, err=True)

    return ImportListener(message, progress)


def print_counts(answer: ImportAnswer, *, prune: bool = False, scope: str = "") -> None:
    """Print what an import changed, on standard error."""
    report, taken = answer.report, answer.report.taken
    bad = f"{counted(report.bad, 'row')} could not be read" if report.bad else ""
    if report.refused:
        renamed = counted(report.renamed, "host has", "hosts have")
        say(f"Nothing was imported (--strict): {bad or f'{renamed} the name of another host'}")
        return
    gone = f", {taken.gone} removed" if prune and not report.unpruned else ""
    hosts = f"{counted(taken.added, 'host')} added, {taken.changed} changed, {taken.same} unchanged{gone}"
    images = report.image_words
    nothing_else = images and not (gone or taken.added or taken.changed or taken.same)
    say("; ".join(filter(None, ("" if nothing_else else hosts, images, bad))))
    if taken.lost:
        lost = ", ".join(f"{product} on {counted(n, 'host')}" for product, n in sorted(taken.lost.items()))
        say(f"Removed: {lost}. An import replaces what earlier imports of the same kind reported about a host.")
    if report.unpruned:
        say(f"Nothing was pruned from scope {scope!r}: {report.unpruned}")


def _explain(summary: ImportSummary, found: ImportExplanation) -> None:
    wrapped(f"Format: {summary.format} ({found.recognised_by})", 0, hang=8)
    for host in found.hosts:
        tags = "".join(f"  {name}={value}" for name, value in host.tags.items())
        identity = f"  {host.identity}" if host.identity else ""
        click.echo(line(f"{host.host}  {host.view}{identity}{tags}"))
        for part in host.components:
            package = f"  {part.package}" if part.package else ""
            click.echo(line(f"  {part.product} {part.version}{package}{f'  {part.distro}' if part.distro else ''}"))
        if not host.components:
            click.echo("  no product that Navtex covers")
    if found.left_out:
        click.echo("Left out:")
    for one in found.left_out:
        wrapped(clean(f"{one.what}: {one.reason}"), 2, hang=2)
    for note in summary.notes:
        wrapped(clean(f"Note: {note}"), 0, hang=6)
