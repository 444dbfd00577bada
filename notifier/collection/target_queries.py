"""Querying one target: an engine over its API, or a host over SSH; and what the answers of several come to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from feeds.core.errors import InventoryError
from notifier.collection import engine_images, engines, ssh
from notifier.collection.collected_images import HeldImages
from notifier.collection.engine_images import EngineImages
from notifier.collection.engines import Engine
from notifier.collection.targets import CollectionTarget
from notifier.collection.threads import in_a_thread
from notifier.domain.components import BadRow, Host, gathered
from notifier.domain.images import HostImages
from notifier.inventory.formats import docker_version, probe
from notifier.inventory.text import Text


@dataclass(frozen=True, slots=True)
class CollectedTarget:
    """What a target answered: hosts of one name in their views; `problem` says why it is not known what runs there.

    `engine` is the engine's id, or "". `images` says what runs; the images themselves are with those of the collection.
    `notes` tell, without the host's name, what is not known of its images.
    """

    target: CollectionTarget
    hosts: tuple[Host, ...] = ()
    problem: str = ""
    bad: tuple[BadRow, ...] = ()
    engine: str = ""
    images: HostImages | None = None
    notes: tuple[str, ...] = ()
    place: int = 0
    """The number of the target among those that were queried, from 0."""


async def ask(target: CollectionTarget, seconds: float, held: HeldImages) -> CollectedTarget:
    """Query one target, in so many seconds at most."""
    if target.problem:
        return CollectedTarget(target, problem=target.problem)
    try:
        if isinstance(target.way, Engine):
            return await _ask_engine(target, target.way, seconds, held)
        text = await ssh.probe(target.way, seconds)
        found = probe.probed(text, target.name or probe.own_name(text) or _own_name(target))
    except TimeoutError:
        return CollectedTarget(target, problem=f"timed out after {seconds:g} s")
    except InventoryError as error:
        return CollectedTarget(target, problem=_said(error))
    images = held.without_held(found.images.images) if found.images.images else None
    hosts = _tagged(found.hosts, target)
    return CollectedTarget(target, hosts, found.problem, found.bad, images=images, notes=found.images.notes)


async def _ask_engine(target: CollectionTarget, engine: Engine, seconds: float, held: HeldImages) -> CollectedTarget:
    """The versions of an engine, and in the time that is left its images."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    async with asyncio.timeout_at(end):
        said = await in_a_thread(partial(engines.ask, engine, seconds))
    answer = _of_engine(target, said)
    if not answer.hosts:
        return answer
    question = partial(engine_images.ask, engine, answer.hosts[0].name, said.architecture, held)
    try:
        async with asyncio.timeout_at(end):
            found = await in_a_thread(partial(question, max(0.01, end - loop.time())))
    except (TimeoutError, InventoryError):
        found = EngineImages(notes=["its images are not known: timed out"])
    images = held.without_held(found.images) if found.images else None
    return replace(answer, images=images, notes=tuple(found.notes))


def _said(error: InventoryError) -> str:
    what = f"{error.what} ({error.where})" if error.where else error.what
    return f"{what}. {error.remedy}" if error.remedy else what


def _of_engine(target: CollectionTarget, said: engines.EngineAnswer) -> CollectedTarget:
    name = target.name or said.name or _own_name(target)
    found = gathered(docker_version.read(Text.of(said.version), name))
    hosts = found.hosts
    problem = "" if hosts else "; ".join(found.notes) or "the server is not an engine"
    if "podman" in problem.lower():
        problem = f"Podman: {problem}"
    return CollectedTarget(target, _tagged(hosts, target), problem, engine=said.id)


def _own_name(target: CollectionTarget) -> str:
    """The name of a host whose engine reports none: that of its context, or of this machine."""
    return target.label.removeprefix("context ") if target.label.startswith("context ") else socket.gethostname()


def _tagged(hosts: tuple[Host, ...], target: CollectionTarget) -> tuple[Host, ...]:
    return tuple(replace(h, tags=h.tags | target.tags) for h in hosts)


def distinct(answers: Sequence[CollectedTarget]) -> list[CollectedTarget]:
    """The answers, with a name of its own for each host.

    An engine that was reached in two ways is kept once.  Machines that report the same name (`localhost`) get the
    names of their contexts.
    """
    engines_of: dict[str, set[str]] = {}
    for answer in answers:
        engines_of.setdefault(_name(answer), set()).add(answer.engine)
    kept: dict[object, CollectedTarget] = {}
    for number, answer in enumerate(answers):
        name = _name(answer)
        if answer.engine and not answer.target.name and len(engines_of[name] - {""}) > 1:
            own = _own_name(answer.target)
            hosts = tuple(replace(h, name=own) for h in answer.hosts)
            images = replace(answer.images, name=own) if answer.images else None
            kept.setdefault((name, answer.engine), replace(answer, hosts=hosts, images=images))
        else:
            kept.setdefault((name, answer.engine) if answer.engine else number, answer)
    return list(kept.values())


def _name(answer: CollectedTarget) -> str:
    return answer.hosts[0].name if answer.hosts else ""
