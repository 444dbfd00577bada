"""What to query: the local engine, contexts of the `docker` program, and hosts over SSH or their engine's API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from feeds.core.errors import InventoryError, UnknownName, UsageProblem
from notifier.collection import contexts, ssh
from notifier.collection.engines import Engine, EngineTls, host_of
from notifier.domain.components import parse_tags

EVERY = "all"
"""Stands for all stored contexts."""
_CONTEXT = "context:"
"""Begins a context in a hosts file."""


@dataclass(frozen=True, slots=True)
class CollectionTarget:
    """One target. `name`, if given, is the host's name instead of the one that the engine reports; `tags` are added.

    `problem` says why it cannot be queried, if that is known in advance.
    """

    label: str
    way: Engine | ssh.Destination
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an operator names; nothing means the local engine. `hosts` are the lines of a hosts file.

    `tls` is the folder with the certificates for `tcp://` addresses in them; "" leaves it to Docker's variables.
    """

    local: bool = False
    contexts: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tls: str = ""

    def __bool__(self) -> bool:
        return bool(self.local or self.contexts or self.hosts)


def targets(chosen: Chosen, environment: Mapping[str, str]) -> list[CollectionTarget]:
    """All targets, each once; UnknownName for a context that does not exist."""
    found: list[CollectionTarget] = []
    if chosen.local or not chosen:
        found.append(_engine("the local engine", contexts.local(environment)))
    if chosen.contexts:
        found.extend(_contexts(chosen.contexts, environment))
    found.extend(_hosts(chosen.hosts, environment, chosen.tls))
    return found


def _engine(label: str, engine: Engine, problem: str = "") -> CollectionTarget:
    if not engine.address.startswith("ssh://"):
        return CollectionTarget(label, engine, problem=problem)
    try:
        return CollectionTarget(label, ssh.destination(engine.address))
    except ValueError as error:
        return CollectionTarget(label, engine, problem=str(error))


def _contexts(names: Iterable[str], environment: Mapping[str, str]) -> Iterator[CollectionTarget]:
    stored = {c.name: c for c in contexts.stored(environment)}
    wanted = list(dict.fromkeys(names))
    if EVERY in wanted:
        wanted = [*stored, *(n for n in wanted if n not in (EVERY, *stored))]
    for name in wanted:
        if name in stored:
            context = stored[name]
            yield _engine(f"context {name}", context.engine, context.problem)
        elif name == "default":
            yield _engine("context default", contexts.local(environment))
        else:
            raise UnknownName(
                f"there is no docker context {name!r}",
                where=str(contexts.folder(environment)),
                remedy="See `docker context ls`",
            )


def label_of(written: str) -> str:
    """What messages call a host of a hosts file.

    >>> label_of("ops@web-1"), label_of("tcp://lab-1:2376"), label_of("context:lab-2")
    ('ssh ops@web-1', 'engine tcp://lab-1:2376', 'context lab-2')
    """
    if written.startswith(_CONTEXT):
        return f"context {written.removeprefix(_CONTEXT)[:80]}"
    return f"{'engine' if written.startswith(('tcp://', 'unix://')) else 'ssh'} {written[:80]}"


def _hosts(lines: Iterable[str], environment: Mapping[str, str], tls: str) -> Iterator[CollectionTarget]:
    """One target per host; the tags of a host that is named twice are merged."""
    found: dict[object, CollectionTarget] = {}
    stored: dict[str, CollectionTarget] | None = None
    for line in lines:
        written, *words = line.split()
        if written.startswith(_CONTEXT) and stored is None:
            stored = {one.label: one for one in _contexts((EVERY, "default"), environment)}
        try:
            one = _host(written, stored or {}, environment, tls)
            tags = parse_tags(";".join(words))
        except ValueError as error:
            yield CollectionTarget(label_of(written), Engine(""), problem=str(error))
            continue
        if one.problem:
            yield one
            continue
        before = found.get(one.way)
        found[one.way] = replace(one, tags=(before.tags if before else {}) | tags)
    yield from found.values()


def _host(
    written: str, stored: Mapping[str, CollectionTarget], environment: Mapping[str, str], tls: str
) -> CollectionTarget:
    """A host of a hosts file, with the name that is written there; ValueError if it is none."""
    label = label_of(written)
    if written.startswith(_CONTEXT):
        if label not in stored:
            where = contexts.folder(environment)
            raise ValueError(f"there is no docker context {written.removeprefix(_CONTEXT)[:80]!r} in {where}")
        return replace(stored[label], name=written.removeprefix(_CONTEXT))
    if written.startswith("unix:///"):
        return CollectionTarget(label, Engine(written))
    if written.startswith(("tcp:", "unix:")):
        secured = EngineTls(Path(tls).expanduser()) if tls else contexts.certificates(environment)
        problem = secured.problem() if secured and tls else ""
        return CollectionTarget(label, Engine(written, secured), host_of(written), problem=problem)
    to = ssh.destination(written)
    return CollectionTarget(label, to, name=to.host)


def lines_of(text: str, name: str) -> tuple[str, ...]:
    """The lines of a hosts file: a host each, with NAME=VALUE tags after it; # begins a comment.

    InventoryError if there is none: an empty list is probably a mistake.
    """
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    found = tuple(line for line in lines if line)
    if not found:
        raise InventoryError("it has no host", where=name)
    return found


def renamed(found: list[CollectionTarget], name: str) -> list[CollectionTarget]:
    """The only target, under the given name; UsageProblem if there are several."""
    if not name:
        return found
    if len(found) != 1:
        raise UsageProblem(f"--host names one host, and {len(found)} are queried")
    (one,) = found
    return [replace(one, name=name)]
