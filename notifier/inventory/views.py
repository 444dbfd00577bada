"""What several views of one host add up to.  Pure.

A package list says what is installed, a daemon what runs, a person what both should be.  Exposure
goes by what runs; where another version is installed than the one that runs, a restart is due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from feeds.versions import key
from notifier.inventory.model import Component, View

_LETTERS = {View.DECLARED: "d", View.INSTALLED: "i", View.RUNNING: "r"}
_VIEWS = {letter: view for view, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Seen:
    """One view of a host as it is stored: the import that gave it, and the numbers of its components."""

    by: int
    components: frozenset[int]


def encode(views: Mapping[View, Seen]) -> str:
    """Views as one short text, the same for the same views.

    >>> encode({View.RUNNING: Seen(13, frozenset({7})), View.DECLARED: Seen(12, frozenset({5, 3}))})
    'd12:3,5;r13:7'
    """
    return ";".join(encode_one(view, seen.by, sorted(seen.components)) for view, seen in sorted(views.items()))


def encode_one(view: View, by: int, components: Iterable[int]) -> str:
    """One view as text; its components are in order."""
    return f"{_LETTERS[view]}{by}:{','.join(map(str, components))}"


def decode(text: str) -> dict[View, Seen]:
    """The views in such a text."""
    found = {}
    for part in filter(None, text.split(";")):
        head, _, numbers = part.partition(":")
        found[_VIEWS[head[0]]] = Seen(int(head[1:]), frozenset(int(n) for n in numbers.split(",") if n))
    return found


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts on a host, and what waits for a restart as (what runs, what is installed)."""

    components: frozenset[Component]
    restarts: frozenset[tuple[Component, Component]] = frozenset()


def effective(views: Mapping[View, Collection[Component]]) -> Effective:
    """What counts of a host's views.

    Of a product that a daemon speaks of, what runs.  Where the very same release is installed, the
    package stands for it, because it tells more: the distribution's revision.  Of other products what
    is installed, and what was declared.
    """
    counted = set(views.get(View.DECLARED, ()))
    restarts: set[tuple[Component, Component]] = set()
    running = _by_product(views.get(View.RUNNING, ()))
    installed = _by_product(views.get(View.INSTALLED, ()))
    for product in running.keys() | installed.keys():
        runs, packages = running.get(product, []), installed.get(product, [])
        if not runs:
            counted.update(packages)
            continue
        twins = {one: next((p for p in packages if _same(one, p)), None) for one in runs}
        counted.update(twin or one for one, twin in twins.items())
        left = [p for p in packages if p not in twins.values()]
        restarts.update((one, left[-1]) for one, twin in twins.items() if twin is None and left)
    return Effective(frozenset(counted), frozenset(restarts))


def _by_product(components: Iterable[Component]) -> dict[str, list[Component]]:
    found: dict[str, list[Component]] = {}
    for component in sorted(components, key=lambda c: (c.product, key(c.version), c.package, c.distro)):
        found.setdefault(component.product, []).append(component)
    return found


def _same(runs: Component, package: Component) -> bool:
    """Whether what runs is what is installed, as far as the two tell."""
    if runs.package_version and package.package_version and runs.package_name == package.package_name:
        return runs.package_version == package.package_version
    return key(runs.version) == key(package.version)
