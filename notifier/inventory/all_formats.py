"""The formats of inventories, registered here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from feeds.core.errors import InventoryError, UsageProblem
from notifier.config import MappingPaths
from notifier.domain.components import Bare, Found, Host, Note, host_name
from notifier.inventory import unsupported
from notifier.inventory.formats import (
    ansible,
    apk,
    apt,
    crictl,
    csv_rows,
    cyclonedx,
    dnf,
    docker_containers,
    docker_info,
    docker_node,
    docker_ps,
    docker_report,
    docker_version,
    dpkg,
    image_rows,
    json_rows,
    kubernetes,
    kubernetes_pods,
    mapping,
    ndjson,
    osquery,
    pacman,
    probe,
    program_version,
    prometheus,
    rpm,
    spdx,
    syft,
    versions,
)
from notifier.inventory.text import Text


class InputFormat(Protocol):
    """What a format's module offers."""

    NAME: str
    SIGN: str
    """What a text of this format is recognised by."""

    def recognises(self, text: Text) -> bool:
        """Whether a text is of this format, by its first lines or its first JSON value."""

    def read(self, text: Text, host: str = "", /) -> Iterator[Found]:
        """The hosts in a text, rows that could not be read, and notes; `host` names the host if the format does not."""


class ProductFormat(InputFormat, Protocol):
    """A format whose input may not name the product of a version."""

    def read(self, text: Text, host: str = "", product: str = "", /) -> Iterator[Found]:
        """As `InputFormat.read`; `product` is the product of versions that do not name theirs."""


def _quoted(text: str, host: str, product: str) -> Iterator[Found]:
    """What a text inside another one holds, which is about one host unless it names several."""
    within = Text.of(text)
    found = list(read_as(format_of(within), within, host, product))
    if len({one.name for one in found if isinstance(one, Host | Bare)}) == 1:
        found = [replace(one, name=host_name(host)) if isinstance(one, Host | Bare) else one for one in found]
    yield from found


_ANSIBLE = ansible.Ansible(_quoted)
_WITHOUT_PRODUCT: tuple[ProductFormat, ...] = (_ANSIBLE, program_version, versions)
FORMATS: tuple[InputFormat, ...] = (
    probe,
    _ANSIBLE,
    docker_report,
    docker_version,
    docker_info,
    docker_containers,
    docker_ps,
    docker_node,
    kubernetes,
    kubernetes_pods,
    crictl,
    cyclonedx,
    spdx,
    syft,
    program_version,
    json_rows,
    ndjson,
    osquery,
    prometheus,
    image_rows,
    csv_rows,
    versions,
    dnf,
    apk,
    apt,
    pacman,
    dpkg,
    rpm,
)
"""In the order in which they are tried: the first that recognises a text reads it."""


def format_of(text: Text, form: str = "", own: Mapping[str, MappingPaths] = {}) -> InputFormat:
    """The format of a text: the one that is named, of those here and of mappings, or the one that recognises it."""
    names = ", ".join([*(f.NAME for f in FORMATS), *own])
    unsupported.refuse_bytes(text.head)
    if form:
        chosen = next((f for f in FORMATS if form == f.NAME), None)
        if form in own:
            if chosen:
                raise UsageProblem(
                    f"[inventory.mapping.{form}] has the name of a built-in format", remedy="Give it another name"
                )
            return mapping.MappedFormat(form, own[form])
        if chosen is None:
            raise UsageProblem(f"there is no inventory format {form[:60]!r}", remedy=f"Use one of {names}")
        return chosen
    if text.empty:
        raise InventoryError("it is empty")
    for candidate in FORMATS:
        if candidate.recognises(text):
            return candidate
    raise unsupported.unrecognised(text.head, text.sample, names)


def read_as(chosen: InputFormat, text: Text, host: str, product: str) -> Iterator[Found]:
    """What a text of a format holds, and a note if `product` is of no use to the format."""
    for candidate in _WITHOUT_PRODUCT:
        if candidate is chosen:
            yield from candidate.read(text, host, product)
            return
    if product:
        yield Note(f"it names its products itself, so --product {product} is ignored")
    yield from chosen.read(text, host)
