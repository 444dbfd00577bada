"""`navtex inventory`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.core.times import day, stamp
from notifier.cli import collect, inventory_import
from notifier.cli.common import (
    PRODUCT,
    clean,
    format_option,
    limit_option,
    line,
    now,
    opened,
    say,
    scope,
    scope_options,
    settings,
    table,
    tag_values,
    wrapped,
    write_json,
)

if TYPE_CHECKING:
    from notifier.schemas.inventory import HostComponent, HostDetail


@click.group("inventory")
def command() -> None:
    """Import, add, list and remove hosts."""


command.add_command(inventory_import.command)
command.add_command(collect.command)
command.add_command(collect.probe)


@command.command("unanswered")
@format_option
def unanswered(form: str) -> None:
    """List the hosts of zones that did not answer the last query."""
    from notifier.services.hosts.zones import list_unanswered

    with opened(settings()) as database:
        found = list_unanswered(database)
    if form == "json":
        write_json(found)
        return
    rows = ((o.zone, o.target, stamp(o.since), o.reason) for o in found.hosts)
    table(("Zone", "Host", "Since", "Reason"), rows, empty="Every host of every zone answered.")


@command.command("add")
@click.argument("host")
@click.argument("product", type=PRODUCT, metavar="PRODUCT")
@click.argument("version")
@click.option("--package", default="", metavar="PACKAGE", help="Package, as 'NAME VERSION'.")
@click.option(
    "--distro", default="", metavar="DISTRO", help="Distribution, as ID-VERSION_ID from os-release, such as debian-12."
)
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME=VALUE", callback=tag_values, help="Tag the host (repeatable)."
)
def add(host: str, product: str, version: str, package: str, distro: str, tags: dict[str, str]) -> None:
    """Add a host, or a product of a host, by hand.

    Replaces the version if the product was added before. The host's other products stay.
    """
    from notifier.domain.components import component
    from notifier.services.hosts.importing import add_component

    try:
        made = component(product, version, package, distro)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with opened(settings(), create=True) as database:
        answer = add_component(database, host, made, tags, now())
    for note in answer.value.notes:
        say(note)
    inventory_import.print_counts(answer)


@command.command("list")
@click.option("--stale", is_flag=True, help="Only hosts not imported for `[digest] stale_days` (default 14).")
@scope_options
@limit_option
@format_option
def list_(
    stale: bool,
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    limit: int | None,
    form: str,
) -> None:
    """List hosts and what runs on them, by name."""
    from notifier.services.hosts import inventory

    config = settings()
    days = config.digest.stale_days if stale else None
    query = inventory.HostQuery(scope(hosts, tags, products), days, limit)
    with opened(config) as database:
        found = inventory.hosts(database, query, now())
    if form == "json":
        write_json(found.value)
        return
    table(
        [("Host", {"min_width": 8}), ("Runs", {"ratio": 1}), "Tags", ("Last seen", {"no_wrap": True})],
        [[h.host, ", ".join(map(_one, h.components)), _tags(h), day(h.last_seen)] for h in found.value.hosts],
        empty=found.nothing,
    )
    if found.more:
        say(f"{found.more} more not listed (--limit).")


@command.command("show")
@click.argument("host")
@format_option
def show(host: str, form: str) -> None:
    """Show one host and its components."""
    from notifier.services.hosts import inventory

    with opened(settings()) as database:
        found = inventory.host(database, host)
    if form == "json":
        write_json(found)
        return
    click.echo(line("  ".join(filter(None, (found.host, _tags(found))))))
    by = f" by {found.seen_by}" if found.seen_by else ""
    wrapped(f"first seen {stamp(found.first_seen)}, last seen {stamp(found.last_seen)}{by}", 0)
    click.echo("")
    table(
        ["Product", "Version", "Package", "Distribution"],
        [[c.product, c.version, c.package or "", c.distro or ""] for c in found.components],
        empty="It has no product that Navtex covers.",
    )
    for due in found.restarts:
        click.echo("")
        wrapped(f"{due.product} {due.installed} is installed, but {due.runs} is running: restart it.", 0)


@command.command("remove")
@click.argument("host")
def remove(host: str) -> None:
    """Remove a host."""
    from notifier.services.hosts import inventory

    with opened(settings()) as database:
        inventory.remove_host(database, host, now())
    say(f"{host} was removed")


@command.command("packages")
def packages() -> None:
    """List the packages and engine releases of the inventory, one per line, for `navtex mirror fetch --packages`."""
    from notifier.services.hosts import inventory

    with opened(settings()) as database:
        found = inventory.mirrored_names(database)
    for one in found:
        click.echo(clean(one))
    if not found:
        say("The inventory has no packages or engine releases to query by name.")


def _tags(host: HostDetail) -> str:
    return " ".join(f"{k}={v}" for k, v in host.tags.items())


def _one(component: HostComponent) -> str:
    return f"{component.product} {component.version}" + (f" ({component.package})" if component.package else "")
