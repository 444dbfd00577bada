"""`docker version`, as JSON and as text, and the answer of the engine's API (/version).

A host runs an engine only where the *server* answered: a client without a daemon is no engine.
Podman answers on Docker's API, and is none either.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from feeds.errors import InventoryError, NavtexError
from notifier.inventory.model import Component, Host, Inventory, component

NAME = "docker-version"
_PRODUCTS = {"engine": "engine", "containerd": "containerd", "runc": "runc", "buildkit": "buildkit"}
_NO_SERVER = "no server answered: it shows a client only, and a client is no engine"


def recognises(text: str) -> bool:
    """Whether it is what `docker version` prints, or the API answers."""
    start = text.lstrip()[:4096]
    if start.startswith("{"):
        return '"ApiVersion"' in text or ('"Client"' in start and '"Server"' in text)
    return re.match(r"Client:|Server:", start) is not None and "API version" in text


def read(text: str, host: str = "") -> Inventory:
    """The one host that it describes, named `host`, because the text does not name it."""
    components, notes = _from_json(text) if text.lstrip().startswith("{") else _from_text(text)
    if not components:
        return Inventory((), notes=tuple(notes))
    if not host:
        raise InventoryError("`docker version` does not say which host it is of", remedy="Name it: --host NAME")
    return Inventory((Host(host, tuple(components)),), notes=tuple(notes))


def _from_json(text: str) -> tuple[list[Component], list[str]]:
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InventoryError(f"the JSON cannot be read: {error}") from error
    server = data.get("Server") if "Client" in data or "Server" in data else data
    if not isinstance(server, dict) or not server.get("Version"):
        return [], [_NO_SERVER]
    platform = str(_object(server.get("Platform")).get("Name") or "")
    said = server.get("Components")
    parts = [p for p in said if isinstance(p, dict)] if isinstance(said, list) else []
    rows = [(str(p.get("Name") or ""), str(p.get("Version") or ""), _commit(p)) for p in parts]
    if not any(name.lower() == "engine" for name, _, _ in rows):
        if parts:
            return [], [
                f"the server is {rows[0][0] or 'unknown'}, which answers on Docker's API and is no Docker Engine"
            ]
        rows.append(("Engine", str(server["Version"]), ""))
    return _components(rows, platform)


def _commit(part: dict[str, Any]) -> str:
    return str(_object(part.get("Details")).get("GitCommit") or "")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _from_text(text: str) -> tuple[list[Component], list[str]]:
    server = re.search(r"^Server:(?P<platform>[^\n]*)\n(?P<body>(?:[ \t]+[^\n]*\n?)*)", text, re.MULTILINE)
    if server is None or "Version:" not in server["body"]:
        return [], [_NO_SERVER]
    rows: list[tuple[str, str, str]] = []
    name = "Engine"
    for line in server["body"].splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if not value and len(line) - len(line.lstrip()) == 1:
            name = key
        elif key == "Version" and value:
            rows.append((name, value, ""))
        elif key.replace(" ", "") == "GitCommit" and rows and rows[-1][0] == name:
            rows[-1] = (name, rows[-1][1], value)
    if not any(n.lower() == "engine" for n, _, _ in rows):
        return [], [
            f"the server is {rows[0][0] if rows else name}, which answers on Docker's API and is no Docker Engine"
        ]
    return _components(rows, server["platform"].strip())


def _components(rows: list[tuple[str, str, str]], platform: str) -> tuple[list[Component], list[str]]:
    if "podman" in platform.lower():
        return [], ["the server is Podman, which answers on Docker's API and is no Docker Engine"]
    found, notes = [], []
    for name, version, commit in rows:
        product = _PRODUCTS.get(name.lower())
        if product is None or not version:
            continue
        try:
            found.append(component(product, version, _package(product, version, commit)))
        except NavtexError as error:
            notes.append(f"{name}: {error}")
    desktop = re.match(r"Docker Desktop (\d+(?:\.\d+)+)", platform)
    if desktop:
        found.append(component("desktop", desktop[1]))
    return found, notes


def _package(product: str, version: str, commit: str) -> str:
    """A distribution's build shows its own package version where upstream shows a commit."""
    if version and commit.startswith(version) and "-" in commit and re.search(r"(?:ds|dfsg|deb|ubuntu)", commit):
        return f"{product} {commit}"
    return ""
