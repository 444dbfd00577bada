"""The base of an image, with its proof.

A base is the nearest image of another repository whose layers are the image's first. What a build said of its base
(provenance, label, annotation) counts where the layers agree; what the layers do not bear out is shown as a claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from feeds.images.image_tags import TagState, TagStatus
from feeds.images.layers import ROOT
from feeds.images.records import Image
from feeds.images.references import Reference, reference
from notifier.images.catalogue import ImageCatalogue


class BaseProof(StrEnum):
    """What shows that an image stands on a base; the most trusted first."""

    PROVENANCE = "provenance"
    LABEL = "label"
    ANNOTATION = "annotation"
    LAYERS = "layers"
    DECLARED = "declared"
    CLAIMED = "claimed"
    """Provenance or annotation that the layers do not bear out, as of a squashed image: no proof."""


@dataclass(frozen=True, slots=True)
class ImageBase:
    """What an image stands on."""

    proof: BaseProof
    chain: int
    """The layers of the base, which are the image's first; 0 where they are not (claimed)."""
    image: str = ""
    """The base by its config; "" if no known image has exactly these layers."""
    reference: Reference | None = None
    """The tag to ask for it; None if no name of it is known."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The base of an image, or why there is none; `doubts` are statements that count for nothing."""

    base: ImageBase | None
    reason: str = ""
    doubts: tuple[str, ...] = ()
    unnamed: int = ROOT
    """A chain that images of several repositories share and that has no name: a base that a user may name."""


class Bases:
    """Finds the base of every image of a catalogue."""

    def __init__(
        self,
        catalogue: ImageCatalogue,
        *,
        declared: Iterable[Reference] = (),
        named: Mapping[int, Reference] | None = None,
    ) -> None:
        """`declared` are the bases of the configuration; `named` are chains that a user gave a name."""
        self._catalogue = catalogue
        self._declared = tuple(declared)
        self._named = dict(named or {})
        self._at: dict[int, list[str]] = {}
        for config, chain in catalogue.chain.items():
            self._at.setdefault(chain, []).append(config)
        self._known: dict[str, Lineage] = {}
        self._by_base: dict[str, ImageBase] = {}
        self._lineage_on: dict[str, Lineage] = {}

    def of(self, config: str) -> Lineage:
        """The lineage of an image of the catalogue."""
        found = self._known.get(config)
        if found is None:
            found = self._known[config] = self._find(config)
        return found

    def _find(self, config: str) -> Lineage:
        image, chain = self._catalogue.images[config], self._catalogue.chain[config]
        doubts: list[str] = []
        if chain == ROOT:
            return Lineage(None, "it has no layers")
        said = self._said(config, image, doubts)
        for base in said:
            if base.proof is not BaseProof.CLAIMED:
                return Lineage(base, doubts=tuple(doubts))
        if (by_layers := self._by_layers(config)) is not None:
            return Lineage(by_layers, doubts=tuple(doubts)) if doubts else self._plain(by_layers)
        if (by_name := self._by_name(chain)) is not None:
            return Lineage(by_name, doubts=tuple(doubts))
        if said:
            return Lineage(said[0], doubts=tuple(doubts))
        unnamed = next((c for c in self._catalogue.chains.upward(chain) if c in self._shared), ROOT)
        reason = "no known image has its first layers"
        if unnamed != ROOT:
            depth = self._catalogue.chains.depth(unnamed)
            first = "first layer is" if depth == 1 else f"first {depth} layers are"
            reason = f"its {first} a base without a known name"
        return Lineage(None, reason, tuple(doubts), unnamed)

    def _said(self, config: str, image: Image, doubts: list[str]) -> tuple[ImageBase, ...]:
        """What a build said of the base, the most trusted first."""
        catalogue = self._catalogue
        if not (image.run_image_top or config in catalogue.manifests_of or config in catalogue.base_notes):
            return ()
        return (
            *self._provenance(config, image, doubts),
            *self._label(config, image, doubts),
            *self._annotation(config, image, doubts),
        )

    def _plain(self, base: ImageBase) -> Lineage:
        """The lineage on a base without doubts, one value for all images on the same base."""
        found = self._lineage_on.get(base.image)
        if found is None or found.base is not base:
            found = self._lineage_on[base.image] = Lineage(base)
        return found

    def _provenance(self, config: str, image: Image, doubts: list[str]) -> list[ImageBase]:
        """The deepest of the materials whose layers are the first; the others are stages of the build."""
        materials = dict.fromkeys(
            m
            for manifest in self._catalogue.manifests_of.get(config, ())
            for m in self._catalogue.facts.materials.get(manifest.digest, ())
        )
        proven: list[ImageBase] = []
        left: list[ImageBase] = []
        for material in materials:
            base = self._stated(BaseProof.PROVENANCE, config, image, (material.digest, material.uri), doubts)
            if base is not None:
                (left if base.proof is BaseProof.CLAIMED else proven).append(base)
        if proven:
            return [max(proven, key=lambda b: self._catalogue.chains.depth(b.chain))]
        return left if len(left) == 1 else []

    def _label(self, config: str, image: Image, doubts: list[str]) -> list[ImageBase]:
        if not image.run_image_top:
            return []
        chain = self._catalogue.chains.up_to(self._catalogue.chain[config], image.run_image_top)
        if chain == ROOT:
            doubts.append("its buildpack label names a layer that it does not have")
            return []
        return [ImageBase(BaseProof.LABEL, chain, self._representative(chain, config), _tagged(image.run_image))]

    def _annotation(self, config: str, image: Image, doubts: list[str]) -> list[ImageBase]:
        stated = (
            self._stated(BaseProof.ANNOTATION, config, image, said, doubts)
            for said in sorted(self._catalogue.base_notes.get(config, ()))
        )
        found = [base for base in stated if base is not None]
        return sorted(found, key=lambda b: b.proof is BaseProof.CLAIMED)

    def _stated(
        self, proof: BaseProof, config: str, image: Image, said: tuple[str, str], doubts: list[str]
    ) -> ImageBase | None:
        """The base of a stated digest and name, as far as the layers bear it out; None if the digest leads nowhere."""
        digest, name = said
        catalogue = self._catalogue
        found = catalogue.resolve(digest, image.platform).config
        if not found:
            doubts.append(f"its {proof} names {digest[:19]}, which is not known")
            return None
        if found == config:
            return None
        mine, chain = catalogue.chain[config], catalogue.chain[found]
        if chain == ROOT:
            return None
        if catalogue.chains.stands_on(mine, chain) and not catalogue.chains.only_empty(chain):
            return ImageBase(proof, chain, found, _tagged(name) or self._reference(found))
        return ImageBase(BaseProof.CLAIMED, ROOT, found, _tagged(name) or self._reference(found))

    def _by_layers(self, config: str) -> ImageBase | None:
        """The nearest image of another repository; those of its own repositories are earlier builds of it."""
        catalogue = self._catalogue
        own = catalogue.repositories.get(config, frozenset())
        for chain in catalogue.chains.upward_among(catalogue.chain[config], self._at):
            held = [
                c
                for c in self._at[chain]
                if self._below(c, config) and catalogue.repositories.get(c, frozenset()) - own
            ]
            if held and not catalogue.chains.only_empty(chain):
                best = held[0]
                if len(held) > 1:
                    best = max(held, key=lambda c: (len(self._common(c, config)), -len(catalogue.images[c].steps), c))
                return self._on_layers(chain, best, own, self._tag_said(config, best))
        return None

    def _on_layers(self, chain: int, base: str, own: frozenset[str], said: Reference | None) -> ImageBase:
        """The base with a tag that was said, or one of it; one value for images that share no repository with it."""
        if said is not None or not own.isdisjoint(self._catalogue.repositories.get(base, ())):
            return ImageBase(BaseProof.LAYERS, chain, base, said or self._reference(base, own))
        found = self._by_base.get(base)
        if found is None:
            found = self._by_base[base] = ImageBase(BaseProof.LAYERS, chain, base, self._reference(base))
        return found

    def _below(self, other: str, config: str) -> bool:
        """Whether an image can be what another stands on: fewer layers, or the same with less history."""
        if other == config:
            return False
        if self._catalogue.chain[other] != self._catalogue.chain[config]:
            return True
        base, mine = self._catalogue.images[other].steps, self._catalogue.images[config].steps
        return bool(base) and len(base) < len(mine) and mine.startswith(base)

    def _common(self, other: str, config: str) -> str:
        """The history of an image where it is the beginning of another one's."""
        base, mine = self._catalogue.images[other].steps, self._catalogue.images[config].steps
        return base if mine.startswith(base) else ""

    def _by_name(self, chain: int) -> ImageBase | None:
        for at in self._catalogue.chains.upward(chain):
            if at in self._named:
                return ImageBase(BaseProof.DECLARED, at, "", self._named[at])
        return None

    def _representative(self, chain: int, config: str) -> str:
        held = sorted(c for c in self._at.get(chain, ()) if self._below(c, config))
        return held[0] if held else ""

    def _tag_said(self, config: str, base: str) -> Reference | None:
        """The tag that an annotation or provenance of an image names, where the base that the layers show is there."""
        if config not in self._catalogue.base_notes and config not in self._catalogue.manifests_of:
            return None
        repositories = self._catalogue.repositories.get(base, frozenset())
        said = [name for _, name in sorted(self._catalogue.base_notes.get(config, ()))]
        for manifest in self._catalogue.manifests_of.get(config, ()):
            said += [m.uri for m in self._catalogue.facts.materials.get(manifest.digest, ())]
        named = (found for name in said if (found := _tagged(name)) is not None)
        return next((one for one in named if one.name in repositories), None)

    def _reference(self, config: str, without: frozenset[str] = frozenset()) -> Reference | None:
        """The tag of a base to ask for: the declared one, else the shortest that has moved, else the shortest."""
        repositories = self._catalogue.repositories.get(config, frozenset()) - without
        for one in self._declared:
            if one.name in repositories:
                return one
        tags = [t for t in self._catalogue.tags_of.get(config, ()) if t.reference.name in repositories]
        if tags:
            return min(
                tags, key=lambda t: (not self._has_moved(t, config), len(t.reference.tag), t.reference)
            ).reference
        held = [r for r in self._catalogue.held_by.get(config, ()) if r.name in repositories]
        return min(held, key=lambda r: (len(r.tag), r), default=None)

    def _has_moved(self, tag: TagState, config: str) -> bool:
        platform = self._catalogue.images[config].platform
        now = self._catalogue.resolve(tag.digest, platform).config
        if tag.status is not TagStatus.NAMED or not now:
            return False
        return self._catalogue.chain[now] != self._catalogue.chain[config]

    @cached_property
    def _shared(self) -> frozenset[int]:
        """The chains that images of at least two repositories have above them, and that no known image has exactly."""
        chains, above = self._catalogue.chains, dict[int, str]()
        # by chain: the repository of the images above it, or _SEVERAL; each chain hands it to the one below
        for config, chain in self._catalogue.chain.items():
            for name in self._catalogue.repositories.get(config, ()):
                below = chains.parent(chain)
                above[below] = name if above.get(below, name) == name else _SEVERAL
        for chain, below in chains.from_the_top():
            if chain in above:
                name = above[chain]
                above[below] = name if above.get(below, name) == name else _SEVERAL
        shared = (at for at, name in above.items() if name == _SEVERAL and at != ROOT and at not in self._at)
        return frozenset(at for at in shared if not chains.only_empty(at))


_SEVERAL = ""


def _tagged(text: str) -> Reference | None:
    """The tag that a name means; None if it is pinned by digest alone or is not a name."""
    found = reference(text) if text else None
    return Reference(found.registry, found.repository, found.tag) if found and found.tag else None
