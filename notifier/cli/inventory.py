"""`navtex inventory`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feeds.errors import InventoryError
from notifier.cli.app import (
    clean,
    count_of,
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
    table,
    tag_values,
    write_json,
)

if TYPE_CHECKING:
    from notifier.inventory import Inventory
    from notifier.store.inventory import Stored


@click.group("inventory")
def command() -> None:
    """The hosts and what runs on them."""


@command.command("import")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--from", "form", default="", metavar="FORMAT", help="The format (csv, docker-version), where it is not recognised."
)
@click.option("--host", default="", metavar="NAME", help="The host, where the format does not name it.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Give every host this tag (repeatable).",
)
@click.pass_context
def import_(ctx: click.Context, file: str, form: str, host: str, tags: dict[str, str]) -> None:
    """Read hosts from FILE, or from standard input where it is - or not given.

    CSV with the header host,product,version (and, if you like, package,distro,tags), or what
    `docker version` prints (JSON or text; name the host with --host). Rows that cannot be read are
    told, with their line; the others are kept.
    """
    from notifier import inventory

    name = "standard input" if file == "-" else file
    try:
        found = inventory.read(_text(file), form=form, host=host)
    except InventoryError as error:
        raise InventoryError(error.what, where=name, remedy=error.remedy) from error
    ctx.exit(_keep(found, tags, name))


@command.command("collect")
@click.option("--host", default="", metavar="NAME", help="The host's name in the inventory. Otherwise this machine's.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Give the host this tag (repeatable).",
)
@click.pass_context
def collect(ctx: click.Context, host: str, tags: dict[str, str]) -> None:
    """Ask the engine of this machine (DOCKER_HOST, or /var/run/docker.sock) what it is."""
    from notifier import collect as collecting

    found = collecting.local(host)
    ctx.exit(_keep(found, tags, "the local engine"))


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.FileError(file, error.strerror) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else raw.decode("latin-1")
    except UnicodeDecodeError as error:
        raise InventoryError(f"its text cannot be read: {error}", where=file) from error


def _keep(found: Inventory, tags: dict[str, str], name: str) -> int:
    from notifier.store import inventory as store

    with opened(settings()) as database, database.begin() as connection:
        taken = store.take(connection, found.hosts, tags, now())
    for note in found.notes:
        say(f"{name}: {note}")
    for bad in found.bad:
        say(f"{name}, {bad.where}: {bad.reason}")
    say(
        f"{count_of(taken.added, 'host', 'hosts')} new, {taken.changed} changed, {taken.same} as before"
        + (f"; {count_of(len(found.bad), 'row', 'rows')} could not be read" if found.bad else "")
    )
    return 1 if found.bad else 0


@command.command("list")
@scope_options
@format_option
def list_(hosts: tuple[str, ...], tags: dict[str, str], products: tuple[str, ...], form: str) -> None:
    """The hosts and what runs on them."""
    from notifier.store import inventory as store

    with opened(settings()) as database, database.connect() as connection:
        chosen = scope(hosts, tags, products)
        known_hosts(connection, chosen)
        found = store.hosts(connection, chosen)
        nothing = nobody(connection, chosen)
    if form == "json":
        write_json({"hosts": [_row(h) for h in found]})
        return
    table(
        [("Host", {"min_width": 8}), ("Runs", {"ratio": 1}), "Tags", ("Last seen", {"no_wrap": True})],
        [
            [h.name, _components(h), " ".join(f"{k}={v}" for k, v in h.tags.items()), (stamp(h.last_seen) or "")[:10]]
            for h in found
        ],
        empty=nothing,
    )


@command.command("show")
@click.argument("host")
@format_option
def show(host: str, form: str) -> None:
    """One host and all that runs on it."""
    from notifier.filters import Scope
    from notifier.store import inventory as store

    with opened(settings()) as database, database.connect() as connection:
        found = next((h for h in store.hosts(connection, Scope(hosts=(host,))) if h.name == host), None)
    if found is None:
        raise store.unknown_host(host)
    if form == "json":
        write_json(_row(found))
        return
    tags = " ".join(f"{k}={v}" for k, v in found.tags.items())
    click.echo(f"{found.name}{'  ' + tags if tags else ''}")
    click.echo(f"first seen {stamp(found.first_seen)}, last seen {stamp(found.last_seen)}\n")
    table(
        ["Product", "Version", "Package", "Distribution"],
        [[c.product, c.version, c.package, c.distro] for c in found.components],
        empty="It runs nothing that is followed.",
    )


@command.command("remove")
@click.argument("host")
def remove(host: str) -> None:
    """Forget a host."""
    from notifier.store import inventory as store

    with opened(settings()) as database, database.begin() as connection:
        store.remove(connection, host)
    say(f"{host} is forgotten")


@command.command("packages")
def packages() -> None:
    """The distributions' packages to ask OSV for, one a line: what `navtex mirror fetch --packages` reads."""
    from notifier.store import inventory as store

    with opened(settings()) as database, database.connect() as connection:
        found = sorted(store.packages(connection))
    for ecosystem, name in found:
        click.echo(clean(f"{ecosystem} {name}"))
    if not found:
        say("The inventory holds no package of a distribution's own.")


def _components(host: Stored) -> str:
    return ", ".join(f"{c.product} {c.version}" + (f" ({c.package})" if c.package else "") for c in host.components)


def _row(host: Stored) -> dict[str, Any]:
    return {
        "host": host.name,
        "tags": host.tags,
        "first_seen": stamp(host.first_seen),
        "last_seen": stamp(host.last_seen),
        "components": [
            {"product": c.product, "version": c.version, "package": c.package or None, "distro": c.distro or None}
            for c in host.components
        ],
    }
