"""`docker version`, as JSON and as text, and the answer of the engine's API (/version).

A host has an engine only if the *server* answered: a client without a daemon is not an engine, and neither is Podman,
which answers on Docker's API. The client is the CLI of the machine where the command ran. It is this host's, unless
its context says that it asked another machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from feeds.core.errors import InventoryError, NavtexError
from notifier.domain.components import BadRow, Component, Found, Host, LeftOut, Note, Observed, component
from notifier.inventory.formats import docker_info, rpm
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.formats.shared.distributions import of_kernel, of_os_release
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.terminal_noise import of_several, without_margin
from notifier.inventory.text import Text, obj, seq, word

NAME = "docker-version"
SIGN = "JSON with `ApiVersion`, or text with the headings `Client:` or `Server:` and a line `API version:`"
_PRODUCTS = {"engine": "engine", "containerd": "containerd", "runc": "runc", "buildkit": "buildkit"}
_BEGINS = re.compile(r"^(?:Client|Server)(?: version)?:|^Version: .*\nAPI Version: ", re.MULTILINE)
_TELLS = re.compile(r"^ *API [Vv]ersion: |^(?:Client|Server) version: |^ containerd:\n  Version:", re.MULTILINE)
_SERVER = re.compile(r"^Server:(?P<platform>[^\n]*)\n(?P<body>(?:[ \t]+[^\n]*\n?)*)", re.MULTILINE)
_OLD_SERVER = re.compile(r"^Server version: *(\S+)", re.MULTILINE)
"""Docker 0.5 to 1.7: no headings, and a line for each side."""
_BALENA = re.compile(
    r"""^ID=["']?(?:balena|resin)-?os|[$#>] *(?:sudo +)?balena(?:-engine)? +(?:version|info)\b"""
    r"|^(?:Client|Server): *balena",
    re.MULTILINE | re.IGNORECASE,
)
_PODMAN = re.compile(r"^(?:Client|Server): +Podman Engine|^Version: .*\nAPI Version: ", re.MULTILINE)
_NO_SERVER = Note("no server answered: it shows a client only, and the client is not an engine")
_CLIENT = re.compile(r"^Client:(?P<platform>[^\n]*)\n(?P<body>(?:[ \t]+[^\n]*\n?)*)", re.MULTILINE)
_OLD_CLIENT = re.compile(r"^Client version: *(\S+)", re.MULTILINE)
_OF_THIS_MACHINE = frozenset({"", "default", "desktop-linux", "desktop-windows"})
"""Contexts of the docker program whose engine is on the machine of the program, or in its Docker Desktop."""
Said = Component | Note | BadRow | LeftOut
"""What is read from one output."""
_Part = tuple[str, str, str]
"""A part of the server: its name, its version, and its commit."""


class _Client(NamedTuple):
    """The program `docker`: what it says about itself, and the context that it asked."""

    version: str
    context: str = ""
    platform: str = ""
    commit: str = ""


def recognises(text: Text) -> bool:
    """Whether it is the output of `docker version` or the API; also of Podman and nerdctl, to report that."""
    if text.sample is not None:
        return is_answer(text.sample) and not docker_info.is_among(text)
    if of_several(text.head):
        return False
    head = without_margin(text.head)
    with_info = re.search(r"^ ?Containers: *\d", head, re.MULTILINE) is not None
    return not with_info and _BEGINS.search(head) is not None and _TELLS.search(head) is not None


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The one host that it describes, named `host`, because the text does not name it."""
    found = list(of_text(text.whole()) if text.sample is None else of_answer(_only(text.document())))
    yield from (one for one in found if not isinstance(one, Component))
    components = tuple(one for one in found if isinstance(one, Component))
    if components:
        yield Host(named(host, "`docker version`"), components, view=Observed.RUNNING)


def is_answer(value: Any) -> bool:
    """Whether a JSON value is an answer to `docker version`, or of the API."""
    said = obj(value)
    answer = obj(said, "Server") or obj(said, "Client") or said
    old = answer.keys() >= {"Version", "GitCommit", "GoVersion"}  # before Docker 0.10
    return (
        old
        or "ApiVersion" in answer
        or ("Client" in said and "Server" in said)
        or daemon_reports.is_podman_version(said)
    )


def _only(document: Any) -> Any:
    """The one answer of a list, or the document; InventoryError if there are several."""
    if not isinstance(document, list):
        return document
    if len(document) != 1:
        raise InventoryError(
            f"it holds several answers of `docker version` ({len(document)}), which do not name their hosts",
            remedy="Import each separately, with --host NAME",
        )
    return document[0]


def of_answer(data: Any) -> Iterator[Said]:
    """What one answer as JSON says, as components and notes."""
    data = obj(data)
    # a client alone has no server around it, and says which API it speaks by default
    apart = "Client" in data or "Server" in data or "DefaultAPIVersion" in data
    server = obj(data, "Server") if apart else data
    if daemon_reports.is_podman_version(data):
        yield daemon_reports.no_docker("Podman")
        return
    if not word(server, "Version") and not seq(server, "Components"):
        yield _NO_SERVER
        return
    parts = [
        (word(p, "Name"), word(p, "Version"), word(p, "Details", "GitCommit"))
        for p in seq(server, "Components")
        if isinstance(p, dict)
    ]
    if not parts:
        parts = [("Engine", word(server, "Version"), word(server, "PkgVersion"))]
    engine = next((obj(p, "Details") for p in seq(server, "Components") if word(p, "Name") == "Engine"), {})
    windows = "windows" in (word(engine, "Os"), word(server, "Os"))
    system = "windows" if windows else of_kernel(word(engine, "KernelVersion") or word(server, "KernelVersion"))
    yield from _components(parts, word(server, "Platform", "Name"), system, _json_client(obj(data, "Client")))


def _json_client(said: dict[str, Any]) -> _Client:
    commit = word(said, "PkgVersion") or word(said, "GitCommit")
    return _Client(word(said, "Version"), word(said, "Context"), word(said, "Platform", "Name"), commit)


def of_text(text: str) -> Iterator[Said]:
    """What one answer of `docker version` says, as components and notes; InventoryError if there are several."""
    text = without_margin(text)
    if _PODMAN.search(text):
        yield daemon_reports.no_docker("Podman")
        return
    servers = list(_SERVER.finditer(text))
    old = _OLD_SERVER.findall(text)
    answers = max(len(servers) + len(old), len(re.findall(r"^Client(?: version)?:", text, re.MULTILINE)))
    if answers > 1:
        raise InventoryError(
            f"it holds several answers of `docker version` ({answers}), which do not name their hosts",
            remedy="Import each separately, with --host NAME",
        )
    system = "balenaos" if _BALENA.search(text) else of_os_release(text)
    if old:
        yield from _components([("Engine", old[0], "")], "", system, _text_client(text))
        return
    if not servers or "Version:" not in servers[0]["body"]:
        yield _NO_SERVER
        return
    (server,) = servers
    parts: list[_Part] = []
    name = "Engine"
    for line in server["body"].splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if not value and len(line) - len(line.lstrip()) == 1:
            name = key
        elif key == "Version" and value:
            parts.append((name, value, ""))
        elif key.replace(" ", "").lower() in ("packageversion", "gitcommit") and parts and parts[-1][::2] == (name, ""):
            parts[-1] = (name, parts[-1][1], value)
    windows = re.search(r"^ +OS/Arch: +windows/", server["body"], re.MULTILINE)
    yield from _components(parts, server["platform"].strip(), "windows" if windows else system, _text_client(text))


def _text_client(text: str) -> _Client:
    if old := _OLD_CLIENT.search(text):
        return _Client(old[1])
    client = _CLIENT.search(text)
    if client is None:
        return _Client("")
    lines = (line.partition(":")[::2] for line in reversed(client["body"].splitlines()))
    said = {key.replace(" ", "").strip().lower(): value.strip() for key, value in lines}
    commit = said.get("packageversion") or said.get("gitcommit", "")
    return _Client(said.get("version", ""), said.get("context", ""), client["platform"].strip(), commit)


def _components(parts: list[_Part], platform: str, distro: str, client: _Client) -> Iterator[Said]:
    other = daemon_reports.not_docker(parts, platform)
    if other:
        yield other
        return
    if any(name.lower().startswith(("balena", "resin")) for name, _, _ in parts):
        distro = distro if distro.startswith("balenaos") else "balenaos"
    # Docker's own builds name their platform: without one it is a build of the system's own
    distro = "" if platform else distro
    engine = False
    for name, version, commit in parts:
        product = _PRODUCTS.get(name.lower())
        if product is None:
            yield LeftOut(f"{name} {version}".strip(), "it is not a product that Navtex follows")
        elif version:
            made = _component(product, version, commit, platform, distro)
            engine |= product == "engine" and isinstance(made, Component)
            yield BadRow(name, made) if product == "engine" and isinstance(made, str) else _noted(name, made)
    desktop = re.match(r"Docker Desktop (\d+(?:\.\d+)+)", platform)
    if desktop:
        yield component("desktop", desktop[1])
    if client.version:
        yield _of_client(client, distro, engine=engine)


def _component(product: str, version: str, commit: str, platform: str, distro: str) -> Component | str:
    """A part as a component, or why its version cannot be read."""
    package = _package(product, version, commit, platform)
    try:
        return component(product, "" if package.endswith(f" {version}") else version, package, distro)
    except (NavtexError, ValueError) as error:
        return str(error)


def _noted(name: str, made: Component | str) -> Component | Note:
    return Note(f"{name}: {made}") if isinstance(made, str) else made


def _of_client(client: _Client, distro: str, *, engine: bool) -> Said:
    """The client as the CLI of the host, unless it is not Docker's or is on another machine."""
    named = f"client {client.version}"
    if client.context not in _OF_THIS_MACHINE:
        return LeftOut(named, f"it asked the context {client.context}, so it is on another machine")
    if not engine or distro.startswith("balenaos"):
        return LeftOut(named, "no Docker Engine answered it")
    made = _component("cli", client.version, client.commit, client.platform, "" if client.platform else distro)
    return _noted("client", made)


def _package(product: str, version: str, commit: str, platform: str) -> str:
    """The package of a distribution's build: it shows its version for upstream's, or where upstream shows a commit."""
    if product in ("engine", "cli") and daemon_reports.is_enterprise(platform):
        return f"docker-ee {version}" if product == "engine" else f"docker-ee-cli {version}"
    if red_hats := rpm.package(commit, "") if commit.startswith(f"docker-{version}-") else None:
        return f"{red_hats.name} {red_hats.version}"
    own = commit if commit.startswith(version) else version
    if "-" in own and re.search(r"ds|dfsg|deb|ubuntu", own):
        return f"{'docker.io' if product in ('engine', 'cli') else product} {own}"
    return ""
