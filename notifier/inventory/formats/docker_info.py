"""`docker info`, as JSON and as text, and the answer of the engine's API (/info).

It names the host, the engine's version, and of containerd and runc only commits, which tell a version
where it was built from a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.terminal_noise import of_several, without_margin
from notifier.inventory.text import Item, Text, obj, word

NAME = "docker-info"
SIGN = "JSON with `ServerVersion`, or text with `Server Version:` and no `API version:`"
_NO_SERVER = Note("no server answered: it shows a client only, and the client is not an engine")
_LINES = (
    *("Name", "Server Version", "Operating System", "Kernel Version"),
    *("containerd version", "runc version", "init version", "ID"),
)
_NO_VERSION = "before Docker 1.9 `docker info` does not show the engine's version; `docker version` does"
_NERDCTL = Note("it is the output of `nerdctl info`, which shows containerd's version only; use `nerdctl version`")
_BEGINS = re.compile(r"^(?:Client:|Containers:)", re.MULTILINE)
_WITHOUT_CLIENT = re.compile(r"^Server:\n Containers:", re.MULTILINE)
_VERSION = re.compile(r"API version|ApiVersion|^ containerd:$|^ +Revision: ", re.MULTILINE)
_PODMAN = re.compile(r"^host:\n(?:  .*\n)*?  buildahVersion: ", re.MULTILINE)
_TEXT = re.compile(
    r"^ ?(?:Server Version|Execution Driver|Default Runtime|Server): ?|^ ?Debug Mode(?: \(client\))?: ", re.MULTILINE
)


def recognises(text: Text) -> bool:
    """Whether it is the output of `docker info` or the API; also of Podman and nerdctl, to report that."""
    if text.sample is not None:
        return is_answer(text.sample) and not _with_version(text)
    if of_several(text.head):
        return False
    head = without_margin(text.head)
    begins = bool(_BEGINS.search(head) or _WITHOUT_CLIENT.search(head)) and not _VERSION.search(head)
    return (begins and bool(_TEXT.search(head))) or _PODMAN.search(head) is not None


def is_answer(value: object) -> bool:
    """Whether a JSON value is an answer to `docker info`, or of the API."""
    said = obj(value)
    told = "ServerVersion" in said and ("Containers" in said or "Driver" in said or "OperatingSystem" in said)
    old = "ExecutionDriver" in said and "Containers" in said
    return told or old or "ServerErrors" in said or "ClientInfo" in said or daemon_reports.is_podman_info(said)


def _with_version(text: Text) -> bool:
    """Whether answers to `docker version` stand beside those to `docker info`."""
    return any("Server" in obj(v) and "Client" in obj(v) for v in text.first_values())


def is_among(text: Text) -> bool:
    """Whether one of several JSON values is an answer to `docker info`."""
    values = text.first_values()
    return len(values) > 1 and any(map(is_answer, values))


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The host that it describes, under the name in it; all hosts if several outputs follow each other."""
    if text.sample is None:
        whole = without_margin(text.whole())
        starts = [m.start() for m in _BEGINS.finditer(whole)] or [0]
        if (first := _WITHOUT_CLIENT.search(whole, 0, starts[0])) is not None:
            starts.insert(0, first.start())
        for number, (start, end) in enumerate(pairwise([*starts, len(whole)]), 1):
            yield from of_text(whole[start:end], host, "the text" if len(starts) == 1 else f"answer {number}")
        return
    for item in text.items():
        if isinstance(item, Item):
            yield from of_info(obj(item.value), host, item.where)
        else:
            yield item


def of_info(said: dict[str, object], host: str = "", where: str = "the document") -> Iterator[Found]:
    """The host of one answer to /info."""
    info = daemon_reports.info(said)
    if daemon_reports.is_podman_info(said):
        yield daemon_reports.no_docker("Podman")
    elif daemon_reports.is_nerdctl_info(said):
        yield _NERDCTL
    elif not info.version and ("ExecutionDriver" in said or word(said, "Driver")):
        yield BadRow(where, f"{info.name[:60]}: {_NO_VERSION}".removeprefix(": "))
    elif not info.version:
        yield _NO_SERVER
    else:
        yield from daemon_reports.host_of(info, info.name or named(host, "`docker info`"), where)


def of_text(text: str, host: str, where: str) -> Iterator[Found]:
    """The host of one answer as text."""
    said = {key: match[1].strip() for key in _LINES if (match := re.search(rf"^ ?{key}: ?(.*)$", text, re.MULTILINE))}
    if _PODMAN.search(text) or re.search(r"^ *Storage: ", text, re.MULTILINE):
        yield daemon_reports.no_docker("Podman") if _PODMAN.search(text) else _NERDCTL
        return
    if not said.get("Server Version"):
        told = re.search(r"^ ?Storage Driver: ", text, re.MULTILINE)
        yield BadRow(where, f"{said.get('Name', '')[:60]}: {_NO_VERSION}".lstrip(": ")) if told else _NO_SERVER
        return
    name, version, system, kernel, containerd, runc, init, identity = (said.get(key, "") for key in _LINES)
    commits = [commit.split(" ")[0] for commit in (containerd, runc, init)]
    info = daemon_reports.Info(name, version, system, kernel, commits[0], commits[1], commits[2], identity)
    yield from daemon_reports.host_of(info, name or named(host, "`docker info`"), where)
