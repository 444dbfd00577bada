"""Inventories: one file a format, each a recogniser and a reader from text to hosts.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from feeds.core.errors import InventoryError, UsageProblem
from notifier.domain.components import BadRow, Found, Host, Note, gathered
from notifier.inventory import unsupported
from notifier.inventory.formats import (
    ansible,
    apk,
    csv_rows,
    cyclonedx,
    dnf,
    docker_info,
    docker_node,
    docker_version,
    dpkg,
    json_rows,
    kubernetes,
    ndjson,
    osquery,
    probe,
    prometheus,
    rpm,
    syft,
)
from notifier.inventory.text import Text


class InputFormat(Protocol):
    """What a format's module offers."""

    NAME: str

    def recognises(self, text: Text) -> bool:
        """Whether a text is of this format, by its head or its first JSON value."""

    def read(self, text: Text, host: str = "", /) -> Iterator[Found]:
        """The hosts in a text, what could not be taken, and notes; `host` names the host where the format does not."""


FORMATS: tuple[InputFormat, ...] = (
    probe,
    docker_version,
    docker_info,
    docker_node,
    kubernetes,
    cyclonedx,
    syft,
    ansible,
    json_rows,
    ndjson,
    osquery,
    prometheus,
    csv_rows,
    dnf,
    apk,
    dpkg,
    rpm,
)
"""In the order of asking: the first that recognises a text reads it."""

__all__ = ["FORMATS", "InputFormat", "gathered", "read"]


def read(text: Text | str | bytes, form: str = "", host: str = "") -> Iterator[Found]:
    """What a text of a named or recognised format holds, as it is read.

    A host whose rows do not stand together comes several times; `gathered` joins them. InventoryError
    where no format fits (at once) or nothing can be read (at once, or on the way); UsageProblem where no
    format has that name.
    """
    if not isinstance(text, Text):
        text = Text.of(text)
    return _told(_format(text, form).read(text, host), host)


def _format(text: Text, form: str) -> InputFormat:
    names = ", ".join(f.NAME for f in FORMATS)
    unsupported.refuse_bytes(text.head)
    if form:
        chosen = next((f for f in FORMATS if form == f.NAME), None)
        if chosen is None:
            raise UsageProblem(f"no inventory format is called {form[:60]!r}", remedy=f"Use one of {names}")
        return chosen
    if text.empty:
        raise InventoryError("it is empty")
    unsupported.refuse_command(text.head)
    for candidate in FORMATS:
        if candidate.recognises(text):
            return candidate
    raise unsupported.unrecognised(text.head, names)


def _told(found: Iterator[Found], host: str) -> Iterator[Found]:
    """What was read, with a word where nothing was, or where `host` named nobody."""
    nothing, others = True, ""
    for one in found:
        nothing = False
        if isinstance(one, Host) and one.name != host.strip():
            others = others or one.name
        if isinstance(one, BadRow):
            yield BadRow(_shown(one.where), _shown(one.reason))
        else:
            yield Note(_shown(one.text)) if isinstance(one, Note) else one
    if nothing:
        yield Note("it holds no host")
    elif host and others:
        yield Note(f"the file names its hosts itself ({others}): --host {host} is not used")


def _shown(text: str) -> str:
    """A message without the characters of a file that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
