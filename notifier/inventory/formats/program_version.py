"""What programs print when they are asked for their version: `docker --version`, `runc --version`, `crictl version`.

The version is of the program that was run.  `dockerd --version` prints what `docker --version` prints; where
a prompt above the line does not show which it was, it is read as the client's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from feeds.core.errors import InventoryError, NavtexError
from notifier.domain.components import BadRow, Component, Found, Host, Note, Observed, component, host_name
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines, obj, word

NAME = "program-version"
SIGN = "its first line is a version that `docker`, `containerd`, `runc` or `crictl` printed"
_LONGEST = 2000
_PROGRAMS = (
    ("cli", r"Docker version (?P<version>[^\s,]+)(?:, build (?P<commit>\S+))?"),
    ("compose", r"Docker Compose version (?P<version>\S+)"),
    ("compose", r"docker-compose version:? (?P<version>[^\s,]+)(?:, build (?P<commit>\S+))?"),
    ("buildx", r"github\.com/docker/buildx (?P<version>\S+)(?: (?P<commit>\S+))?"),
    ("buildkit", r"buildkitd github\.com/moby/buildkit (?P<version>\S+)(?: (?P<commit>\S+))?"),
    ("containerd", r"containerd (?:\S*[./]\S*/)?containerd(?:\.io|/v\d+)? (?P<version>\S+)(?: (?P<commit>\S+))?"),
    ("runc", r"runc version (?P<version>v?\d\S*)"),
    ("runc", r"runc version (?P<version>)(?:spec: \S+)?"),
)
_PROMPTED = re.compile(r"(?:^|[/\s])(?:dockerd|docker(?: daemon| -d)) +(?:--version|-v|version)\b")
_OTHERS = re.compile(r"(?P<name>podman|nerdctl|balenaEngine|crio|buildctl|cri-dockerd|docker-machine)\b.*\bv?\d+\.\d+")
_LINE = re.compile(r"(?:(?P<host>[\w.-]{1,253}):[ \t]+)?(?P<rest>\S.*)")
_COMMIT = re.compile(r"commit: *(\S+)")
_CRICTL = re.compile(r"^RuntimeName: +(\S+)\s+RuntimeVersion: +(\S+)", re.MULTILINE)
_CTR = re.compile(r"^Server:\s+Version: +(\S+)\s+Revision: +\S*\s+UUID: ", re.MULTILINE)
_RUNTIMES = {"containerd": "containerd", "docker": "engine"}
_CLIENT = Note("`docker --version` shows the client's version; if it is of `dockerd --version`, add --product engine")


class _Said(NamedTuple):
    """A program's version; `host` is "" if the line does not name it."""

    where: str
    host: str
    product: str
    version: str
    commit: str


def recognises(text: Text) -> bool:
    """Whether its first line is a program's version."""
    if text.sample is not None:
        return text.is_document and bool(word(text.sample, "runtimeName") and word(text.sample, "runtimeVersion"))
    lines = [x.strip() for x in first_lines(text.head, 40) if not is_noise(x)][:1]
    if any(_program(x) or _OTHERS.match(x) for x in lines):
        return True
    return _CRICTL.search(text.head) is not None or _CTR.search(text.head) is not None


def read(text: Text, host: str = "", product: str = "") -> Iterator[Found]:
    """The hosts whose programs said their versions; `host` names those whose lines do not.

    `product` is what `Docker version` is of, where it is not the client.
    """
    if text.sample is not None:
        said = obj(text.document())
        yield from _runtime(word(said, "runtimeName"), word(said, "runtimeVersion"), host)
        return
    whole = text.whole()
    if (asked := _CRICTL.search(whole)) or (asked := _CTR.search(whole)):
        name, version = asked.groups() if len(asked.groups()) > 1 else ("containerd", asked[1])
        yield from _runtime(name, version, host)
        return
    hosts: dict[str, dict[Component, None]] = {}
    nameless: list[BadRow] = []
    client = False
    for one in _versions(whole, product):
        if not isinstance(one, _Said):
            yield one
        elif not one.host and not host.strip():
            nameless.append(BadRow(one.where, "a program's version does not say which host it is of"))
        else:
            client = client or one.product == "cli"
            try:
                made = _component(one)
                hosts.setdefault(host_name(one.host or host), {})[made] = None
            except (NavtexError, ValueError) as error:
                yield BadRow(one.where, f"{one.product}: {error}")
    if nameless and not hosts:
        raise InventoryError(nameless[0].reason, remedy="Name it: --host NAME")
    yield from nameless
    if client and not product:
        yield _CLIENT
    yield from (Host(name, tuple(found), view=Observed.DECLARED) for name, found in hosts.items())


def _versions(text: str, product: str) -> Iterator[_Said | BadRow | Note]:
    """The versions in a text, each with the commit below it."""
    last: _Said | None = None
    daemon = False
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole[:_LONGEST].strip()
        if is_noise(line):
            daemon = _PROMPTED.search(line) is not None
            continue
        if (commit := _COMMIT.match(line)) and last:
            last = last._replace(commit=commit[1])
        elif found := _program(line):
            if last:
                yield last
            made, match, name = found
            of = (product or ("engine" if daemon else made)) if made == "cli" else made
            commit_said = match.groupdict().get("commit") or ""
            last = _Said(f"line {number}", name, of, match["version"], commit_said)
        elif other := _OTHERS.match(line):
            yield Note(f"line {number} is the version of {other['name']}, which is not followed")
    if last:
        yield last


def _program(line: str) -> tuple[str, re.Match[str], str] | None:
    """The product whose version a line is, its parts, and the host that the line names."""
    split = _LINE.fullmatch(line[:_LONGEST])
    for rest, name in ((line, ""), (split["rest"], split["host"] or "")) if split else ():
        for product, pattern in _PROGRAMS:
            if match := re.fullmatch(pattern, rest.strip()):
                return product, match, name
    return None


def _component(said: _Said) -> Component:
    """The component; a distribution's build shows the version of its package."""
    own = said.commit if said.version and said.commit.startswith(f"{said.version}-") else said.version
    if said.product in ("containerd", "runc") and (made := daemon_reports.part(said.product, own, "")):
        return made
    return component(said.product, said.version)


def _runtime(name: str, version: str, host: str) -> Iterator[Found]:
    """The host of the runtime that answered `crictl version`."""
    product = _RUNTIMES.get(name.lower())
    if product is None:
        yield Note(f"the container runtime {name[:60]} is not followed")
        return
    called = named(host, "the version of a runtime")
    try:
        yield Host(called, (component(product, version),), view=Observed.RUNNING)
    except (NavtexError, ValueError) as error:
        yield BadRow("the version of the runtime", str(error))
