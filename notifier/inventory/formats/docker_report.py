"""`docker version` and `docker info` of one host in one text, as issue forms ask for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from feeds.core.errors import InventoryError
from notifier.domain.components import BadRow, Component, Found, Host, Note, Observed
from notifier.inventory.formats import docker_info, docker_version
from notifier.inventory.formats.packages import named
from notifier.inventory.terminal_noise import of_several, without_margin
from notifier.inventory.text import Text

NAME = "docker-report"
_HEADING = re.compile(r"^(?P<side>Client|Server|Client version|Server version|Containers):", re.MULTILINE)
_OF_INFO = re.compile(r"^ ?Containers: *\d|^ Debug Mode: |^ Plugins:", re.MULTILINE)
_OF_VERSION = re.compile(r"^ {1,4}API version: |^(?:Client|Server) version: ", re.MULTILINE)


def recognises(text: Text) -> bool:
    """Whether both outputs are there."""
    if text.sample is not None or of_several(text.head):
        return False
    head = without_margin(text.head)
    return bool(_OF_VERSION.search(head)) and bool(re.search(r"^ ?Containers: *\d", head, re.MULTILINE))


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts of pairs of outputs; InventoryError where it is not clear which outputs belong together."""
    whole = without_margin(text.whole())
    answers = list(_answers(whole))
    versions = [a for a in answers if not _OF_INFO.search(a)]
    infos = [a for a in answers if _OF_INFO.search(a)]
    if len(versions) != len(infos):
        raise InventoryError(
            f"it holds {len(versions)} outputs of `docker version` and {len(infos)} of `docker info`",
            remedy="Import the output of each host by itself, with --host NAME",
        )
    head = whole[: whole.find(answers[0])] if answers else ""
    for number, (version, info) in enumerate(zip(versions, infos, strict=True), 1):
        where = "the text" if len(versions) == 1 else f"pair {number}"
        yield from _pair(head + version, info, host, where)


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


def _pair(version: str, info: str, host: str, where: str) -> Iterator[Found]:
    """The host of one pair: the info names it and its system, the version names its parts."""
    told = list(docker_info.of_text(info, host or "-", where))
    named_by_info = next((one for one in told if isinstance(one, Host)), None)
    parts = [one for one in docker_version.of_text(version) if not isinstance(one, Note)]
    components = [one for one in parts if isinstance(one, Component)]
    yield from (one for one in parts if isinstance(one, BadRow))
    if not components:
        yield from docker_info.of_text(info, host, where)
        return
    name_line = re.search(r"^ ?Name: *(\S+)", info, re.MULTILINE)
    name = named((name_line[1] if name_line else "") or host, "the output")
    if named_by_info is None:
        # before Docker 1.9 the info names the host and no version
        yield Host(name, tuple(components), view=Observed.RUNNING)
        return
    engines = {c.version for c in named_by_info.components if c.product == "engine"}
    if any(c.product == "engine" and c.version not in engines for c in components):
        raise InventoryError(
            f"in {where}, `docker version` and `docker info` name different engines",
            remedy="Import the output of each host by itself, with --host NAME",
        )
    distro = next((c.distro for c in named_by_info.components), "")
    platform = re.search(r"^Server: *\S", version, re.MULTILINE) is not None
    yield from (one for one in told if isinstance(one, Note) and not platform)
    yield Host(
        name,
        tuple(_on(c, distro, platform) for c in components),
        view=Observed.RUNNING,
        identity=named_by_info.identity,
    )


def _on(component: Component, distro: str, platform: bool) -> Component:
    """The component on a distribution; a build that names its platform is Docker's on any of them."""
    if component.distro or not distro:
        return component
    moved = msgspec.structs.replace(component, distro=distro)
    return component if platform and moved.rebuilt and not component.rebuilt else moved
