"""CycloneDX as JSON, of a host: as Syft, Trivy, cdxgen and others write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from notifier.domain.components import Found, Note
from notifier.inventory.formats import sbom
from notifier.inventory.formats.distros import of_id
from notifier.inventory.text import Text, obj, seq, word

NAME = "cyclonedx"
_MOST = 1_000_000


def recognises(text: Text) -> bool:
    """Whether it calls itself so."""
    return word(text.sample, "bomFormat") == "CycloneDX"


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The one host that it describes: the device it names, or `host`."""
    bom = obj(text.document())
    root = obj(bom, "metadata", "component")
    kind, name = word(root, "type"), word(root, "name")
    entries = list(_all(seq(bom, "components"), "components"))
    system: Any = next((c for _, c in entries if word(c, "type") == "operating-system"), {})
    if kind == "operating-system" and of_id(name, word(root, "version")):
        # it is named for the system, and not for the host
        system, name = system or root, ""
    images = [word(c, "name")[:100] for _, c in entries if _is_image(c) and seq(c, "components")]
    yield from (Note(f"what is in the container image {image!r} is not on the host itself") for image in images[:5])
    yield from sbom.hosts(
        entries,
        host,
        "" if kind == "container" or word(root, "purl") else name,
        of_id(word(system, "name"), word(system, "version")),
        image=name if kind == "container" else "",
    )


def _is_image(component: Any) -> bool:
    return word(component, "type") == "container"


def _all(components: list[Any], where: str) -> Iterator[tuple[str, Any]]:
    """Every component, those inside of others, too, but not those of an image."""
    waiting = [(f"{where}[{i}]", c) for i, c in enumerate(components)]
    for place, component in waiting:
        yield place, component
        if len(waiting) < _MOST and not _is_image(component):
            waiting += [(f"{place}.components[{i}]", c) for i, c in enumerate(seq(component, "components"))]
