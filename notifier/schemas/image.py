"""The answers of `navtex image`. Pure; their JSON is a contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.images.lineage import BaseProof
from notifier.images.rebase import RebaseVerdict
from notifier.images.status import BaseEvent, ImageStatus
from notifier.schemas.fields import MOMENT, Count, GeneratedAt

_Digest = Annotated[str | None, Meta(description="a digest; null if it is not known")]
_Image = Annotated[str, Meta(description="the name that containers were started with")]
_Reason = Annotated[str, Meta(description="why, in words")]
_Base = Annotated[str | None, Meta(description="the name of its base; null if none is known")]
_At = Annotated[datetime | None, MOMENT]
_Hosts = Annotated[Count, Meta(description="the number of hosts that run it")]
_Status = Annotated[
    ImageStatus, Meta(description="what is to be done", extra_json_schema={"enum": [s.value for s in ImageStatus]})
]
_Proof = Annotated[
    str | None,
    Meta(
        description="evidence of the base image",
        extra_json_schema={"enum": [*(p.value for p in BaseProof), None]},
    ),
]


class ImageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One image under one name."""

    image: _Image
    config: _Digest
    platform: Annotated[str, Meta(description="its platform; empty if not known")]
    status: _Status
    reason: _Reason
    base: _Base
    proof: _Proof
    wave: Annotated[int | None, Meta(description="the wave of its rebuild; null unless the status is rebuild")]
    split: Annotated[bool, Meta(description="whether the name runs as several images")]
    hosts: _Hosts


class ImageList(msgspec.Struct, frozen=True, kw_only=True):
    """`image list`."""

    generated_at: GeneratedAt
    images: tuple[ImageRow, ...]


class RebaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an image can be rebased without a build."""

    verdict: Annotated[RebaseVerdict, Meta(extra_json_schema={"enum": [v.value for v in RebaseVerdict]})]
    reasons: tuple[str, ...]


class BuildRow(msgspec.Struct, frozen=True, kw_only=True):
    """An image to rebuild."""

    image: _Image
    config: _Digest
    status: _Status
    by: Annotated[str, Meta(description="who builds it", extra_json_schema={"enum": ["you", "its maintainer"]})]
    proof: _Proof
    reason: _Reason
    after: Annotated[str | None, Meta(description="the base that is to be rebuilt before; null in the first wave")]
    hosts: _Hosts
    rebase: Annotated[RebaseRow | None, Meta(description="null if its base is to be rebuilt before")]


class BasePlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from one change of one base."""

    base: Annotated[str, Meta(description="the base's tag")]
    platform: str
    before: Annotated[str | None, Meta(description="the image that the base was; null if not known")] = msgspec.field(
        name="from"
    )
    to: Annotated[str | None, Meta(description="the image, or the newer tag, that it is now")]
    moved_at: Annotated[_At, Meta(description="when Navtex saw the change; null if it was before the first look")]
    event: Annotated[BaseEvent, Meta(extra_json_schema={"enum": [e.value for e in BaseEvent]})]
    hosts: Annotated[Count, Meta(description="the hosts that run an image to rebuild")]
    waves: Annotated[tuple[tuple[BuildRow, ...], ...], Meta(description="images to rebuild, each wave after the last")]


class PullRow(msgspec.Struct, frozen=True, kw_only=True):
    """A name to pull again."""

    image: _Image
    before: Annotated[_Digest, Meta(description="the image that runs")] = msgspec.field(name="from")
    to: Annotated[_Digest, Meta(description="the image that the tag names")]
    hosts: _Hosts
    of: Annotated[Count, Meta(description="the hosts that run the name, with any image")]


class ReasonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A name with the reason why it stands where it does."""

    image: _Image
    reason: _Reason
    hosts: _Hosts


class ImagePlans(msgspec.Struct, frozen=True, kw_only=True):
    """`image plan`."""

    generated_at: GeneratedAt
    bases: tuple[BasePlanRow, ...]
    repull: tuple[PullRow, ...]
    new_base: tuple[ReasonRow, ...]
    unknown: tuple[ReasonRow, ...]
    old_tags: Annotated[Count, Meta(description="the tags whose registry gave no answer for a day")]


class LayerStep(msgspec.Struct, frozen=True, kw_only=True):
    """A base in the line of an image."""

    base: _Base
    config: _Digest
    proof: _Proof
    layers: Annotated[Count, Meta(description="how many of the image's first layers it has")]
    of: Annotated[Count, Meta(description="how many layers the image has")]


class RunsRow(msgspec.Struct, frozen=True, kw_only=True):
    """An image that runs under a name."""

    config: _Digest
    hosts: _Hosts
    since: Annotated[datetime, MOMENT]


class ImageDetail(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one image under one name."""

    image: _Image
    platform: str
    config: _Digest
    status: _Status
    reason: _Reason
    wave: int | None
    line: Annotated[tuple[LayerStep, ...], Meta(description="its base, the base of that, and so on")]
    rebase: RebaseRow | None
    caveats: Annotated[tuple[str, ...], Meta(description="what is true of every rebase; empty if there is none")]
    hosts: _Hosts
    since: Annotated[datetime, MOMENT, Meta(description="when a host was first seen to run it")]
    other: Annotated[tuple[RunsRow, ...], Meta(description="other images that run under the name")]
    doubts: Annotated[tuple[str, ...], Meta(description="statements about its base that count for nothing")]
    tags: Annotated[tuple[str, ...], Meta(description="tags of its base: those that moved, and those that did not")]


class ImageDetails(msgspec.Struct, frozen=True, kw_only=True):
    """`image show`."""

    generated_at: GeneratedAt
    images: tuple[ImageDetail, ...]


class BaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A base, named or not."""

    chain: Annotated[Count, Meta(description="the number of its chain of layers")]
    base: _Base
    layers: Count
    images: Annotated[Count, Meta(description="how many images stand on it")]
    hosts: Annotated[Count, Meta(description="on how many hosts they run")]


class BaseList(msgspec.Struct, frozen=True, kw_only=True):
    """`image base list`."""

    generated_at: GeneratedAt
    bases: tuple[BaseRow, ...]
