"""Registries and hosts in a few words: images made of named layers, and tags that move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from feeds.images.facts import ImageFacts
from feeds.images.image_tags import TagState, answered
from feeds.images.layers import EMPTY_LAYER
from feeds.images.records import Image, ImageIndex, ImageManifest, IndexMember, Material, MemberRole
from feeds.images.records import env as hashed
from feeds.images.references import Reference, reference
from notifier.images.catalogue import ImageCatalogue
from notifier.images.lineage import Bases, Lineage
from notifier.images.plan import ImagePlan, judged, plan
from notifier.images.splits import RunningImage
from notifier.images.status import ImageJudge, ImageVerdict, LineageSettings

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)
AMD, ARM = "linux/amd64", "linux/arm64"


def digest(*of: object) -> str:
    """A digest of some words."""
    return "sha256:" + hashlib.sha256(repr(of).encode()).hexdigest()


def named(text: str) -> Reference:
    """The reference that a text is."""
    found = reference(text)
    assert found is not None, text
    return found


def layer(word: str) -> str:
    """The diff_id of a layer; `empty` is the one without files."""
    return EMPTY_LAYER if word == "empty" else digest("layer", word)


@dataclass
class World:
    """Registries and engines. Every method that makes an image returns the digest of its manifest."""

    images: dict[str, Image] = field(default_factory=dict)
    manifests: dict[str, ImageManifest] = field(default_factory=dict)
    indexes: dict[str, ImageIndex] = field(default_factory=dict)
    materials: dict[str, tuple[Material, ...]] = field(default_factory=dict)
    tags: dict[str, TagState] = field(default_factory=dict)
    aliases: list[tuple[str, str, str]] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)
    asked: frozenset[str] = frozenset({"r.example", "docker.io"})
    ended: dict[str, date] = field(default_factory=dict)
    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    declared: Sequence[Reference] = ()

    def push(
        self,
        layers: str,
        *,
        steps: str | None = None,
        env: Iterable[str] = (),
        platform: str = AMD,
        label: str = "",
        base: tuple[str, str] = ("", ""),
        compression: str = "gzip",
        rebasable: bool | None = None,
        run_image: tuple[str, str] = ("", ""),
    ) -> str:
        """An image of layers named by words; `steps` are one copy for each unless given; `base` is (digest, name)."""
        words = layers.split()
        diff_ids = tuple(layer(w) for w in words)
        told = "c" * len(words) if steps is None else steps
        config = digest("config", layers, told, tuple(env), platform, label)
        self.images[config] = Image(
            config,
            platform,
            diff_ids,
            steps=told,
            env=hashed(env),
            rebasable=rebasable,
            run_image=run_image[0],
            run_image_top=layer(run_image[1]) if run_image[1] else "",
        )
        blobs = tuple(digest("blob", w, compression) for w in words)
        manifest = digest("manifest", config, compression, base)
        self.manifests[manifest] = ImageManifest(manifest, config, blobs, base_name=base[1], base_digest=base[0])
        return manifest

    def index(self, members: Mapping[str, str], *, attested: bool = False) -> str:
        """An index of manifests by platform."""
        listed = [IndexMember(m, platform, MemberRole.IMAGE) for platform, m in members.items()]
        if attested:
            listed += [
                IndexMember(digest("attest", m.manifest), "", MemberRole.ATTESTATION, m.manifest) for m in listed
            ]
        own = digest("index", tuple(listed))
        self.indexes[own] = ImageIndex(own, tuple(listed))
        return own

    def built_of(self, manifest: str, *materials: tuple[str, str]) -> None:
        """Say by provenance of which (name, digest) an image was built."""
        self.materials[manifest] = tuple(Material(name, of) for name, of in materials)

    def tag(self, name: str, manifest: str, day: int = 0) -> None:
        """Let a tag name a digest from a day on."""
        self.answer(name, 200, manifest, day)

    def answer(self, name: str, status: int, manifest: str = "", day: int = 0) -> None:
        """Let a registry answer a question for a tag."""
        ref = named(name)
        self.tags[ref.tagged] = answered(self.tags.get(ref.tagged), ref, status, manifest, START + day * DAY)

    def catalogue(self) -> ImageCatalogue:
        """All of it, indexed."""
        facts = ImageFacts(
            self.images, self.manifests, self.indexes, self.materials, self.tags, self.aliases, self.names
        )
        return ImageCatalogue(facts)

    def config(self, manifest: str) -> str:
        """The image of a manifest."""
        return self.manifests[manifest].config

    def lineage(self, manifest: str) -> Lineage:
        """The lineage of an image."""
        return Bases(self.catalogue(), declared=self.declared).of(self.config(manifest))

    def judge(self, catalogue: ImageCatalogue) -> ImageJudge:
        """What judges the images of a catalogue of this world."""
        settings = LineageSettings(self.asked.__contains__, self.ended, self.listed)
        return ImageJudge(catalogue, Bases(catalogue, declared=self.declared), settings)

    def verdict(self, name: str, manifest: str, platform: str = AMD) -> ImageVerdict:
        """The verdict on an image that runs under a name."""
        return self.judge(self.catalogue()).of(named(name), manifest, platform)

    def plan(self, *running: tuple[str, str, int], own: Sequence[str] = ("r.example/**",)) -> ImagePlan:
        """The plan for (name, digest, hosts) that run."""
        catalogue = self.catalogue()
        judge = self.judge(catalogue)
        found = [RunningImage(named(n), d, AMD, hosts, START) for n, d, hosts in running]
        return plan(catalogue, judge, judged(judge, found), own)


def inspected(running: Mapping[str, str], images: Mapping[str, tuple[str, str]]) -> str:
    """What `docker inspect` prints of containers ({name: image}) and images ({name: (layers, steps)}), as one list."""
    ids = {name: digest("config", layers, steps) for name, (layers, steps) in images.items()}
    containers = [
        {"Id": f"{number:064x}", "Image": ids[of], "Config": {"Image": of}, "State": {"Status": "running"}}
        for number, of in enumerate(running.values(), 1)
    ]
    held = [
        {
            "Id": ids[name],
            "RepoTags": [name],
            "RepoDigests": [],
            "Os": "linux",
            "Architecture": "amd64",
            "RootFS": {"Type": "layers", "Layers": [layer(w) for w in layers.split()]},
        }
        for name, (layers, _) in images.items()
    ]
    return json.dumps([*containers, *held])
