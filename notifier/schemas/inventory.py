"""The answers of `navtex inventory`.  Pure; their JSON is a contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.domain.components import BadRow, Component, Host, Observed
from notifier.domain.hosts import ImportResult, StoredHost
from notifier.schemas.fields import MOMENT, Count, Product, Tags, Version, whole
from notifier.schemas.row_fields import component_fields

HostName = Annotated[str, Meta(description="the host's name")]
Message = Annotated[str, Meta(description="the message")]


class HostComponent(msgspec.Struct, frozen=True, kw_only=True):
    """One product on a host."""

    product: Product
    version: Version
    package: Annotated[str | None, Meta(description="the package it came in, NAME VERSION")]
    distro: Annotated[str | None, Meta(description="the distribution, ID-VERSION_ID")]


class PendingRestart(msgspec.Struct, frozen=True, kw_only=True):
    """A product of which another version is installed than the one that runs."""

    product: Product
    runs: Annotated[str, Meta(description="the version that still runs")]
    installed: Annotated[str, Meta(description="what is installed: the package, or its version")]


class HostDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One host of the inventory."""

    host: HostName
    tags: Tags
    first_seen: Annotated[datetime, MOMENT, Meta(description="when it was first imported")]
    last_seen: Annotated[datetime, MOMENT, Meta(description="when it was last imported")]
    seen_by: Annotated[
        str | None, Meta(description="the scope of the import that saw it last: a file, `collect` or `inventory add`")
    ]
    components: Annotated[tuple[HostComponent, ...], Meta(description="what runs on it")]
    restarts: Annotated[
        tuple[PendingRestart, ...], Meta(description="where another version is installed than the one that runs")
    ]


class HostList(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts of the inventory, by name."""

    hosts: Annotated[tuple[HostDetail, ...], Meta(description="sorted by name")]


class HostChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an import changed, counted in hosts."""

    new: Count
    changed: Count
    unchanged: Count
    removed: Annotated[int, Meta(description="removed by --prune", ge=0)]


class UnreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be read."""

    where: Annotated[str, Meta(description="where it stands: a line, or a place in the JSON")]
    reason: Annotated[str, Meta(description="why it could not be read")]


class ReadHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host as it was read, in one view."""

    host: HostName
    view: Annotated[
        Observed, Meta(description="who says so", extra_json_schema={"enum": [view.value for view in Observed]})
    ]
    identity: Annotated[str | None, Meta(description="KIND:ID of its engine, machine or node")]
    tags: Tags
    components: Annotated[tuple[HostComponent, ...], Meta(description="its products")]


class LeftOutPart(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the input holds and that was not imported."""

    what: Annotated[str, Meta(description="what was left out, or where it stands")]
    reason: Annotated[str, Meta(description="why")]


class ImportExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """How the input was read."""

    recognised_by: Annotated[str, Meta(description="why it was read in this format")]
    hosts: Annotated[tuple[ReadHost, ...], Meta(description="what was read, in the order of the input")]
    left_out: Annotated[tuple[LeftOutPart, ...], Meta(description="what was not imported")]


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did."""

    input: Annotated[str, Meta(description="the file, or `standard input`")]
    format: Annotated[str, Meta(description="the format it was read in")]
    stored: Annotated[bool, Meta(description="false if --strict refused the import, or no host was found")]
    hosts: Annotated[HostChanges, Meta(description="the hosts, counted")]
    images: Annotated[int, Meta(description="the hosts whose images the input describes", ge=0)]
    bad: Annotated[int, Meta(description="how many rows could not be read", ge=0)]
    bad_rows: Annotated[tuple[UnreadRow, ...], Meta(description="the rows that could not be read")]
    notes: Annotated[tuple[str, ...], Meta(description="other messages")]
    lost: Annotated[
        dict[str, int], Meta(description="products that hosts no longer have: each with the number of hosts")
    ]
    not_pruned: Annotated[str | None, Meta(description="why --prune removed nothing, if it should have")]
    explanation: Annotated[ImportExplanation | None, Meta(description="with --explain, how the input was read")]


class MissingTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target that did not say what runs on it."""

    target: Annotated[str, Meta(description="the engine, context or host that was queried")]
    reason: Annotated[str, Meta(description="why it is not known what runs there")]
    packages_kept: Annotated[bool, Meta(description="whether its list of packages was stored")]


class CollectSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection did."""

    queried: Annotated[int, Meta(description="how many engines and hosts were queried", ge=0)]
    hosts: Annotated[HostChanges | None, Meta(description="the hosts, counted; null if none was stored")]
    images: Annotated[int, Meta(description="the hosts that reported their images", ge=0)]
    bad_rows: Annotated[tuple[UnreadRow, ...], Meta(description="what could not be read of their answers")]
    notes: Annotated[tuple[str, ...], Meta(description="other messages")]
    missing: Annotated[tuple[MissingTarget, ...], Meta(description="who did not answer")]


def host_detail(host: StoredHost) -> HostDetail:
    """A host of the store."""
    return HostDetail(
        host=host.name,
        tags=host.tags,
        first_seen=whole(host.first_seen),
        last_seen=whole(host.last_seen),
        seen_by=host.seen_by or None,
        components=tuple(map(host_component, host.components)),
        restarts=tuple(
            PendingRestart(product=runs.product, runs=runs.version, installed=installed.package or installed.version)
            for runs, installed in host.restarts
        ),
    )


def host_component(component: Component) -> HostComponent:
    """A component of a host."""
    return HostComponent(**component_fields(component), distro=component.distro or None)


def read_host(host: Host) -> ReadHost:
    """A host as it was read."""
    return ReadHost(
        host=host.name,
        view=host.view,
        identity=host.identity or None,
        tags=dict(host.tags),
        components=tuple(map(host_component, host.components)),
    )


def host_changes(result: ImportResult) -> HostChanges:
    """The counts of an import."""
    return HostChanges(new=result.added, changed=result.changed, unchanged=result.same, removed=result.gone)


def unread_rows(rows: Iterable[BadRow]) -> tuple[UnreadRow, ...]:
    """Rows that could not be read."""
    return tuple(UnreadRow(where=row.where, reason=row.reason) for row in rows)


def lost_products(lost: Mapping[str, int]) -> dict[str, int]:
    """Products that hosts no longer have, by name."""
    return dict(sorted(lost.items()))


class UnansweredHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host of a zone that did not answer when it was asked last."""

    zone: Annotated[str, Meta(description="the zone")]
    target: Annotated[str, Meta(description="the host, as its hosts file names it")]
    reason: Annotated[str, Meta(description="why there is no answer")]
    since: Annotated[datetime, MOMENT, Meta(description="when it first did not answer")]
    asked_at: Annotated[datetime, MOMENT, Meta(description="when it was asked last")]


class UnansweredHosts(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts of zones that did not answer, by zone and name."""

    hosts: Annotated[tuple[UnansweredHost, ...], Meta(description="by zone and name")]
