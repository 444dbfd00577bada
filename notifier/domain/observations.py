"""Combine the views of one host: declared, installed and running.  Pure.

Exposure is based on what runs; if another version is installed, a restart is due.

Statements of other scopes that an import replaced are kept behind each view. They count again when it is pruned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from feeds.versions.upstream import key
from notifier.domain.components import Component, Observed

_LETTERS = {Observed.DECLARED: "d", Observed.INSTALLED: "i", Observed.RUNNING: "r"}
_VIEWS = {letter: view for view, letter in _LETTERS.items()}
BEHIND = 4
"""Maximum number of other scopes' statements kept behind each view."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One view of a host as it is stored: the import that gave it, and the numbers of its components."""

    by: int
    components: frozenset[int]


HostObservation = tuple[Observed, Observation]
"""What an import said of a host in one view."""


def encode(views: Mapping[Observed, Observation], behind: Iterable[HostObservation] = ()) -> str:
    """Views as one short text, the same for the same views, and the statements behind them.

    >>> runs = {Observed.RUNNING: Observation(13, frozenset({7}))}
    >>> encode({**runs, Observed.DECLARED: Observation(12, frozenset({5, 3}))})
    'd12:3,5;r13:7'
    >>> encode(runs, [(Observed.RUNNING, Observation(9, frozenset({6})))])
    'r13:7|r9:6'
    """
    front = ";".join(encode_one(view, seen.by, sorted(seen.components)) for view, seen in sorted(views.items()))
    rest = ";".join(
        encode_one(view, seen.by, sorted(seen.components))
        for view, seen in sorted(behind, key=lambda one: (one[0], one[1].by))
    )
    return f"{front}|{rest}" if rest else front


def encode_one(view: Observed, by: int, components: Iterable[int]) -> str:
    """One view as text; its components are in order."""
    return f"{_LETTERS[view]}{by}:{','.join(map(str, components))}"


def decode(text: str) -> dict[Observed, Observation]:
    """The views in such a text."""
    return dict(_statements(text.partition("|")[0]))


def behind(text: str) -> tuple[HostObservation, ...]:
    """The statements behind the views."""
    return tuple(_statements(text.partition("|")[2]))


def mentions(text: str) -> Iterator[Observation]:
    """All that such a text names, views and what stands behind them."""
    return (seen for _, seen in _statements(text.replace("|", ";")))


def _statements(text: str) -> Iterator[HostObservation]:
    for part in filter(None, text.split(";")):
        head, _, numbers = part.partition(":")
        yield _VIEWS[head[0]], Observation(int(head[1:]), frozenset(int(n) for n in numbers.split(",") if n))


def same(one: Mapping[Observed, Observation], other: Mapping[Observed, Observation]) -> bool:
    """Whether two say the same of a host, whichever imports they are of."""
    return {v: s.components for v, s in one.items()} == {v: s.components for v, s in other.items()}


def stated(
    before: Mapping[Observed, Observation],
    views: Mapping[Observed, Collection[int]],
    run: int,
    products: Mapping[int, str],
    *,
    adds_up: bool = True,
) -> dict[Observed, Observation]:
    """The views of a host after what an import says of it; `products` are those of the components.

    What one import says of a host adds up, unless many texts share the import.
    """
    after = dict(before)
    for view, numbers in views.items():
        told = after.get(view)
        # within one import a host adds up: its rows need not stand together
        joined = {*numbers, *told.components} if adds_up and told and told.by == run else numbers
        after[view] = Observation(run, frozenset(joined))
    if len(after) == 1:
        return after
    for view in views:
        named = {products[n] for n in after[view].components}
        for other in _superseded_by(view):
            seen = after.get(other)
            if seen is None or other in views:
                continue
            kept = frozenset(n for n in seen.components if products[n] not in named)
            if kept:
                after[other] = Observation(seen.by, kept)
            else:
                del after[other]
    return after


def _superseded_by(view: Observed) -> tuple[Observed, ...]:
    return (Observed.INSTALLED, Observed.RUNNING) if view is Observed.DECLARED else (Observed.DECLARED,)


def set_aside(
    were: Iterable[HostObservation],
    before: Mapping[Observed, Observation],
    after: Mapping[Observed, Observation],
    views: Collection[Observed],
    mine: Collection[int],
) -> list[HostObservation]:
    """The statements that stand behind a host's views after an import of some views: the newest of other scopes.

    `were` stood there before, and `mine` are the imports of this one's scope.
    """
    kept = [(view, seen) for view, seen in were if view not in views or seen.by not in mine]
    known = {(view, seen.by) for view, seen in kept}
    for view, seen in before.items():
        if seen.by not in mine and after.get(view) != seen and (view, seen.by) not in known:
            kept.append((view, seen))
    kept.sort(key=lambda one: -one[1].by)
    return [one for view in Observed for one in [s for s in kept if s[0] is view][:BEHIND]]


def said(text: str) -> list[HostObservation]:
    """All statements on a host, each as it was made."""
    whole = behind(text)
    known = {(view, seen.by) for view, seen in whole}
    return [*whole, *((view, seen) for view, seen in decode(text).items() if (view, seen.by) not in known)]


def replayed(statements: Iterable[HostObservation], products: Mapping[int, str]) -> dict[Observed, Observation]:
    """The views that some statements lead to, one import after the other."""
    after: dict[Observed, Observation] = {}
    for run, group in groupby(sorted(statements, key=_run), key=_run):
        after = stated(after, {view: seen.components for view, seen in group}, run, products)
    return after


def _run(statement: HostObservation) -> int:
    return statement[1].by


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts on a host, and what waits for a restart as (what runs, what is installed)."""

    components: frozenset[Component]
    restarts: frozenset[tuple[Component, Component]] = frozenset()


def effective(views: Mapping[Observed, Collection[Component]]) -> Effective:
    """What counts of a host's views.

    For a product that a daemon reports, what runs.  If the same release is installed, its package counts, because it
    has the distribution's revision.  For other products, what is installed, and what was declared.  The CLI is no
    daemon and needs no restart: if it is in the list of packages, that counts.
    """
    counted = set(views.get(Observed.DECLARED, ()))
    restarts: set[tuple[Component, Component]] = set()
    running = _by_product(views.get(Observed.RUNNING, ()))
    installed = _by_product(views.get(Observed.INSTALLED, ()))
    for product in running.keys() | installed.keys():
        runs, packages = running.get(product, []), installed.get(product, [])
        if not runs or (product == "cli" and packages):
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
