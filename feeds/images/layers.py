"""Chains of layers. A chain is a list of layers from the bottom up; images that share their first layers share it.

Chains form a tree, so that "whose layers are the first of these" is a walk to the root and no comparison of lists.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

EMPTY_LAYER = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""The diff_id of a layer without files, which builders put where an instruction changed none."""

ROOT = 0
"""The chain without layers."""


class Chains:
    """A tree of chains by their numbers; 0 is the chain without layers."""

    def __init__(self, rows: Iterable[tuple[int, int, str]] = ()) -> None:
        """`rows` are (number, parent, diff_id of the last layer), in any order."""
        self._parent: dict[int, int] = {}
        self._layer: dict[int, str] = {}
        self._child: dict[tuple[int, str], int] = {}
        for number, parent, layer in rows:
            self._parent[number], self._layer[number] = parent, layer
            self._child[parent, layer] = number
        self._last = max(self._parent, default=0)
        self._empty: dict[int, bool] = {ROOT: True}

    def add(self, layers: Iterable[str]) -> int:
        """The number of a chain of diff_ids, which is added where it is new."""
        at = ROOT
        for layer in layers:
            found = self._child.get((at, layer))
            if found is None:
                self._last = found = self._last + 1
                self._parent[found], self._layer[found] = at, layer
                self._child[at, layer] = found
            at = found
        return at

    def parent(self, number: int) -> int:
        """The chain without its last layer."""
        return self._parent.get(number, ROOT)

    def upward(self, number: int) -> Iterator[int]:
        """The chain, then each shorter chain below it, without the empty one."""
        while number != ROOT:
            yield number
            below = self._parent.get(number, ROOT)
            number = below if below < number else ROOT  # numbers grow with the chain: a circle ends

    def upward_among(self, number: int, chosen: Container[int]) -> Iterator[int]:
        """Those of `upward` that are chosen."""
        parent = self._parent
        while number != ROOT:
            if number in chosen:
                yield number
            below = parent.get(number, ROOT)
            number = below if below < number else ROOT

    def from_the_top(self) -> Iterator[tuple[int, int]]:
        """Every chain with the one below it, each before that: a chain is numbered after the one that it extends."""
        for number in sorted(self._parent, reverse=True):
            yield number, self._parent[number]

    def layers(self, number: int) -> tuple[str, ...]:
        """The diff_ids of a chain, from the bottom up."""
        return tuple(self._layer[n] for n in self.upward(number))[::-1]

    def depth(self, number: int) -> int:
        """How many layers a chain has."""
        return sum(1 for _ in self.upward(number))

    def stands_on(self, number: int, base: int) -> bool:
        """Whether the layers of `base` are the first of a chain (or all of it)."""
        return base == ROOT or base in self.upward(number)

    def only_empty(self, number: int) -> bool:
        """Whether a chain has no layer with files."""
        found = self._empty.get(number)
        if found is None:
            found = self._empty[number] = all(self._layer[n] == EMPTY_LAYER for n in self.upward(number))
        return found

    def up_to(self, number: int, layer: str) -> int:
        """The part of a chain that ends with its topmost `layer`; the empty chain where it has none."""
        return next((n for n in self.upward(number) if self._layer[n] == layer), ROOT)
