"""CycloneDX as JSON, of a host: as Syft, Trivy, cdxgen and others write it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from notifier.domain.components import BadRow, Found, Host, Note, Tally
from notifier.inventory.formats import kubernetes
from notifier.inventory.formats.shared import sbom
from notifier.inventory.formats.shared.distributions import of_id
from notifier.inventory.text import Text, obj, seq, word

NAME = "cyclonedx"
SIGN = "JSON with `bomFormat` CycloneDX"
_MOST = 1_000_000


def recognises(text: Text) -> bool:
    """Whether its `bomFormat` is CycloneDX."""
    return word(text.sample, "bomFormat") == "CycloneDX"


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The one host that it describes: the device it names, or `host`."""
    bom = obj(text.document())
    root = obj(bom, "metadata", "component")
    kind, name = word(root, "type"), word(root, "name")
    entries = list(_all(seq(bom, "components"), "components"))
    if any(_property(c, "resource:Type") == "node" for _, c in entries):
        yield from _cluster(bom, entries)
        return
    system: Any = next((c for _, c in entries if word(c, "type") == "operating-system"), {})
    if kind == "operating-system" and of_id(name, word(root, "version")):
        # it is named for the system, and not for the host
        system, name = system or root, ""
    images = [word(c, "name")[:100] for _, c in entries if _is_image(c) and seq(c, "components")]
    yield from (Note(f"the contents of the container image {image!r} are not on the host") for image in images[:5])
    yield from sbom.hosts(
        entries,
        host,
        "" if kind == "container" or word(root, "purl") else name,
        of_id(word(system, "name"), word(system, "version")),
        image=name if kind == "container" else "",
    )


def _property(component: Any, name: str) -> str:
    """A property that Trivy writes; "" if there is none."""
    named = (p for p in seq(component, "properties") if word(p, "name") == f"aquasecurity:trivy:{name}")
    return next((word(p, "value") for p in named), "")


def _cluster(bom: dict[str, Any], entries: list[tuple[str, Any]]) -> Iterator[Found]:
    """The nodes of Trivy's KBOM (`trivy k8s --format cyclonedx`), each with the runtime that it depends on."""
    links = {word(d, "ref"): [r for r in seq(d, "dependsOn") if isinstance(r, str)] for d in seq(bom, "dependencies")}
    parts = {word(c, "bom-ref"): c for _, c in entries}
    nodes = [(w, c) for w, c in entries if _property(c, "HostName") or _property(c, "NodeRole")]
    others = Tally()
    for where, node in nodes:
        name = _property(node, "resource:Name") or _property(node, "HostName") or word(node, "name")
        reached = _reached(word(node, "bom-ref"), links) if links or len(nodes) > 1 else parts.keys()
        mine = [parts[r] for r in reached if r in parts]
        runtimes = [c for c in mine if word(c, "type") == "application" and _property(c, "resource:Type") == "node"]
        runtime = next((c for c in runtimes if word(c, "name").lower() in _RUNTIMES), None)
        if runtime is None:
            yield BadRow(where, f"{name[:60]}: the KBOM does not show its runtime; use `kubectl get nodes -o json`")
            continue
        system: Any = next((c for c in mine if word(c, "type") == "operating-system"), {})
        version = word(runtime, "version").removeprefix("v")
        info = {"containerRuntimeVersion": f"{word(runtime, 'name').lower()}://{version}"}
        distro = of_id(word(system, "name"), word(system, "version"))
        made = kubernetes.of_node({"metadata": {"name": name}, "status": {"nodeInfo": info}}, where, others)
        yield from (on(one, distro) if isinstance(one, Host) else one for one in made)
    yield from others.notes()


def _reached(start: str, links: dict[str, list[str]]) -> list[str]:
    """All references that one depends on, directly or not."""
    found = dict.fromkeys(links.get(start, ()))
    for reference in (waiting := list(found)):
        for further in links.get(reference, ()):
            if further not in found and further != start:
                found[further] = None
                waiting.append(further)
    return list(found)


def on(host: Host, distro: str) -> Host:
    """A host whose components are of a distribution."""
    return replace(host, components=tuple(msgspec.structs.replace(c, distro=distro) for c in host.components))


_RUNTIMES = ("docker", "containerd", "cri-o", "crio")


def _is_image(component: Any) -> bool:
    return word(component, "type") == "container"


def _all(components: list[Any], where: str) -> Iterator[tuple[str, Any]]:
    """Every component, those inside of others, too, but not those of an image."""
    waiting = [(f"{where}[{i}]", c) for i, c in enumerate(components)]
    for place, component in waiting:
        yield place, component
        if len(waiting) < _MOST and not _is_image(component):
            waiting += [(f"{place}.components[{i}]", c) for i, c in enumerate(seq(component, "components"))]
