"""What to do with each image that runs: nothing, pull, rebuild in waves, or take another base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from feeds.images.image_tags import TagState, TagStatus, newer
from feeds.images.layers import ROOT
from feeds.images.references import Reference
from notifier.images.catalogue import ImageCatalogue
from notifier.images.lineage import BaseProof, Bases, ImageBase, Lineage


class ImageStatus(StrEnum):
    """What an image is, in the order of urgency."""

    NEW_BASE = "new-base"
    REBUILD = "rebuild"
    RE_PULL = "re-pull"
    UNKNOWN = "unknown"
    CURRENT = "current"


class BaseEvent(StrEnum):
    """What happened to a base."""

    MOVED = "moved"
    NEWER = "newer"
    """Its tag is an exact version, and a newer one of the same line exists."""
    GONE = "gone"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class BaseChange:
    """What happened to the base of an image; `image` is what its tag names now."""

    event: BaseEvent
    base: Reference
    before: str
    """The config that the image stands on; "" if only its layers are known."""
    image: str = ""
    at: datetime | None = None
    ended: date | None = None
    named: str = ""
    """The newer tag."""


@dataclass(frozen=True, slots=True)
class ImageVerdict:
    """What is to be done with an image under a name, and why."""

    status: ImageStatus
    reason: str
    image: str = ""
    """The image that the name stands for now: what is rebuilt or pulled."""
    lineage: Lineage | None = None
    wave: int = 0
    """Of a rebuild: after how many others; the first is 1."""
    after: Reference | None = None
    """The base that is to be rebuilt before."""
    change: BaseChange | None = None
    """The root of it: what moved, at the bottom of the line."""


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """What is asked, and what is known of the lines of bases."""

    asked: Callable[[str], bool]
    """Whether a registry is asked."""
    ended: Mapping[str, date]
    """By base (`registry/repository:tag`): when the line that it belongs to ended. Only what has ended."""
    tags: Mapping[str, tuple[str, ...]]
    """By repository: the tags that its registry lists."""


class ImageJudge:
    """Says of a name and an image what is to be done."""

    def __init__(self, catalogue: ImageCatalogue, bases: Bases, settings: LineageSettings) -> None:
        self._catalogue, self._bases, self._settings = catalogue, bases, settings
        self._newest: dict[str, ImageVerdict] = {}
        self._open: set[str] = set()

    def of(self, name: Reference, digest: str, platform: str = "") -> ImageVerdict:
        """The verdict on the image that runs, by its digest, under a name that it was asked by."""
        running = self._catalogue.resolve(digest, platform)
        if not running.config:
            return ImageVerdict(ImageStatus.UNKNOWN, running.reason)
        image = self._catalogue.images[running.config]
        newest, reason = self._current(name, image.platform or platform, running.config)
        if not newest:
            return ImageVerdict(ImageStatus.UNKNOWN, reason, running.config, self._bases.of(running.config))
        found = self.newest(newest)
        if found.status in {ImageStatus.REBUILD, ImageStatus.NEW_BASE} or newest == running.config:
            return found
        if self._same_layers(newest, running.config):
            return ImageVerdict(
                ImageStatus.CURRENT, f"{name.tagged} names another image with the same layers", newest, found.lineage
            )
        return ImageVerdict(ImageStatus.RE_PULL, f"{name.tagged} names {short(newest)} now", newest, found.lineage)

    def newest(self, config: str) -> ImageVerdict:
        """The verdict on the image that a tag names, by its base alone."""
        found = self._newest.get(config)
        if found is None:
            if config in self._open:
                return ImageVerdict(ImageStatus.UNKNOWN, "its bases form a cycle", config)
            self._open.add(config)
            found = self._newest[config] = self._judge(config)
            self._open.discard(config)
        return found

    def _judge(self, config: str) -> ImageVerdict:
        lineage = self._bases.of(config)
        base = lineage.base
        if base is None:
            return ImageVerdict(ImageStatus.UNKNOWN, lineage.reason, config, lineage)
        if base.proof is BaseProof.CLAIMED:
            reason = "its layers are not those of the base that it claims (squashed?)"
            return ImageVerdict(ImageStatus.UNKNOWN, reason, config, lineage)
        if base.reference is None:
            return ImageVerdict(ImageStatus.UNKNOWN, "its base has no known tag", config, lineage)
        return self._by_base(config, lineage, base, base.reference)

    def _by_base(self, config: str, lineage: Lineage, base: ImageBase, name: Reference) -> ImageVerdict:
        if (lost := self._lost(base, name)) is not None:
            reason, change = lost
            return ImageVerdict(ImageStatus.NEW_BASE, reason, config, lineage, change=change)
        platform = self._catalogue.images[config].platform
        now, reason = self._current(name, platform, base.image)
        if not now:
            return ImageVerdict(ImageStatus.UNKNOWN, f"its base {name.tagged} is not known: {reason}", config, lineage)
        below = self.newest(now)
        if below.status is ImageStatus.REBUILD:
            reason = f"built on {name.tagged}, which must be rebuilt first"
            return ImageVerdict(ImageStatus.REBUILD, reason, config, lineage, below.wave + 1, name, below.change)
        if below.status is ImageStatus.NEW_BASE:
            reason = f"built on {name.tagged}, which needs another base"
            return ImageVerdict(ImageStatus.NEW_BASE, reason, config, lineage, change=below.change)
        if (moved := self._moved(base, name, now, platform)) is not None:
            reason, change = moved
            return ImageVerdict(ImageStatus.REBUILD, reason, config, lineage, 1, change=change)
        return ImageVerdict(ImageStatus.CURRENT, f"built on the image that {name.tagged} names", config, lineage)

    def _lost(self, base: ImageBase, name: Reference) -> tuple[str, BaseChange] | None:
        """Why a base can be used no longer; None if it can."""
        if (ended := self._settings.ended.get(name.tagged)) is not None:
            change = BaseChange(BaseEvent.ENDED, name, base.image, ended=ended)
            return f"built on {name.tagged}, which ended on {ended}", change
        tag = self._catalogue.tag(name)
        if tag is not None and tag.status is TagStatus.GONE:
            return f"its base {name.tagged} is gone", BaseChange(BaseEvent.GONE, name, base.image, at=tag.missing_since)
        return None

    def _moved(self, base: ImageBase, name: Reference, now: str, platform: str) -> tuple[str, BaseChange] | None:
        """What is newer than the base of an image; None if it is the newest."""
        if self._catalogue.chain[now] != base.chain:
            at = _moved_at(self._catalogue.tag(name), base, self._catalogue, platform)
            change = BaseChange(BaseEvent.MOVED, name, base.image, now, at)
            return f"{name.tagged} names {short(now)} now, with other layers", change
        if newest := newer(name.tag, self._settings.tags.get(name.name, ())):
            change = BaseChange(BaseEvent.NEWER, name, base.image, named=newest)
            return f"{name.name}:{newest} is newer than {name.tag}", change
        return None

    def _current(self, name: Reference, platform: str, held: str) -> tuple[str, str]:
        """The image that a tag names now, or why that is unknown. `held` is what a name that is local stands for."""
        tag = self._catalogue.tag(name)
        if not name.tag:
            return (held, "") if held else ("", "it is pinned by a digest")
        if tag is None:
            asked = self._settings.asked(name.registry)
            return "", f"{name.tagged} has not been asked for yet" if asked else f"{name.registry} is not asked"
        if tag.status is TagStatus.LOCAL:
            return (held, "") if held else ("", f"{name.registry} does not have it")
        if not tag.digest:
            return "", f"{name.registry} {_ANSWERS[tag.status]}"
        found = self._catalogue.resolve(tag.digest, platform)
        return found.config, found.reason

    def _same_layers(self, one: str, other: str) -> bool:
        chain = self._catalogue.chain
        return chain[one] == chain[other] != ROOT


_ANSWERS = {
    TagStatus.DENIED: "refused the request",
    TagStatus.LIMITED: "answers no more requests for now (rate limit)",
    TagStatus.UNREACHABLE: "did not answer",
    TagStatus.MISSING: "no longer has it",
    TagStatus.GONE: "no longer has it",
}


def short(digest: str) -> str:
    """The first twelve characters of a digest, as Docker shows ids."""
    return digest.partition(":")[2][:12]


def _moved_at(tag: TagState | None, base: ImageBase, catalogue: ImageCatalogue, platform: str) -> datetime | None:
    """When a tag stopped naming the layers of a base; None if that was before it was first asked for."""
    if tag is None:
        return None
    left = [
        p.until for p in tag.past if catalogue.chain.get(catalogue.resolve(p.digest, platform).config) == base.chain
    ]
    return max(left, default=None)
