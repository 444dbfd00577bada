"""What to query: the local engine, contexts of the `docker` program, hosts over SSH."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from feeds.core.errors import InventoryError, UnknownName, UsageProblem
from notifier.collection import contexts, ssh
from notifier.collection.engines import Engine
from notifier.domain.components import parse_tags

EVERY = "all"
"""Stands for all stored contexts."""


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
    """What an operator names; nothing means the local engine. `ssh` holds hosts as the lines of a hosts file."""

    local: bool = False
    contexts: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.local or self.contexts or self.ssh)


def targets(chosen: Chosen, environment: Mapping[str, str]) -> list[CollectionTarget]:
    """All targets, each once; UnknownName for a context that does not exist."""
    found: list[CollectionTarget] = []
    if chosen.local or not chosen:
        found.append(_engine("the local engine", contexts.local(environment)))
    if chosen.contexts:
        found.extend(_contexts(chosen.contexts, environment))
    found.extend(_hosts(chosen.ssh))
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


def _hosts(lines: Iterable[str]) -> Iterator[CollectionTarget]:
    """One target per host; the tags of a host that is named twice are merged."""
    found: dict[ssh.Destination, CollectionTarget] = {}
    for line in lines:
        written, *words = line.split()
        try:
            to = ssh.destination(written)
            tags = parse_tags(";".join(words))
        except ValueError as error:
            yield CollectionTarget(f"ssh {written[:80]}", Engine(""), problem=str(error))
            continue
        known = found[to].tags if to in found else {}
        found[to] = CollectionTarget(f"ssh {written}", to, name=to.host, tags=known | tags)
    yield from found.values()


def lines_of(text: str, name: str) -> tuple[str, ...]:
    """The hosts of a hosts file: one per line, with NAME=VALUE tags after the name; # begins a comment.

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
    return [CollectionTarget(one.label, one.way, name, one.tags, one.problem)]
