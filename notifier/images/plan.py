"""What to rebuild, in waves, what to pull, and what needs another base: for all images that run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from feeds.images.references import Reference
from notifier.images.catalogue import ImageCatalogue
from notifier.images.lineage import ImageBase
from notifier.images.rebase import Rebase, rebase
from notifier.images.splits import RunningImage
from notifier.images.status import BaseChange, BaseEvent, ImageJudge, ImageStatus, ImageVerdict


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """A name that runs, with the verdict on one of its images."""

    running: RunningImage
    verdict: ImageVerdict


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """An image to be built again."""

    name: Reference
    image: str
    verdict: ImageVerdict
    own: bool
    """Whether the user builds it; else it is its maintainer's."""
    rebase: Rebase | None
    running: tuple[RunningImage, ...]
    """Empty for an image that runs nowhere and on which others stand."""

    @property
    def proof(self) -> str:
        """What shows its base."""
        base = self.verdict.lineage.base if self.verdict.lineage else None
        return base.proof.value if base else ""


@dataclass(frozen=True, slots=True)
class BasePlan:
    """What follows from one change of one base: builds in waves, each after the one before it."""

    change: BaseChange
    platform: str
    waves: tuple[tuple[ImageBuild, ...], ...]


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """Everything that is to be done."""

    bases: tuple[BasePlan, ...]
    pulls: tuple[JudgedImage, ...]
    new_base: tuple[JudgedImage, ...]
    unknown: tuple[JudgedImage, ...]
    lost: tuple[BasePlan, ...]
    """Bases that are gone or whose line ended, each with the images that need another one, in one wave."""
    hosts_of: Mapping[Reference, int]
    """By name: on how many hosts it runs, with any image."""


def judged(judge: ImageJudge, running: Iterable[RunningImage]) -> list[JudgedImage]:
    """The verdict on everything that runs."""
    return [JudgedImage(one, judge.of(one.name, one.digest, one.platform)) for one in running]


def plan(catalogue: ImageCatalogue, judge: ImageJudge, found: Sequence[JudgedImage], own: Sequence[str]) -> ImagePlan:
    """Put verdicts into an order of work. `own` are patterns of what the user builds."""
    mine = matcher(own)
    groups: dict[tuple[BaseEvent, Reference, str, str], dict[tuple[Reference, str], list[RunningImage]]] = {}
    verdicts: dict[tuple[Reference, str], ImageVerdict] = {}
    changes: dict[tuple[BaseEvent, Reference, str, str], BaseChange] = {}
    for name, verdict, running in _builds(catalogue, judge, found):
        change = verdict.change
        if change is None:
            continue
        platform = catalogue.images[verdict.image].platform
        key = (change.event, change.base, change.image or change.named, platform)
        changes.setdefault(key, change)
        verdicts[name, verdict.image] = verdict
        groups.setdefault(key, {}).setdefault((name, verdict.image), []).extend(running)
    bases = []
    for key, builds in groups.items():
        waves: dict[int, list[ImageBuild]] = {}
        for (name, image), running in builds.items():
            verdict = verdicts[name, image]
            build = ImageBuild(name, image, verdict, mine(name), rebase_of(catalogue, verdict), tuple(running))
            waves.setdefault(verdict.wave, []).append(build)
        ordered = tuple(tuple(sorted(waves[n], key=lambda b: (b.name, b.image))) for n in sorted(waves))
        bases.append(BasePlan(changes[key], key[3], ordered))
    return ImagePlan(
        tuple(sorted(bases, key=lambda b: (b.change.base, b.platform))),
        tuple(j for j in found if j.verdict.status is ImageStatus.RE_PULL),
        tuple(j for j in found if j.verdict.status is ImageStatus.NEW_BASE),
        tuple(j for j in found if j.verdict.status is ImageStatus.UNKNOWN),
        tuple(_lost(catalogue, found, mine)),
        _hosts_of(found),
    )


def _lost(
    catalogue: ImageCatalogue, found: Iterable[JudgedImage], mine: Callable[[Reference], bool]
) -> Iterable[BasePlan]:
    groups: dict[tuple[Reference, str], dict[tuple[Reference, str], list[JudgedImage]]] = {}
    for one in found:
        change = one.verdict.change
        if one.verdict.status is ImageStatus.NEW_BASE and change is not None:
            platform = catalogue.images[one.verdict.image].platform
            group = groups.setdefault((change.base, platform), {})
            group.setdefault((one.running.name, one.verdict.image), []).append(one)
    for (_, platform), images in sorted(groups.items()):
        builds = [
            ImageBuild(name, image, of[0].verdict, mine(name), None, tuple(j.running for j in of))
            for (name, image), of in sorted(images.items(), key=lambda i: i[0])
        ]
        change = builds[0].verdict.change
        if change is not None:
            yield BasePlan(change, platform, (tuple(builds),))


def _hosts_of(found: Iterable[JudgedImage]) -> Mapping[Reference, int]:
    hosts: Counter[Reference] = Counter()
    for one in found:
        hosts[one.running.name] += one.running.hosts
    return hosts


def _builds(
    catalogue: ImageCatalogue, judge: ImageJudge, found: Iterable[JudgedImage]
) -> Iterable[tuple[Reference, ImageVerdict, list[RunningImage]]]:
    """What is to be rebuilt: what runs, and the bases between that run nowhere themselves."""
    seen: set[tuple[Reference, str]] = set()
    between: list[ImageVerdict] = []
    for one in found:
        if one.verdict.status is ImageStatus.REBUILD:
            seen.add((one.running.name, one.verdict.image))
            between.append(one.verdict)
            yield one.running.name, one.verdict, [one.running]
    while between:
        verdict = between.pop()
        if verdict.after is None:
            continue
        platform = catalogue.images[verdict.image].platform
        tag = catalogue.tag(verdict.after)
        image = catalogue.resolve(tag.digest, platform).config if tag else ""
        below = judge.newest(image) if image else None
        if below is None or below.status is not ImageStatus.REBUILD or (verdict.after, image) in seen:
            continue
        seen.add((verdict.after, image))
        between.append(below)
        yield verdict.after, below, []


def rebase_of(catalogue: ImageCatalogue, verdict: ImageVerdict) -> Rebase | None:
    """Whether the image can be rebased onto what its base's tag names now; None if that is to be built first."""
    base: ImageBase | None = verdict.lineage.base if verdict.lineage else None
    change = verdict.change
    if base is None or change is None or not change.image or verdict.after is not None:
        return None
    return rebase(catalogue, verdict.image, base, change.image)


def matcher(patterns: Sequence[str]) -> Callable[[Reference], bool]:
    """Whether a reference matches one of some patterns: `*` stays within a part of the path, `**` does not."""
    made = [re.compile(_pattern(p)) for p in patterns]

    def matches(name: Reference) -> bool:
        return any(one.fullmatch(text) for one in made for text in (name.name, name.tagged))

    return matches


def _pattern(text: str) -> str:
    parts = re.split(r"(\*\*|\*|\?)", text)
    return "".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)) for part in parts)
