"""Which images something still refers to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from feeds.images.facts import ImageFacts


def needed(facts: ImageFacts, running: Iterable[str]) -> frozenset[str]:
    """The images that run (by their digests), that a tag names, and those that these stand on, by their layers."""
    aliases: dict[str, set[str]] = {}
    for digest, _, image in facts.aliases:
        aliases.setdefault(digest, set()).add(image)
    named = (tag.digest for tag in facts.tags.values() if tag.digest)
    led = {image for digest in {*running, *named} for image in _led(facts, aliases, digest)}
    chains = {n for image in led if image in facts.chain for n in facts.chains.upward(facts.chain[image])}
    return frozenset(image for image in facts.images if image in led or facts.chain.get(image) in chains)


def _led(facts: ImageFacts, aliases: dict[str, set[str]], digest: str) -> Iterator[str]:
    """Every image that a digest can lead to, whatever the platform."""
    yield digest
    yield from aliases.get(digest, ())
    index = facts.indexes.get(digest)
    for manifest in (digest, *(member.manifest for member in index.members)) if index else (digest,):
        if manifest in facts.manifests:
            yield facts.manifests[manifest].config
