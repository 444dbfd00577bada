"""Syft's own JSON, of a host's file system."""

from __future__ import annotations

from collections.abc import Iterator

from notifier.domain.components import Found
from notifier.inventory.formats.shared import sbom
from notifier.inventory.formats.shared.distributions import of_id
from notifier.inventory.text import Text, obj, seq, word

NAME = "syft"
SIGN = "JSON with `artifacts` that Syft wrote"


def recognises(text: Text) -> bool:
    """Whether it has artifacts, and Syft wrote it."""
    said = obj(text.sample)
    return "artifacts" in said and ("source" in said or word(said, "descriptor", "name") == "syft")


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The one host that it describes: by the name that Syft was given for it, or `host`."""
    said = obj(text.document())
    kind, name = word(said, "source", "type"), word(said, "source", "name")
    image = name or word(said, "source", "metadata", "userInput") or word(said, "source", "target", "userInput")
    # a folder's path is not a name
    path = word(said, "source", "metadata", "path") or word(said, "source", "target")
    yield from sbom.hosts(
        ((f"artifacts[{i}]", a) for i, a in enumerate(seq(said, "artifacts"))),
        host,
        "" if kind == "image" or name == path else name,
        of_id(word(said, "distro", "id"), word(said, "distro", "versionID") or word(said, "distro", "version")),
        image=image or "?" if kind == "image" else "",
    )
