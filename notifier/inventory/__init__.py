"""Inventories: one file a format, each a recogniser and a reader from text to hosts.  Pure."""

from __future__ import annotations

from typing import Protocol

from feeds.errors import InventoryError, UsageProblem
from notifier.inventory import csv_rows, docker_version, probe
from notifier.inventory.model import BadRow, Component, Host, Inventory, View


class Format(Protocol):
    """What a format's module offers."""

    NAME: str

    def recognises(self, text: str) -> bool:
        """Whether a text is of this format."""

    def read(self, text: str, host: str = "") -> Inventory:
        """The hosts in a text; `host` names it where the format does not."""


FORMATS: tuple[Format, ...] = (probe, docker_version, csv_rows)
"""In the order of asking: the first that recognises a text reads it."""

__all__ = ["FORMATS", "BadRow", "Component", "Format", "Host", "Inventory", "View", "read"]


def read(text: str, *, form: str = "", host: str = "") -> Inventory:
    """The hosts in a text of a named or recognised format; InventoryError where none fits."""
    if form:
        chosen = next((f for f in FORMATS if form == f.NAME), None)
        if chosen is None:
            raise UsageProblem(
                f"no inventory format is called {form!r}", remedy=f"Use one of {', '.join(f.NAME for f in FORMATS)}"
            )
        return chosen.read(text, host)
    if not text.strip():
        raise InventoryError("it is empty")
    for candidate in FORMATS:
        if candidate.recognises(text):
            return candidate.read(text, host)
    raise InventoryError(
        "its format is not recognised", remedy=f"Say it with --from: {', '.join(f.NAME for f in FORMATS)}"
    )
