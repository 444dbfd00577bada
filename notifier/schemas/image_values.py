"""The answers of `navtex image`, made from what is known of images.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from feeds.images.layers import ROOT
from feeds.images.references import Reference
from notifier.images.catalogue import ImageCatalogue
from notifier.images.lineage import Bases, Lineage
from notifier.images.plan import BasePlan, ImageBuild, ImagePlan, JudgedImage, rebase_of
from notifier.images.rebase import CAVEATS, RebaseVerdict
from notifier.images.splits import RunningImage
from notifier.schemas.fields import whole
from notifier.schemas.image import (
    BaseList,
    BasePlanRow,
    BaseRow,
    BuildRow,
    ImageDetail,
    ImagePlans,
    ImageRow,
    LayerStep,
    PullRow,
    ReasonRow,
    RebaseRow,
    RunsRow,
)

HostCounter = Callable[[Iterable[RunningImage]], int]
"""Counts the distinct hosts of some uses."""


class AssessedImages(Protocol):
    """What the rows are made of."""

    @property
    def catalogue(self) -> ImageCatalogue:
        """The facts, indexed."""

    @property
    def bases(self) -> Bases:
        """What finds the base of an image."""


def image_row(catalogue: ImageCatalogue, one: JudgedImage, *, split: bool) -> ImageRow:
    """The row of one image."""
    verdict, running = one.verdict, one.running
    base, proof = _base_of(verdict.lineage)
    return ImageRow(
        image=str(running.name),
        config=catalogue.resolve(running.digest, running.platform).config or None,
        platform=running.platform,
        status=verdict.status,
        reason=verdict.reason,
        base=base,
        proof=proof,
        wave=verdict.wave or None,
        split=split,
        hosts=running.hosts,
    )


def _base_of(lineage: Lineage | None) -> tuple[str | None, str | None]:
    base = lineage.base if lineage else None
    if base is None:
        return None, None
    return (base.reference.tagged if base.reference else None), base.proof.value


def plan_value(made: ImagePlan, catalogue: ImageCatalogue, count: HostCounter, now: datetime, old: int) -> ImagePlans:
    """The plan as JSON has it."""
    return ImagePlans(
        generated_at=whole(now),
        bases=tuple(_base_plan(one, count) for one in made.bases),
        repull=tuple(_pulls(made, catalogue)),
        new_base=_reasons(made.new_base),
        unknown=_reasons(made.unknown),
        old_tags=old,
    )


def _base_plan(one: BasePlan, count: HostCounter) -> BasePlanRow:
    change = one.change
    return BasePlanRow(
        base=change.base.tagged,
        platform=one.platform,
        before=change.before or None,
        to=change.image or change.named or None,
        moved_at=whole(change.at) if change.at else None,
        event=change.event,
        hosts=count(r for wave in one.waves for build in wave for r in build.running),
        waves=tuple(tuple(_build(b, count) for b in wave) for wave in one.waves),
    )


def _build(one: ImageBuild, count: HostCounter) -> BuildRow:
    return BuildRow(
        image=one.name.tagged,
        config=one.image or None,
        status=one.verdict.status,
        by="you" if one.own else "its maintainer",
        proof=one.proof or None,
        reason=one.verdict.reason,
        after=one.verdict.after.tagged if one.verdict.after else None,
        hosts=count(one.running),
        rebase=RebaseRow(verdict=one.rebase.verdict, reasons=one.rebase.reasons) if one.rebase else None,
    )


def _pulls(made: ImagePlan, catalogue: ImageCatalogue) -> Iterable[PullRow]:
    for one in made.pulls:
        running = one.running
        yield PullRow(
            image=str(running.name),
            before=catalogue.resolve(running.digest, running.platform).config or None,
            to=one.verdict.image or None,
            hosts=running.hosts,
            of=made.hosts_of.get(running.name, running.hosts),
        )


def _reasons(found: Sequence[JudgedImage]) -> tuple[ReasonRow, ...]:
    return tuple(ReasonRow(image=str(j.running.name), reason=j.verdict.reason, hosts=j.running.hosts) for j in found)


def image_detail(
    assessed: AssessedImages, one: JudgedImage, config: str, others: Sequence[JudgedImage] = ()
) -> ImageDetail:
    """The details of one image; `others` are what else runs under its name."""
    verdict, running, catalogue = one.verdict, one.running, assessed.catalogue
    lineage = verdict.lineage
    made = rebase_of(catalogue, verdict)
    return ImageDetail(
        image=str(running.name),
        platform=running.platform,
        config=config or None,
        status=verdict.status,
        reason=verdict.reason,
        wave=verdict.wave or None,
        line=tuple(_steps(assessed, verdict.image)) if verdict.image else (),
        rebase=RebaseRow(verdict=made.verdict, reasons=made.reasons) if made else None,
        caveats=CAVEATS if made and made.verdict is not RebaseVerdict.NO else (),
        hosts=running.hosts,
        since=whole(running.since),
        other=tuple(
            RunsRow(
                config=catalogue.resolve(o.running.digest, o.running.platform).config or None,
                hosts=o.running.hosts,
                since=whole(o.running.since),
            )
            for o in others
        ),
        doubts=lineage.doubts if lineage else (),
        tags=tuple(_tags(assessed, lineage)),
    )


def _steps(assessed: AssessedImages, config: str) -> Iterable[LayerStep]:
    chains, seen = assessed.catalogue.chains, {config}
    of = chains.depth(assessed.catalogue.chain[config])
    while config and (base := assessed.bases.of(config).base) is not None:
        yield LayerStep(
            base=base.reference.tagged if base.reference else None,
            config=base.image or None,
            proof=base.proof.value,
            layers=chains.depth(base.chain),
            of=of,
        )
        config = "" if base.image in seen else base.image
        seen.add(config)


def _tags(assessed: AssessedImages, lineage: Lineage | None) -> Iterable[str]:
    base = lineage.base if lineage else None
    if base is None or not base.image:
        return
    catalogue = assessed.catalogue
    platform = catalogue.images[base.image].platform
    for tag in sorted(catalogue.tags_of.get(base.image, ()), key=lambda t: t.reference):
        now = catalogue.resolve(tag.digest, platform).config
        moved = bool(now) and catalogue.chain[now] != catalogue.chain[base.image]
        since = f" {tag.since:%Y-%m-%d}" if moved and tag.since else ""
        yield f"{tag.reference.tagged} ({'moved' + since if moved else 'not moved'})"


def base_list(assessed: AssessedImages, found: Sequence[JudgedImage], count: HostCounter, now: datetime) -> BaseList:
    """The bases under what runs, those with the most hosts first."""
    groups: dict[tuple[int, Reference | None], list[JudgedImage]] = {}
    for one in found:
        lineage = one.verdict.lineage
        if lineage is None:
            continue
        if lineage.base is not None and lineage.base.chain != ROOT:
            groups.setdefault((lineage.base.chain, lineage.base.reference), []).append(one)
        elif lineage.unnamed != ROOT:
            groups.setdefault((lineage.unnamed, None), []).append(one)
    rows = [
        BaseRow(
            chain=chain,
            base=named.tagged if named else None,
            layers=assessed.catalogue.chains.depth(chain),
            images=len({j.verdict.image for j in on}),
            hosts=count(j.running for j in on),
        )
        for (chain, named), on in groups.items()
    ]
    return BaseList(generated_at=whole(now), bases=tuple(sorted(rows, key=lambda r: (-r.hosts, r.chain))))
