"""`navtex inventory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.core.times import stamp
from notifier.cli import collect, inventory_import
from notifier.cli.app import (
    clean,
    format_option,
    known_hosts,
    line,
    nobody,
    opened,
    say,
    scope,
    scope_options,
    settings,
    table,
    wrapped,
    write_json,
)

if TYPE_CHECKING:
    from notifier.domain.components import Component
    from notifier.domain.hosts import StoredHost


@click.group("inventory")
def command() -> None:
    """Import, list and remove hosts."""


command.add_command(inventory_import.command)
command.add_command(collect.command)
command.add_command(collect.probe)


@command.command("list")
@scope_options
@format_option
def list_(hosts: tuple[str, ...], tags: dict[str, str], products: tuple[str, ...], form: str) -> None:
    """Import, list and remove hosts."""
    from notifier.storage import inventory as store

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
    """Show one host and its components."""
    from notifier.domain.filters import Scope
    from notifier.storage import inventory as store

    with opened(settings()) as database, database.connect() as connection:
        found = next((h for h in store.hosts(connection, Scope(hosts=(host,))) if h.name == host), None)
    if found is None:
        raise store.unknown_host(host)
    if form == "json":
        write_json(_row(found))
        return
    tags = " ".join(f"{k}={v}" for k, v in found.tags.items())
    click.echo(line(f"{found.name}{'  ' + tags if tags else ''}"))
    by = f" by {found.seen_by}" if found.seen_by else ""
    wrapped(f"first seen {stamp(found.first_seen)}, last seen {stamp(found.last_seen)}{by}", 0)
    click.echo("")
    table(
        ["Product", "Version", "Package", "Distribution"],
        [[c.product, c.version, c.package, c.distro] for c in found.components],
        empty="It runs nothing that is followed.",
    )
    for runs, installed in found.restarts:
        click.echo("")
        wrapped(f"{_one(installed)} is installed, and {_one(runs)} still runs: a restart is due.", 0)


@command.command("remove")
@click.argument("host")
def remove(host: str) -> None:
    """Remove a host."""
    from notifier.storage import inventory as store

    with opened(settings()) as database, database.begin() as connection:
        store.remove(connection, host)
    say(f"{host} is forgotten")


@command.command("packages")
def packages() -> None:
    """List the packages and engine releases of the inventory, one per line, for `navtex mirror fetch --packages`."""
    from notifier.services.mirror_age import listed
    from notifier.storage import inventory as store

    with opened(settings()) as database, database.connect() as connection:
        found = listed(store.wanted(connection))
    for one in found:
        click.echo(clean(one))
    if not found:
        say("The inventory holds nothing that a mirror must be asked for by name.")


def _components(host: StoredHost) -> str:
    return ", ".join(map(_one, host.components))


def _one(component: Component) -> str:
    return f"{component.product} {component.version}" + (f" ({component.package})" if component.package else "")


def _row(host: StoredHost) -> dict[str, Any]:
    return {
        "host": host.name,
        "tags": host.tags,
        "first_seen": stamp(host.first_seen),
        "last_seen": stamp(host.last_seen),
        "seen_by": host.seen_by or None,
        "components": [
            {"product": c.product, "version": c.version, "package": c.package or None, "distro": c.distro or None}
            for c in host.components
        ],
        "restarts": [
            {"product": runs.product, "runs": runs.version, "installed": installed.package or installed.version}
            for runs, installed in host.restarts
        ],
    }
