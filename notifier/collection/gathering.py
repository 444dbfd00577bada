"""Querying engines: the local one, those of `docker` contexts, and hosts over SSH; many at a time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from feeds.core.errors import InventoryError
from notifier.collection import engine_images, engines, ssh
from notifier.collection.engine_images import EngineImages
from notifier.collection.engines import Engine
from notifier.collection.held import HeldImages
from notifier.collection.targets import CollectionTarget
from notifier.domain.components import BadRow, Host, gathered
from notifier.domain.images import HostImages
from notifier.inventory.formats import docker_version, probe
from notifier.inventory.text import Text

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Effort:
    """How many targets are queried at a time, and the seconds that each may take."""

    jobs: int
    seconds: float


def gather(
    targets: Sequence[CollectionTarget],
    effort: Effort,
    told: Callable[[CollectedTarget], None],
    held: HeldImages | None = None,
) -> None:
    """Query every target; `told` gets each answer as it comes, and `held` the images that hosts have.

    A signal that ends the program also ends the processes that it started, and raises KeyboardInterrupt.
    """
    try:
        asyncio.run(_gather(targets, effort, told, held or HeldImages()))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _gather(
    targets: Sequence[CollectionTarget], effort: Effort, told: Callable[[CollectedTarget], None], held: HeldImages
) -> None:
    room = asyncio.Semaphore(effort.jobs)

    async def one(target: CollectionTarget) -> None:
        async with room:
            answer = await _ask(target, effort.seconds, held)
        told(answer)

    with _ended_by_signals():
        async with asyncio.TaskGroup() as group:
            for target in targets:
                group.create_task(one(target))


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within this block, SIGTERM and SIGHUP cancel the task as SIGINT does, unless they are ignored."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    own = threading.current_thread() is threading.main_thread()
    caught = [s for s in (signal.SIGTERM, signal.SIGHUP) if own and signal.getsignal(s) is not signal.SIG_IGN]
    for number in caught:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


async def _ask(target: CollectionTarget, seconds: float, held: HeldImages) -> CollectedTarget:
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
        said = await _in_a_thread(partial(engines.ask, engine, seconds))
    answer = _of_engine(target, said)
    if not answer.hosts:
        return answer
    question = partial(engine_images.ask, engine, answer.hosts[0].name, said.architecture, held)
    try:
        async with asyncio.timeout_at(end):
            found = await _in_a_thread(partial(question, max(0.01, end - loop.time())))
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


async def _in_a_thread(call: Callable[[], T]) -> T:
    """The result of a call in a daemon thread; asyncio's own threads would delay the end of the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            settle = partial(done.set_result, call())
        except Exception as error:  # noqa: BLE001 - raised again where it is awaited
            settle = partial(done.set_exception, error)
        # in a closed loop nobody waits for it
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: done.done() or settle())

    threading.Thread(target=work, daemon=True).start()
    return await done


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
