"""Own rows as NDJSON: one JSON object a line, with the names of the CSV's columns."""

from __future__ import annotations

from collections.abc import Iterator

from notifier.domain.components import Found
from notifier.inventory.formats import json_rows
from notifier.inventory.text import Text

NAME = "ndjson"
SIGN = "one JSON object a line, each with a host, and a `product` or `components`"


def recognises(text: Text) -> bool:
    """Whether it is one row of ours a line."""
    return json_rows.is_row(text.sample) and not text.is_document


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts, as their rows end; what cannot be read comes with its line and the reason."""
    del host  # every row names its own
    yield from json_rows.joined(text.items(rows=True))
