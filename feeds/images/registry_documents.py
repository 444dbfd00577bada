"""Reads what registries answer: manifests, indexes, configs and provenance. Everything in them may be hostile.

Specifications: OCI image-spec 1.1 (manifest, index, config), Docker's manifest v2 schema 2 and manifest list, the
in-toto Statement with SLSA provenance 0.2 and 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from feeds.core.errors import ShapeError
from feeds.core.limits import LAYERS, MANIFEST
from feeds.images import records
from feeds.images.records import Image, ImageIndex, ImageManifest, IndexMember, Material, MemberRole
from feeds.images.references import digest, reference

MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
"""Always all four: a registry that holds an index answers 404 to a question for manifests alone."""

_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_PROVENANCE = "https://slsa.dev/provenance/"


def checked(body: bytes, expected: str) -> bytes:
    """The body, if it is what the digest names; ShapeError otherwise."""
    if len(body) > MANIFEST:
        raise ShapeError(f"it has {len(body)} bytes, more than {MANIFEST}")
    kind, _, value = expected.partition(":")
    if kind not in {"sha256", "sha512"} or hashlib.new(kind, body).hexdigest() != value:
        raise ShapeError(f"the bytes are not those of {expected[:19]}")
    return body


def manifest(body: bytes, own: str) -> ImageManifest | ImageIndex:
    """Read a manifest or an index of the digest `own`; ShapeError where it is neither."""
    top = _object(body)
    notes = _strings(top.get("annotations"))
    base = notes.get(_BASE_NAME, "").strip()
    named = {"base_name": "" if base == "scratch" else base[:500], "base_digest": digest(notes.get(_BASE_DIGEST, ""))}
    if isinstance(top.get("manifests"), list):
        return ImageIndex(own, tuple(_members(top["manifests"])), **named)
    if top.get("schemaVersion") == 1:
        raise ShapeError("it is of Docker's schema 1, which has no config and no diff_ids")
    config = top.get("config")
    listed = top["layers"] or [] if "layers" in top else None  # BuildKit writes null for an image without layers
    if not isinstance(config, dict) or not isinstance(listed, list):
        raise ShapeError("it is neither a manifest nor an index")
    layers = [one for one in listed if isinstance(one, dict)][: LAYERS + 1]
    if len(layers) > LAYERS:
        raise ShapeError(f"it has more than {LAYERS} layers")
    statements = tuple(
        digest(str(one.get("digest", "")))
        for one in layers
        if _strings(one.get("annotations")).get("in-toto.io/predicate-type", "").startswith(_PROVENANCE)
    )
    attests = any(str(one.get("mediaType", "")).startswith("application/vnd.in-toto") for one in layers)
    return ImageManifest(
        own,
        _digest_of(config),
        tuple(_digest_of(one) for one in layers),
        kind=MemberRole.ATTESTATION if attests else MemberRole.IMAGE,
        statements=tuple(filter(None, statements)),
        **named,
    )


def image(body: bytes, config: str) -> Image:
    """Read a config of the digest `config`; ShapeError where it describes no image."""
    top = _object(body)
    rootfs = top.get("rootfs")
    layers = (rootfs.get("diff_ids") or []) if isinstance(rootfs, dict) else None
    if not isinstance(layers, list) or len(layers) > LAYERS or not all(_is_digest(one) for one in layers):
        raise ShapeError("it has no list of diff_ids")
    inner = top.get("config")
    inner = inner if isinstance(inner, dict) else {}
    entries = inner.get("Env")
    labels = _strings(inner.get("Labels"))
    run_image, run_image_top = _run_image(labels.get("io.buildpacks.lifecycle.metadata", ""))
    return Image(
        config,
        records.platform(_word(top, "os"), _word(top, "architecture"), _word(top, "variant")),
        tuple(layers),
        steps=records.steps(_history(top.get("history")), len(layers)),
        env=records.env(e for e in entries if isinstance(e, str)) if isinstance(entries, list) else (),
        created=moment(top.get("created")),
        rebasable={"true": True, "false": False}.get(labels.get("io.buildpacks.rebasable", "").lower()),
        run_image=run_image,
        run_image_top=run_image_top,
    )


def materials(body: bytes) -> tuple[Material, ...]:
    """The images that a provenance statement names as what was built on or used; ShapeError where it is none."""
    top = _object(body)
    predicate = top.get("predicate")
    if not str(top.get("predicateType", "")).startswith(_PROVENANCE) or not isinstance(predicate, dict):
        raise ShapeError("it is not SLSA provenance")
    built = predicate.get("buildDefinition")
    listed = built.get("resolvedDependencies") if isinstance(built, dict) else predicate.get("materials")
    found: dict[Material, None] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and (made := _material(_word(one, "uri"), one.get("digest"))):
            found[made] = None
    return tuple(found)[:100]


def moment(value: object) -> datetime | None:
    """A time of a config; None if it is missing, is not one, or is the zero that reproducible builds write."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip()[:40])
    except ValueError:
        return None
    found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    return found if found.year > 1980 else None


def _material(uri: str, hashes: object) -> Material | None:
    value = hashes.get("sha256") if isinstance(hashes, dict) else None
    own = digest(f"sha256:{value}") if isinstance(value, str) else ""
    if not own or not uri.startswith("pkg:docker/"):
        return None
    name, _, version = unquote(uri.removeprefix("pkg:docker/").partition("?")[0]).partition("@")
    named = reference(f"{name}:{version}" if version and not digest(version) else name)
    return Material(named.tagged, own) if named else None


def _members(entries: list[Any]) -> Iterator[IndexMember]:
    if len(entries) > LAYERS:
        raise ShapeError(f"it has more than {LAYERS} manifests")
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        of = entry.get("platform")
        of = of if isinstance(of, dict) else {}
        about = digest(_strings(entry.get("annotations")).get("vnd.docker.reference.digest", ""))
        own = records.platform(_word(of, "os"), _word(of, "architecture"), _word(of, "variant"))
        role = MemberRole.ATTESTATION if about or (of and not own) else MemberRole.IMAGE
        yield IndexMember(_digest_of(entry), own, role, about)


def _history(value: object) -> Iterator[tuple[str, bool]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            yield _word(entry, "created_by")[:20_000], entry.get("empty_layer") is True


def _run_image(text: str) -> tuple[str, str]:
    """The reference and the top layer of a run image, of the lifecycle's label."""
    try:
        top = msgspec.json.decode(text.encode()) if text else {}
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return "", ""
    of = top.get("runImage") if isinstance(top, dict) else None
    if not isinstance(of, dict):
        return "", ""
    stack = top.get("stack")
    stacked = stack.get("runImage") if isinstance(stack, dict) else None
    named = (
        _word(of, "image") or (_word(stacked, "image") if isinstance(stacked, dict) else "") or _word(of, "reference")
    )
    found = reference(named)
    last = _word(of, "topLayer")
    return (str(found) if found else ""), (last if _is_digest(last) else "")


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MANIFEST:
        raise ShapeError(f"it has {len(body)} bytes, more than {MANIFEST}")
    try:
        top = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ShapeError(f"it is not JSON: {error}") from error
    if not isinstance(top, dict):
        raise ShapeError("it is not a JSON object")
    return top


def _digest_of(entry: Mapping[str, Any]) -> str:
    found = digest(_word(entry, "digest"))
    if not found:
        raise ShapeError("an entry has no digest")
    return found


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and digest(value) == value


def _word(of: Mapping[str, Any], key: str) -> str:
    value = of.get(key)
    return value if isinstance(value, str) else ""


def _strings(value: object) -> dict[str, str]:
    return {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}
