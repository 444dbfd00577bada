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
from notifier.collection import engines, ssh
from notifier.collection.engines import Engine
from notifier.collection.targets import CollectionTarget
from notifier.domain.components import BadRow, Host, gathered
from notifier.inventory.formats import docker_version, probe
from notifier.inventory.text import Text

T = TypeVar("T")

__all__ = ["CollectedTarget", "distinct", "gather"]


@dataclass(frozen=True, slots=True)
class CollectedTarget:
    """What a target answered: hosts of one name in their views; `problem` says why it is not known what runs there.

    `engine` is the engine's id, or "".
    """

    target: CollectionTarget
    hosts: tuple[Host, ...] = ()
    problem: str = ""
    bad: tuple[BadRow, ...] = ()
    engine: str = ""


def gather(
    targets: Sequence[CollectionTarget], jobs: int, seconds: float, told: Callable[[CollectedTarget], None]
) -> None:
    """Query every target, `jobs` at a time, each within `seconds`; `told` gets each answer as it comes.

    A signal that ends the program also ends the processes that it started, and raises KeyboardInterrupt.
    """
    try:
        asyncio.run(_gather(targets, jobs, seconds, told))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _gather(
    targets: Sequence[CollectionTarget], jobs: int, seconds: float, told: Callable[[CollectedTarget], None]
) -> None:
    room = asyncio.Semaphore(jobs)

    async def one(target: CollectionTarget) -> None:
        async with room:
            answer = await _ask(target, seconds)
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


async def _ask(target: CollectionTarget, seconds: float) -> CollectedTarget:
    if target.problem:
        return CollectedTarget(target, problem=target.problem)
    try:
        if isinstance(target.way, Engine):
            async with asyncio.timeout(seconds):
                said = await _in_a_thread(partial(engines.ask, target.way, seconds))
            return _of_engine(target, said)
        text = await ssh.probe(target.way, seconds)
        found = probe.probed(text, target.name or probe.own_name(text) or _own_name(target))
    except TimeoutError:
        return CollectedTarget(target, problem=f"timed out after {seconds:g} s")
    except InventoryError as error:
        return CollectedTarget(target, problem=_said(error))
    return CollectedTarget(target, _tagged(found.hosts, target), found.problem, found.bad)


def _said(error: InventoryError) -> str:
    what = f"{error.what} ({error.where})" if error.where else error.what
    return f"{what}. {error.remedy}" if error.remedy else what


def _of_engine(target: CollectionTarget, said: engines.EngineAnswer) -> CollectedTarget:
    name = target.name or said.name or _own_name(target)
    found = gathered(docker_version.read(Text.of(said.version), name))
    hosts = found.hosts
    problem = "" if hosts else "; ".join(found.notes) or "what answers is no engine"
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
            hosts = tuple(replace(h, name=_own_name(answer.target)) for h in answer.hosts)
            kept.setdefault((name, answer.engine), replace(answer, hosts=hosts))
        else:
            kept.setdefault((name, answer.engine) if answer.engine else number, answer)
    return list(kept.values())


def _name(answer: CollectedTarget) -> str:
    return answer.hosts[0].name if answer.hosts else ""
