"""Reads an inventory of whatever format, named or recognised."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from feeds.core.errors import InventoryError, UsageProblem
from notifier.config import MappingPaths
from notifier.domain.components import BadRow, Bare, Found, Host, LeftOut, Note, Observed, host_name
from notifier.inventory.all_formats import FORMATS, InputFormat, format_of, read_as
from notifier.inventory.text import Text


class Reading(NamedTuple):
    """A text that is being read: its format, what the format was recognised by, and what is found, as it is read."""

    format: str
    sign: str
    found: Iterator[Found]


@dataclass(frozen=True, slots=True)
class InputOptions:
    """How to read a text."""

    form: str = ""
    """The format, or a mapping of the configuration; "" to recognise the format."""
    host: str = ""
    """The name of the host, which replaces the name in an input that holds one host."""
    product: str = ""
    """The product of versions that do not name theirs."""
    client: bool = True
    """Whether the docker client in the output of `docker version` is this host's CLI."""
    own: Mapping[str, MappingPaths] = field(default_factory=dict)
    """The mappings of the configuration, by name."""


def read(
    text: Text | str | bytes, form: str = "", host: str = "", product: str = "", *, own: Mapping[str, MappingPaths] = {}
) -> Iterator[Found]:
    """What a text of a named or recognised format holds, as it is read. See `open_text`."""
    return open_text(text, InputOptions(form, host, product, own=own)).found


def open_text(text: Text | str | bytes, options: InputOptions) -> Reading:
    """Find the format of a text, unless the options name it, and begin to read it.

    A host whose rows are not adjacent comes several times; `gathered` joins them. InventoryError if no format fits
    (at once) or nothing can be read (at once, or later); UsageProblem if no format, or no host, can have that name.
    """
    if not isinstance(text, Text):
        text = Text.of(text)
    chosen = format_of(text, options.form, options.own)
    found = read_as(chosen, text, options.host, options.product)
    if options.form and chosen in FORMATS and not _recognises(chosen, text):
        found = _unlike(found, options.form, next((f.NAME for f in FORMATS if _recognises(f, text)), ""))
    sign = "--from names the format" if options.form else chosen.SIGN
    found = _named(found, _given_name(options.host))
    return Reading(chosen.NAME, sign, _reported(found if options.client else _without_clients(found)))


def _recognises(candidate: InputFormat, text: Text) -> bool:
    with contextlib.suppress(InventoryError):
        return candidate.recognises(text)
    return False


def _unlike(found: Iterator[Found], form: str, looks: str) -> Iterator[Found]:
    """What was found in a text that does not look like the format in which it was read.

    If no host was found, the format's own notes about what the text lacks may be wrong, and are left out.
    """
    notes: list[Note] = []
    hosts = False
    try:
        for one in found:
            if isinstance(one, Note) and not hosts:
                notes.append(one)
                continue
            if isinstance(one, Host | Bare) and not hosts:
                hosts = True
                yield from notes
            yield one
    except InventoryError as error:
        if looks and not error.remedy:
            raise InventoryError(error.what, remedy=f"It looks like {looks}: leave out --from") from error
        raise
    if not hosts:
        yield Note(f"it does not look like {form}" + (f", but like {looks}" if looks else ""))


def _given_name(host: str) -> str:
    """The name that was given for a host, "" without one; UsageProblem if it cannot be one."""
    try:
        return host_name(host) if host.strip() else ""
    except ValueError as error:
        raise UsageProblem(str(error), where="host") from error


def _named(found: Iterator[Found], host: str) -> Iterator[Found]:
    """The hosts; if there is only one, under the name `host`, which has precedence over the name in the input."""
    held: list[Found] = []
    names: dict[str, None] = {}
    for one in found if host else ():
        held.append(one)
        if isinstance(one, Host | Bare):
            names[one.name] = None
            if len(names) > 1:
                yield Note(f"it names several hosts ({', '.join(names)}, ...), so --host {host} is ignored")
                break
    else:
        held = [replace(one, name=host_name(host)) if isinstance(one, Host | Bare) else one for one in held]
    yield from held
    yield from found


def _without_clients(found: Iterator[Found]) -> Iterator[Found]:
    """What was found, without the clients that `docker version` names: they are the CLI of another machine."""
    for one in found:
        if isinstance(one, Host) and one.view is Observed.RUNNING:
            kept = tuple(c for c in one.components if c.product != "cli")
            for client in (c for c in one.components if c.product == "cli"):
                yield LeftOut(f"cli {client.version}", "--no-client was given")
            yield replace(one, components=kept)
        else:
            yield one


def _reported(found: Iterator[Found]) -> Iterator[Found]:
    """What was read, in characters that can be shown, with a note if nothing was."""
    nothing = True
    for one in found:
        nothing = nothing and isinstance(one, LeftOut)
        if isinstance(one, BadRow):
            yield BadRow(_shown(one.where), _shown(one.reason))
        elif isinstance(one, LeftOut):
            yield LeftOut(_shown(one.what), _shown(one.reason))
        else:
            yield Note(_shown(one.text)) if isinstance(one, Note) else one
    if nothing:
        yield Note("it contains no host")


def _shown(text: str) -> str:
    """A message without the control characters of a file, which a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
