"""Whether an image can be put on the new layers of its base without a build (`crane rebase`).

Never "safe": that the layers fit says nothing of what runs in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from feeds.core.text import few
from feeds.images.records import BuildStep, ImageManifest, same_platform
from notifier.images.catalogue import ImageCatalogue
from notifier.images.lineage import BaseProof, ImageBase

CAVEATS = (
    "crane may mix media types in the result, which podman and CRI-O refuse",
    "signatures and attestations of the image do not hold for the result",
)
"""What is true of every rebase."""


class RebaseVerdict(StrEnum):
    """What is known of a rebase."""

    READY = "ready"
    """Nothing was found against it."""
    RISKY = "risky"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Rebase:
    """A verdict with its reasons."""

    verdict: RebaseVerdict
    reasons: tuple[str, ...] = ()


def rebase(catalogue: ImageCatalogue, config: str, base: ImageBase, target: str) -> Rebase:
    """Whether an image can be moved from its base to the image that the base's tag names now.

    Rules: images/CONTRACT, rule 11. `no` where it cannot work; `risky` where what was built above the base may not
    fit the new one; `ready` otherwise.
    """
    if (against := next(_impossible(catalogue, config, base, target), None)) is not None:
        return Rebase(RebaseVerdict.NO, (against,))
    risks = tuple(_risks(catalogue, config, base, target))
    return Rebase(RebaseVerdict.RISKY if risks else RebaseVerdict.READY, risks)


def _impossible(catalogue: ImageCatalogue, config: str, base: ImageBase, target: str) -> Iterator[str]:
    image = catalogue.images[config]
    if base.proof is BaseProof.CLAIMED or not base.image or base.image not in catalogue.images:
        yield "its first layers are not known to be those of the base"
        return
    if image.rebasable is False:
        yield "its label io.buildpacks.rebasable says no"
    if not target or target not in catalogue.images:
        yield "what the base's tag names now was not read"
        return
    if not same_platform(image.platform, catalogue.images[target].platform):
        yield f"the new base is for {catalogue.images[target].platform or 'an unknown platform'}, not {image.platform}"
    mine, below = catalogue.manifests_of.get(config, []), catalogue.manifests_of.get(base.image, [])
    if mine and below and not any(_first(one, other) for one in mine for other in below):
        yield "its first layers are compressed in another way than the base's"


def _first(image: ImageManifest, base: ImageManifest) -> bool:
    """Whether the blobs of a base are the first of an image's."""
    return image.blobs[: len(base.blobs)] == base.blobs


def _risks(catalogue: ImageCatalogue, config: str, base: ImageBase, target: str) -> Iterator[str]:
    image, below = catalogue.images[config], catalogue.images[base.image]
    if not (image.steps and below.steps and image.steps.startswith(below.steps)):
        yield "what was done above the base is not known"
    else:
        yield from _steps(image.steps, len(below.steps))
    new = dict(catalogue.images[target].env)
    mine = dict(image.env)
    stale = [name for name, value in below.env if mine.get(name) == value and new.get(name) != value]
    if stale:
        yield f"it keeps {few(stale, 5)} as the old base set {'it' if len(stale) == 1 else 'them'}"
    if catalogue.indexes_of(config):
        yield "it is part of an index, which would have to be made anew"


def _steps(steps: str, first: int) -> Iterator[str]:
    """What the layers above a base did that may depend on it."""
    number = sum(step != BuildStep.META for step in steps[:first])
    for step in steps[first:]:
        if step == BuildStep.META:
            continue
        number += 1
        if step == BuildStep.PACKAGE:
            yield f"layer {number} ran a package manager on the old base"
        elif step != BuildStep.COPY:
            yield f"layer {number} ran a command on the old base"
