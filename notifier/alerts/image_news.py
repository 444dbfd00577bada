"""Decide what is news about images: bases of running images that moved or ended, and names that run as several images.

An event is reported once, and again when an image or a host is added to it, never because an index got another digest.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feeds.core.text import counted
from feeds.images.references import HUB, Reference
from notifier.images.catalogue import ImageCatalogue
from notifier.images.plan import BasePlan, ImageBuild, ImagePlan
from notifier.images.splits import RunningImage, Split
from notifier.images.status import BaseEvent, short

EventKey = tuple[str, str]
"""A reported event, and the image it concerned."""
_FIRST = 2
"""Number of images that a digest names; the others are counted, and `navtex image plan` lists all."""


@dataclass(frozen=True, slots=True)
class BaseNews:
    """A base of running images that changed."""

    base: str
    event: BaseEvent
    at: datetime | None
    images: int
    """Number of images to rebuild or to move to another base, including images that run nowhere themselves."""
    first: tuple[str, ...]
    """The names of a few images to begin with."""
    hosts: int
    newer: str = ""
    """The newer tag, where the base's own is an exact version."""

    @property
    def words(self) -> str:
        """Say what happened and what to do."""
        on = f" on {self.at.day} {self.at:%B}" if self.at else ""
        what = {
            BaseEvent.MOVED: f"moved{on}",
            BaseEvent.NEWER: f"has a newer version, {self.newer}",
            BaseEvent.GONE: f"is gone{on.replace(' on ', ' since ')}",
            BaseEvent.ENDED: "has ended",
        }[self.event]
        noun = "image" if self.images == 1 else "images"
        verb = "rebuild" if self.event in (BaseEvent.MOVED, BaseEvent.NEWER) else "change the base of"
        names = " and ".join(self.first)
        named = f" ({names})" if self.images == len(self.first) else f", first {names}"
        hosts = counted(self.hosts, "host")
        return f"{self.base} {what}: {verb} {self.images} {noun}{named}, on {hosts}"


@dataclass(frozen=True, slots=True)
class SplitNews:
    """A name that runs as several images."""

    name: str
    parts: tuple[tuple[str, int], ...]
    """(the image's short id, on how many hosts), most hosts first."""
    since: datetime

    @property
    def words(self) -> str:
        """Say which images run on how many hosts."""
        parts = " and ".join(f"{image} on {counted(hosts, 'host')}" for image, hosts in self.parts[:3])
        more = f" and {len(self.parts) - 3} more images" if len(self.parts) > 3 else ""
        return f"{self.name} is {parts}{more}, since {self.since.day} {self.since:%B}"


@dataclass(frozen=True, slots=True)
class ImageNews:
    """The news about images for one subscription, and what to remember of them."""

    bases: tuple[BaseNews, ...] = ()
    splits: tuple[SplitNews, ...] = ()
    told: Mapping[EventKey, int] = field(default_factory=dict)
    """What the digest reports, with the number of hosts."""
    over: frozenset[EventKey] = frozenset()
    """Reported events that are over."""

    @property
    def any(self) -> bool:
        """Whether there is any news."""
        return bool(self.bases or self.splits)


def image_news(
    catalogue: ImageCatalogue,
    plan: ImagePlan,
    splits: Sequence[Split],
    told: Mapping[EventKey, int],
    count: Callable[[Iterable[RunningImage]], int],
) -> ImageNews:
    """The events not reported yet, or with new images or hosts. `count` counts distinct hosts."""
    now: dict[EventKey, int] = {}
    bases = []
    for one in _events(plan):
        event = _base_event(catalogue, one)
        concerned = {(event, _key(b)): sum(r.hosts for r in b.running) for w in one.waves for b in w if b.running}
        now |= concerned
        if any(hosts > told.get(key, 0) for key, hosts in concerned.items()):
            bases.append(_base_news(one, count))
    found = []
    for split in splits:
        event = f"split:{split.name.tagged}:{split.platform}"
        concerned = {(event, image): hosts for image, hosts in split.images}
        now |= concerned
        if concerned.keys() - told.keys():
            found.append(_split_news(split))
    return ImageNews(tuple(bases), tuple(found), now, frozenset(told.keys() - now.keys()))


def _events(plan: ImagePlan) -> Iterable[BasePlan]:
    yield from plan.bases
    yield from plan.lost


def _base_event(catalogue: ImageCatalogue, one: BasePlan) -> str:
    change = one.change
    what = str(catalogue.chain.get(change.image, "")) if change.image else change.named or str(change.ended or "")
    return f"{change.event.value}:{change.base.tagged}:{one.platform}:{what}"


def _key(build: ImageBuild) -> str:
    return f"{build.name.tagged}@{build.image}"


def _base_news(one: BasePlan, count: Callable[[Iterable[RunningImage]], int]) -> BaseNews:
    builds = [b for wave in one.waves for b in wave]
    first = one.waves[0] if one.waves else ()
    most = sorted(first, key=lambda b: (-sum(r.hosts for r in b.running), b.name))[:_FIRST]
    change = one.change
    return BaseNews(
        familiar(change.base),
        change.event,
        change.at,
        len(builds),
        tuple(familiar(b.name) for b in most),
        count(r for b in builds for r in b.running),
        change.named,
    )


def _split_news(split: Split) -> SplitNews:
    return SplitNews(familiar(split.name), tuple((short(i), hosts) for i, hosts in split.images), split.since)


def familiar(name: Reference) -> str:
    """A name as people write it: without Docker Hub's registry and its `library/`."""
    if name.registry != HUB:
        return name.tagged
    return f"{name.repository.removeprefix('library/')}{f':{name.tag}' if name.tag else ''}"
