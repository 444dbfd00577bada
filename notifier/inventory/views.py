"""What is installed and what runs, as one.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from notifier.inventory.model import Component, Host, View


def joined(hosts: Iterable[Host]) -> tuple[Host, ...]:
    """One host a name. What runs counts; a package of the same version tells where it came from.

    Of products that the daemon does not speak of (Compose, the CLI), what is installed counts.
    """
    views: dict[str, dict[View, Host]] = {}
    for host in hosts:
        views.setdefault(host.name, {})[host.view] = host
    return tuple(_joined(held) for held in views.values())


def _joined(held: dict[View, Host]) -> Host:
    running, installed = held.get(View.RUNNING), held.get(View.INSTALLED)
    if running is None or installed is None:
        return next(iter(held.values()))
    packages = {(c.product, c.version): c for c in installed.components}
    known = {c.product for c in running.components}
    rest = (c for c in installed.components if c.product not in known)
    components: tuple[Component, ...] = (
        *(packages.get((c.product, c.version), c) for c in running.components),
        *rest,
    )
    return replace(running, components=components, tags=installed.tags | running.tags)
