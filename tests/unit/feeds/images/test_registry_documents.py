"""Manifests, indexes, configs and provenance: real shapes in our own words, and what strangers may put there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.core.errors import ShapeError
from feeds.core.limits import MANIFEST
from feeds.images import registry_documents
from feeds.images.layers import EMPTY_LAYER, ROOT, Chains
from feeds.images.records import Image, ImageIndex, ImageManifest, MemberRole, platform, steps

SAMPLES = Path(__file__).parents[5] / "shared" / "images" / "samples" / "registry"
A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def body(of: Any) -> bytes:
    return json.dumps(of).encode()


def manifest(**more: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "config": {"digest": C}, "layers": [{"digest": A}, {"digest": B}], **more}


def test_a_manifest_gives_its_config_its_blobs_and_its_base() -> None:
    notes = {"org.opencontainers.image.base.digest": A, "org.opencontainers.image.base.name": "debian:12"}
    found = registry_documents.manifest(body(manifest(annotations=notes)), B)
    assert found == ImageManifest(B, C, (A, B), "debian:12", A)
    scratch = registry_documents.manifest(
        body(manifest(annotations={"org.opencontainers.image.base.name": "scratch"})), B
    )
    assert (scratch.base_name, scratch.base_digest) == ("", "")


def test_an_index_gives_a_manifest_for_each_platform_and_knows_attestations() -> None:
    listed = [
        {"digest": A, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": B, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {
            "digest": C,
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.digest": A, "vnd.docker.reference.type": "attestation-manifest"},
        },
    ]
    found = registry_documents.manifest(body({"manifests": listed}), C)
    assert isinstance(found, ImageIndex)
    assert [found.of(p) for p in ("linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/riscv64", "")] == [
        A,
        B,
        B,
        "",
        "",
    ]
    assert [m.role for m in found.members] == [MemberRole.IMAGE, MemberRole.IMAGE, MemberRole.ATTESTATION]
    only = registry_documents.manifest(body({"manifests": listed[1:]}), C)
    assert isinstance(only, ImageIndex)
    assert (only.of(""), only.of("linux/amd64")) == (B, B)


def test_a_config_gives_layers_steps_and_names_of_variables_without_values() -> None:
    config = {
        "os": "linux",
        "architecture": "arm64",
        "variant": "v8",
        "created": "2026-11-28T21:03:18.188214579Z",
        "config": {"Env": ["PATH=/bin", "TOKEN=hunter2"], "Labels": {"io.buildpacks.rebasable": "false"}},
        "rootfs": {"diff_ids": [A, B]},
        "history": [
            {"created_by": "COPY . /app # buildkit"},
            {"created_by": "ENV TOKEN=hunter2", "empty_layer": True},
            {"created_by": "RUN /bin/sh -c apk add curl # buildkit"},
        ],
    }
    found = registry_documents.image(body(config), C)
    assert (found.platform, found.layers, found.steps, found.rebasable) == ("linux/arm64/v8", (A, B), "cmp", False)
    assert [name for name, _ in found.env] == ["PATH", "TOKEN"]
    assert "hunter2" not in repr(found)
    assert found.created is not None
    assert found.created.isoformat() == "2026-11-28T21:03:18.188214+00:00"


def test_a_buildpack_says_its_run_image() -> None:
    told = {
        "runImage": {"topLayer": A, "reference": "r.example/run@" + B},
        "stack": {"runImage": {"image": "r.example/run:1"}},
    }
    labels = {"io.buildpacks.lifecycle.metadata": json.dumps(told)}
    found = registry_documents.image(body({"rootfs": {"diff_ids": [A]}, "config": {"Labels": labels}}), C)
    assert (found.run_image, found.run_image_top) == ("r.example/run:1", A)


def test_provenance_of_both_versions_names_the_images_that_were_used() -> None:
    sha = "a" * 64
    uri = "pkg:docker/r.example%3A5000/base@1?platform=linux%2Famd64"
    old = {
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "predicate": {"materials": [{"uri": uri, "digest": {"sha256": sha}}]},
    }
    new = {
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "resolvedDependencies": [{"uri": uri, "digest": {"sha256": sha}}, {"uri": "git+https://x"}]
            }
        },
    }
    assert registry_documents.materials(body(old)) == registry_documents.materials(body(new))
    assert [(m.uri, m.digest) for m in registry_documents.materials(body(old))] == [("r.example:5000/base:1", A)]


def test_an_image_without_layers_is_one() -> None:
    assert registry_documents.image(body({"rootfs": {"type": "layers", "diff_ids": None}}), C).layers == ()
    assert registry_documents.manifest(
        body({"schemaVersion": 2, "config": {"digest": A}, "layers": None}), C
    ) == ImageManifest(C, A, ())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"manifests": 3}',
        b'{"schemaVersion": 1, "fsLayers": []}',
        b'{"config": {"digest": "sha256:12"}, "layers": []}',
        b'{"config": {}, "layers": [{"digest": 3}]}',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps({"config": {"digest": A}, "layers": [{"digest": A}] * 1001}).encode(),
        json.dumps({"manifests": [{"digest": A}] * 1001}).encode(),
        b" " * (MANIFEST + 1),
    ],
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(ShapeError):
        registry_documents.manifest(text, C)


@pytest.mark.parametrize("layers", [{}, "x", ["sha256:1"], [A, 3], [A] * 1001])
def test_a_config_without_diff_ids_is_refused(layers: object) -> None:
    with pytest.raises(ShapeError):
        registry_documents.image(body({"rootfs": {"diff_ids": layers}} if layers else {}), C)


def test_bytes_that_are_not_those_of_the_digest_are_refused() -> None:
    good = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    assert registry_documents.checked(b"x", good) == b"x"
    for wrong, of in ((b"y", good), (b"x", A), (b"x", "md5:1"), (b"x", "")):
        with pytest.raises(ShapeError):
            registry_documents.checked(wrong, of)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([A, B, "linux"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "config",
                    "layers",
                    "manifests",
                    "digest",
                    "platform",
                    "os",
                    "architecture",
                    "rootfs",
                    "diff_ids",
                    "history",
                    "created_by",
                    "Env",
                    "Labels",
                    "annotations",
                    "predicate",
                    "materials",
                    "uri",
                    "created",
                    "predicateType",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_odd_documents_are_read_or_refused(of: object) -> None:
    for read in (
        lambda b: registry_documents.manifest(b, C),
        lambda b: registry_documents.image(b, C),
        registry_documents.materials,
    ):
        try:
            read(body(of))
        except ShapeError:
            continue


@pytest.mark.parametrize(
    ("by", "step"),
    [
        ("/bin/sh -c #(nop) COPY dir:1 in /bin ", "c"),
        ("/bin/sh -c #(nop) ADD file:1 in / ", "c"),
        ("|1 V=2 /bin/sh -c #(nop) COPY a b", "c"),
        ("WORKDIR /app", "c"),
        ("COPY --from=build /a /b # buildkit", "c"),
        ("/bin/sh -c apt-get update && apt-get install -y curl", "p"),
        ("RUN /bin/sh -c dnf -y upgrade # buildkit", "p"),
        ("/bin/sh -c echo adapter > /captain", "r"),
        ("", "r"),
        ("buildpacksio/lifecycle", "r"),
    ],
)
def test_steps_of_a_build(by: str, step: str) -> None:
    assert steps([(by, False), ("ENV A=1", True)], 1) == f"{step}m"
    assert steps([(by, False)], 2) == ""


def test_platforms_are_written_as_containerd_does() -> None:
    assert platform("Linux", "x86_64") == "linux/amd64"
    assert platform("", "aarch64", "v8") == "linux/arm64/v8"
    assert platform("unknown", "unknown") == platform("linux", "") == platform("linux", "a/b") == ""


def test_chains_share_their_first_layers() -> None:
    chains = Chains()
    one, two = chains.add([A, B]), chains.add([A, C])
    assert (chains.parent(one), chains.layers(two), chains.depth(one)) == (chains.parent(two), (A, C), 2)
    assert chains.stands_on(one, chains.parent(two))
    assert not chains.stands_on(one, two)
    assert (chains.up_to(one, A), chains.up_to(one, C)) == (chains.parent(one), ROOT)
    assert chains.only_empty(chains.add([EMPTY_LAYER, EMPTY_LAYER]))
    assert chains.add([A, B]) == one
    loop = Chains([(1, 2, A), (2, 1, B)])
    assert len(list(loop.upward(1))) <= 3


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of registries' answers are not at hand")
def test_samples_of_real_registries_are_read() -> None:
    def read(name: str) -> ImageManifest | ImageIndex:
        return registry_documents.manifest((SAMPLES / name).read_bytes(), A)

    assert read("manifest-zstd.json").config == read("manifest-docker-v2s2.json").config  # type: ignore[union-attr]
    assert read("manifest-annotation-good.json").base_name.endswith("/child:1")
    assert isinstance(read("manifest-list.json"), ImageIndex)
    attested = read("index-attestation.json")
    assert isinstance(attested, ImageIndex)
    assert len([m for m in attested.members if m.role is MemberRole.IMAGE]) == 1
    found = registry_documents.image((SAMPLES / "config-child.json").read_bytes(), C)
    assert isinstance(found, Image)
    assert (len(found.layers), found.steps) == (3, "ccmmrm")
    assert len(registry_documents.materials((SAMPLES / "provenance-v0.2-max.json").read_bytes())) == 2
    with pytest.raises(ShapeError, match="schema 1"):
        read("manifest-schema1.json")
