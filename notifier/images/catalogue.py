"""Everything that is known of images, indexed: what registries published and what hosts reported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from feeds.images.facts import ImageFacts
from feeds.images.image_tags import TagState
from feeds.images.records import Image, ImageIndex, ImageManifest, MemberRole, same_platform
from feeds.images.references import Reference, reference


@dataclass(frozen=True, slots=True)
class Resolved:
    """The image that a digest leads to; `reason` says why there is none."""

    config: str = ""
    reason: str = ""


class ImageCatalogue:
    """Leads from every digest to one image, and from an image to what is said of it."""

    def __init__(self, facts: ImageFacts) -> None:
        self.facts = facts
        self.chains = facts.chains
        self._aliases: dict[str, list[tuple[str, str]]] = {}
        for digest, platform, config in facts.aliases:
            self._aliases.setdefault(digest, []).append((platform, config))
        self.images = self._merged()
        self.chain = {
            config: chain if (chain := facts.chain.get(config)) is not None else self.chains.add(image.layers)
            for config, image in self.images.items()
        }
        self.manifests_of: dict[str, list[ImageManifest]] = {}
        for manifest in facts.manifests.values():
            if manifest.kind is MemberRole.IMAGE:
                self.manifests_of.setdefault(manifest.config, []).append(manifest)
        self._indexed: dict[str, list[str]] = {}
        for index in facts.indexes.values():
            for member in index.members:
                self._indexed.setdefault(member.manifest, []).append(index.digest)
        self.base_notes = self._base_notes()
        self.tags_of: dict[str, list[TagState]] = {}
        """By image: the tags that name it, or did before."""
        self.held_by: dict[str, set[Reference]] = {}
        """By image: the tags by which hosts hold it, whatever the registry says of them."""
        self.repositories = self._repositories()

    def resolve(self, digest: str, platform: str = "") -> Resolved:
        """The image of a config, manifest or index digest on a platform ("" if the platform is not known)."""
        if digest in self.facts.manifests:
            manifest = self.facts.manifests[digest]
            if manifest.kind is not MemberRole.IMAGE:
                return Resolved(reason="it is an attestation")
            return self._read(manifest.config)
        if digest in self.facts.indexes:
            index = self.facts.indexes[digest]
            inner = index.of(platform)
            if not inner:
                what = f"has no {platform}" if platform else "has several platforms, and the host's is not known"
                return Resolved(reason=f"its index {what}")
            return (
                self.resolve(inner, platform)
                if inner not in self.facts.indexes
                else Resolved(reason="an index in an index")
            )
        held = self._aliases.get(digest, [])
        fit = [config for of, config in held if not platform or not of or same_platform(of, platform)]
        if len(set(fit)) == 1:
            return self._read(fit[0])
        return self._read(digest)

    def canonical(self, config: str, platform: str) -> str:
        """The identity of an image that an engine reports under some digest: its config where that is known."""
        if config in self.images:
            return config
        return self.resolve(config, platform).config or config

    def _read(self, config: str) -> Resolved:
        if config in self.images:
            return Resolved(config)
        return Resolved(reason="its layers were not read")

    def _merged(self) -> dict[str, Image]:
        """The images, without those that an engine knows by a digest which leads to another one's config."""
        facts = self.facts
        found = {}
        for key, image in facts.images.items():
            held = {config for of, config in self._aliases.get(key, ()) if not of or same_platform(of, image.platform)}
            if key in facts.manifests:
                held.add(facts.manifests[key].config)
            elif key in facts.indexes:
                inner = facts.manifests.get(facts.indexes[key].of(image.platform))
                held |= {inner.config} if inner else set()
            if not (held - {key}) & facts.images.keys():
                found[key] = image
        return found

    def _repositories(self) -> dict[str, frozenset[str]]:
        """The repositories in which each image is or was, by hosts and by tags."""
        found: dict[str, set[str]] = {}
        for key, names in self.facts.names.items():
            image = self.facts.images.get(key)
            config = self.canonical(key, image.platform if image else "")
            for name in names:
                named = reference(name)
                if named is None:
                    continue
                found.setdefault(config, set()).add(named.name)
                if name == named.tagged:
                    self.held_by.setdefault(config, set()).add(named)
        for tag in self.facts.tags.values():
            for digest in (tag.digest, *(p.digest for p in tag.past)):
                for config in self._all(digest):
                    found.setdefault(config, set()).add(tag.reference.name)
                    if tag not in (held := self.tags_of.setdefault(config, [])):
                        held.append(tag)
        return {config: frozenset(names) for config, names in found.items()}

    def _base_notes(self) -> dict[str, set[tuple[str, str]]]:
        """By image: the (digest, name) of its base that its manifests' and indexes' annotations give."""
        found: dict[str, set[tuple[str, str]]] = {}
        for manifest in self.facts.manifests.values():
            if manifest.base_digest:
                found.setdefault(manifest.config, set()).add((manifest.base_digest, manifest.base_name))
        for index in self.facts.indexes.values():
            for config in self._all(index.digest) if index.base_digest else ():
                found.setdefault(config, set()).add((index.base_digest, index.base_name))
        return found

    def _all(self, digest: str) -> Iterable[str]:
        """Every image that a digest leads to, whatever the platform."""
        if not digest:
            return ()
        index = self.facts.indexes.get(digest)
        if index is None:
            found = self.resolve(digest).config
            return (found,) if found else ()
        return tuple(c for m in index.members if m.role is MemberRole.IMAGE and (c := self.resolve(m.manifest).config))

    def indexes_of(self, config: str) -> list[ImageIndex]:
        """The indexes in which a manifest of an image stands."""
        manifests = {m.digest for m in self.manifests_of.get(config, ())}
        return [self.facts.indexes[d] for m in sorted(manifests) for d in self._indexed.get(m, ())]

    def tag(self, reference: Reference) -> TagState | None:
        """What is known of a tag."""
        return self.facts.tags.get(reference.tagged)
