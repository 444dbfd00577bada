"""`docker version` and `docker info` of one host in one input, as issue forms ask for them: as text or as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import msgspec

from feeds.core.errors import InventoryError
from notifier.domain.components import BadRow, Component, Found, Host, LeftOut, Note, Observed
from notifier.inventory.formats import docker_info, docker_version
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.terminal_noise import of_several, without_margin
from notifier.inventory.text import Text, word

NAME = "docker-report"
SIGN = "it has both an answer of `docker version` and one of `docker info`"
_T = TypeVar("_T")
_HEADING = re.compile(r"^(?P<side>Client|Server|Client version|Server version|Containers):", re.MULTILINE)
_OF_INFO = re.compile(r"^ ?Containers: *\d|^ Debug Mode: |^ Plugins:", re.MULTILINE)
_OF_VERSION = re.compile(r"^ {1,4}API version: |^(?:Client|Server) version: ", re.MULTILINE)


class _Pair(NamedTuple):
    """What the two outputs of one host say."""

    where: str
    parts: list[docker_version.Said]
    """Of `docker version`."""
    platform: bool
    """Whether the server names the platform of its build."""
    info: list[Found]
    name: str
    """The host's name in `docker info`; "" if it has none."""


def recognises(text: Text) -> bool:
    """Whether both outputs are there."""
    if text.sample is not None:
        either = docker_info.is_answer(text.sample) or docker_version.is_answer(text.sample)
        values = text.first_values() if either else []
        return any(map(docker_info.is_answer, values)) and any(_is_version(v) for v in values)
    if of_several(text.head):
        return False
    head = without_margin(text.head)
    return bool(_OF_VERSION.search(head)) and bool(re.search(r"^ ?Containers: *\d", head, re.MULTILINE))


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts of pairs of outputs; InventoryError if it is not clear which outputs belong together."""
    if text.sample is not None:
        yield from _of_json(text, host)
        return
    whole = without_margin(text.whole())
    answers = list(_answers(whole))
    versions = [a for a in answers if not _OF_INFO.search(a)]
    infos = [a for a in answers if _OF_INFO.search(a)]
    head = whole[: whole.find(answers[0])] if answers else ""
    for where, version, info in _pairs(versions, infos, "the text"):
        parts = list(docker_version.of_text(head + version))
        name = re.search(r"^ ?Name: *(\S+)", info, re.MULTILINE)
        told = list(docker_info.of_text(info, host or "-", where))
        platform = re.search(r"^Server: *\S", version, re.MULTILINE) is not None
        yield from _joined(_Pair(where, parts, platform, told, name[1] if name else ""), host)


def _of_json(text: Text, host: str) -> Iterator[Found]:
    versions: list[Any] = []
    infos: list[Any] = []
    for item in text.items():
        if isinstance(item, BadRow):
            yield item
        elif _is_version(item.value):
            versions.append(item.value)
        elif docker_info.is_answer(item.value):
            infos.append(item.value)
        else:
            yield BadRow(item.where, "it is neither of `docker version` nor of `docker info`")
    for where, version, info in _pairs(versions, infos, "the document"):
        told = list(docker_info.of_info(info, host or "-", where))
        platform = bool(word(version, "Server", "Platform", "Name") or word(version, "Platform", "Name"))
        yield from _joined(
            _Pair(where, list(docker_version.of_answer(version)), platform, told, word(info, "Name")), host
        )


def _is_version(value: Any) -> bool:
    return docker_version.is_answer(value) and not docker_info.is_answer(value)


def _pairs(versions: list[_T], infos: list[_T], alone: str) -> Iterator[tuple[str, _T, _T]]:
    """The outputs that belong together, each pair with its place."""
    if len(versions) != len(infos):
        raise InventoryError(
            f"it holds {len(versions)} outputs of `docker version` and {len(infos)} of `docker info`",
            remedy="Import the output of each host separately, with --host NAME",
        )
    for number, (version, info) in enumerate(zip(versions, infos, strict=True), 1):
        yield alone if len(versions) == 1 else f"pair {number}", version, info


def _answers(text: str) -> Iterator[str]:
    """The outputs in a text, each with its client and its server."""
    starts: list[int] = []
    served = True
    for heading in _HEADING.finditer(text):
        side = heading["side"]
        if side.startswith("Server"):
            if served:
                starts.append(heading.start())
            served = True
        else:
            starts.append(heading.start())
            served = side == "Containers"
    yield from (text[start:end] for start, end in pairwise([*starts, len(text)]))


def _joined(pair: _Pair, host: str) -> Iterator[Found]:
    """The host of one pair: the info names it and its system, the version names its parts."""
    of_info = next((one for one in pair.info if isinstance(one, Host)), None)
    components = [one for one in pair.parts if isinstance(one, Component)]
    yield from (one for one in pair.parts if isinstance(one, BadRow | LeftOut))
    if of_info or components:
        name = named(pair.name or host, "the output")
    if not components:
        yield from pair.info
        return
    if of_info is None:
        # before Docker 1.9 the info names the host and no version
        yield Host(name, tuple(components), view=Observed.RUNNING)
        return
    engines = {c.version for c in of_info.components if c.product == "engine"}
    if any(c.product == "engine" and c.version not in engines for c in components):
        raise InventoryError(
            f"in {pair.where}, `docker version` and `docker info` name different engines",
            remedy="Import the output of each host separately, with --host NAME",
        )
    distro = next((c.distro for c in of_info.components), "")
    yield from (one for one in pair.info if isinstance(one, Note) and not pair.platform)
    moved = tuple(_on(c, distro, pair.platform) for c in components)
    yield Host(name, moved, view=Observed.RUNNING, identity=of_info.identity)


def _on(component: Component, distro: str, platform: bool) -> Component:
    """The component on a distribution; a build that names its platform is Docker's on any of them."""
    if component.distro or not distro:
        return component
    moved = msgspec.structs.replace(component, distro=distro)
    return component if platform and moved.rebuilt and not component.rebuilt else moved
