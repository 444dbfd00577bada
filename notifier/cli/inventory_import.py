"""`navtex inventory import`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from feeds.core.errors import InventoryError
from notifier.cli.app import PRODUCT, count_of, now, opened, say, settings, tag_values

if TYPE_CHECKING:
    from notifier.services.inventory import ImportOptions, ImportReport


@click.command("import")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--from",
    "form",
    default="",
    metavar="FORMAT",
    help="Input format, where it is not recognised, or a mapping in the configuration: ansible, apk, apt, csv, "
    "cyclonedx, dnf, docker-info, docker-node, "
    "docker-report, docker-version, dpkg, json, kubernetes, ndjson, osquery, pacman, probe, program-version, "
    "prometheus, rpm, spdx, syft, versions.",
)
@click.option(
    "--host", default="", metavar="NAME", help="Name of the host; replaces the name in an input that holds one host."
)
@click.option("--product", type=PRODUCT, help="Product of the versions in an input that does not name it.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Tag every host (repeatable).",
)
@click.option(
    "--strict", is_flag=True, help="Import nothing if a row cannot be read, or a name belongs to another host."
)
@click.option(
    "--prune", is_flag=True, help="Remove hosts that an earlier import of the same scope had and this one has not."
)
@click.option(
    "--scope",
    default="",
    metavar="NAME",
    help="Name for this set of hosts; --prune removes no host of another scope. Default: the file's name.",
)
@click.option("--allow-empty", is_flag=True, help="Accept an input that holds no host.")
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    form: str,
    host: str,
    product: str | None,
    tags: dict[str, str],
    strict: bool,
    prune: bool,
    scope: str,
    allow_empty: bool,
) -> None:
    """Import hosts from FILE, or from standard input if it is - or missing.

    The format is recognised: rows of your own as CSV (host,product,version), JSON or NDJSON; what
    `docker version`, `docker info`, `docker node inspect` and `kubectl get nodes -o json` print; facts of
    Ansible; rows and logs of osquery; the engine's metrics; lists of dpkg, rpm, dnf and apk; SBOMs of Syft
    and CycloneDX; what the script of `navtex inventory probe` prints. Rows that cannot be read are told,
    with their line; the others are kept.
    """
    from notifier import inventory
    from notifier.domain import components
    from notifier.inventory import text
    from notifier.services.inventory import ImportOptions, take

    name = "standard input" if file == "-" else file
    wish = ImportOptions(scope or name, tags, strict, prune, host.strip())
    shows = sys.stderr.isatty()

    def progress(done: int) -> None:
        if shows:
            click.echo(f"\r\x1b[K{done} hosts", nl=False, err=True)

    def told(one: components.BadRow | components.Note) -> None:
        say(f"{name}, {one.where}: {one.reason}" if isinstance(one, components.BadRow) else f"{name}: {one.text}")

    config = settings()
    with stream_of(file) as stream, opened(config) as database:
        try:
            found = inventory.read(text.Text(stream), form, host, product or "", own=config.inventory.mapping)
            report = take(database, found, wish, now(), told=told, progress=progress)
        except InventoryError as error:
            raise InventoryError(error.what, where=name, remedy=error.remedy) from error
    if shows and report.hosts:
        click.echo("\r\x1b[K", nl=False, err=True)
    _tell(report, wish)
    nothing = report.empty and not allow_empty
    if nothing and form:
        raise InventoryError(
            f"no host was found when it was read as {form}", where=name, remedy="Leave out --from, or use --allow-empty"
        )
    ctx.exit(1 if report.bad or report.unpruned or report.refused or nothing else 0)


def _tell(report: ImportReport, wish: ImportOptions) -> None:
    taken = report.taken
    bad = f"{count_of(report.bad, 'row', 'rows')} could not be read" if report.bad else ""
    if report.refused:
        taken_names = (
            f"{count_of(report.renamed, 'host has', 'hosts have')} the name of another" if report.renamed else ""
        )
        say(f"Nothing was imported (--strict): {bad or taken_names}")
        return
    gone = f", {taken.gone} gone" if wish.prune and not report.unpruned else ""
    say(
        f"{count_of(taken.added, 'host', 'hosts')} new, {taken.changed} changed, {taken.same} as before{gone}"
        + (f"; {bad}" if bad else "")
    )
    if taken.lost:
        lost = ", ".join(f"{product} on {count_of(n, 'host', 'hosts')}" for product, n in sorted(taken.lost.items()))
        say(f"No longer there: {lost}. What a file says of a host replaces what was said of it in the same view.")
    if report.unpruned:
        say(f"Nothing was pruned from the scope {wish.scope!r}: {report.unpruned}")


@contextmanager
def stream_of(file: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or of standard input for -; FileError where it cannot be opened."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - opened where only that can fail, closed below
    except OSError as error:
        raise click.FileError(file, error.strerror) from error
    with stream:
        yield stream
