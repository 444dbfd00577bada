"""What the facts say of releases: which exist, when they came, and what the Go module's tags are called.  Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

import msgspec

from feeds.advisories.facts import Contents, Fact, Package, Packages, Release, ReleaseLine, Repair, Tags
from feeds.advisories.records import ENGINE, VersionStatement
from feeds.versions import products
from feeds.versions.package_channels import is_apt
from feeds.versions.package_versions import dpkg, rpm
from feeds.versions.ranges import Span
from feeds.versions.upstream import Key, is_development, is_version, key, read

BROUGHT = frozenset({"containerd", "runc"})
"""What an engine's static build brings along."""
_FIRST_OF_MODULE = "29-dev"
"""From 29 on the engine is built from github.com/moby/moby/v2; before, from github.com/docker/docker."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A tag of the module moby/moby/v2 and the engine release on the same commit."""

    module: Key
    module_tag: str
    engine: str
    engine_tag: str
    commit: str


@dataclass(frozen=True, slots=True)
class Releases:
    """Everything that is known of releases. Without any facts it knows of none, and then nothing is refused."""

    lines: tuple[ReleaseLine, ...] = ()
    tagged: dict[str, dict[Key, str]] = field(default_factory=dict)
    """By product: the releases that exist, by their keys."""
    notes: dict[str, dict[Key, Release]] = field(default_factory=dict)
    twins: tuple[Twin, ...] = ()
    published: dict[str, dict[str, dict[Key, Package]]] = field(default_factory=dict)
    """By channel of download.docker.com and product: the newest package of each release, by the release's key."""

    contents: dict[Key, Contents] = field(default_factory=dict)
    """What the engine's releases are built with, by their keys."""

    listed: frozenset[str] = frozenset()
    """The products of which a list of releases is read; none where nothing is known of sources."""
    read_on: date | None = None
    """When those lists were last read."""

    def exists(self, product: str, at: Key) -> bool:
        """Whether a release was tagged; where the product's tags are not known, whether it may have been."""
        tagged = self.tagged.get(product)
        return at in tagged if tagged else not is_development(at)

    def inside(self, product: str, at: Key) -> str | None:
        """The version of a product inside an engine release; "" if it is none of the product's own releases.

        None if it is not known that the release contains it. runc and containerd are inside its static build only.
        """
        if product in BROUGHT:
            return self.brought(ENGINE, at).get(product)
        contents = self.contents.get(at)
        return contents.contains.get(product) if contents else None

    def contains(self, names: Iterable[str]) -> bool:
        """Whether any engine release is known to contain one of some products."""
        wanted = set(names)
        if not wanted:
            return False
        inside = any(wanted & contents.contains.keys() for contents in self.contents.values())
        bundled = {b.product for release in self.notes.get(ENGINE, {}).values() for b in release.bundles}
        return inside or bool(wanted & BROUGHT & bundled)

    def text(self, at: Key) -> str:
        """An engine release as its project writes it; "" if it is not known."""
        known = self.named(ENGINE, at) or (self.contents[at].version if at in self.contents else "")
        return known or (self.notes[ENGINE][at].version if at in self.notes.get(ENGINE, {}) else "")

    def named(self, product: str, at: Key) -> str | None:
        """The release of a key as its project writes it; None if it is not known."""
        return self.tagged.get(product, {}).get(at)

    def finals(self, product: str) -> list[str]:
        """The final releases of a product, lowest first."""
        return [text for _, text in sorted(self.tagged.get(product, {}).items()) if read(text).final]

    def near(self, product: str, version: str) -> list[str]:
        """Up to three final releases whose numbers look most like a version's, for what may be a typing error."""
        return get_close_matches(version, self.finals(product)[::-1], n=3)

    def day(self, product: str, version: str) -> date | None:
        """When a release came out, as far as notes or feeds tell."""
        release = self.notes.get(product, {}).get(key(version))
        return release.day if release else None

    def regressions(self, product: str, version: str) -> list[tuple[Release, Repair]]:
        """What is broken in a release, as the notes of later ones tell: the repairing release and its words.

        A release between the one that brought it and the one that repairs it, of the same first number, has it, too.
        """
        at = key(version)
        return [
            (release, repair)
            for repaired, release in sorted(self.notes.get(product, {}).items())
            for repair in release.repairs
            if repair.brought_by and is_version(repair.brought_by)
            if (brought := key(repair.brought_by)) == at or (brought < at < repaired and brought[0] == repaired[0])
        ]

    def brought(self, product: str, at: Key) -> dict[str, str]:
        """The releases of other products that a release's binaries hold, by its notes or earlier ones of its branch.

        An engine's branches follow one another within a major version, so all of its earlier notes count.
        """
        notes, found = self.notes.get(product, {}), dict[str, str]()
        line = 1 if product == ENGINE else 2
        for other in sorted(k for k in notes if k <= at and k[:line] == at[:line]):
            found |= {b.product: b.version for b in notes[other].bundles if is_version(b.version)}
        return found

    def translated(self, claim: VersionStatement) -> VersionStatement | None:
        """A claim about moby/moby/v2 as one about engine releases; None if no tag tells.

        A tag that lies on the commit of an engine release is that release.  Between two such tags
        nothing is said of the engine releases that lie between.
        """
        if not self.twins:
            return None
        affected: list[Span] = []
        unaffected: list[Span] = []
        said: list[str] = []
        spans = claim.affected or tuple(Span("", f) for f in claim.fixed)
        for span in spans:
            low = self._twin_from(key(span.low)) if span.low else None
            if span.low and low is None:
                continue
            start = low.engine if low else _FIRST_OF_MODULE
            if not span.high:
                affected.append(Span(start, ""))
                continue
            end = span.keys()[1]
            twin, before = self._twin_from(end), self._twin_before(end)
            exact = twin is not None and twin.module == key(span.high)
            if exact and twin is not None:
                affected.append(Span(start, twin.engine))
                said.append(f"{twin.module_tag} = {twin.engine_tag} (commit {twin.commit[:12]})")
            elif before is not None:
                affected.append(Span(start, before.engine, closed_high=True))
            if twin is not None:
                unaffected.append(Span(twin.engine, ""))
        if not affected:
            return None
        return msgspec.structs.replace(
            claim,
            product=ENGINE,
            affected=tuple(affected),
            unaffected=tuple(unaffected[-1:]),
            fixed=(),
            partial=True,
            words=f"{claim.words}; {'; '.join(said) or 'read between tags on the same commits'}",
        )

    def _twin_from(self, at: Key) -> Twin | None:
        return next((t for t in self.twins if t.module >= at), None)

    def _twin_before(self, at: Key) -> Twin | None:
        return next((t for t in reversed(self.twins) if t.module < at), None)


def gathered(facts: Iterable[Fact]) -> Releases:
    """The releases that facts tell of."""
    everything = list(facts)
    tagged: dict[str, dict[Key, str]] = defaultdict(dict)
    commits: dict[str, list[str]] = defaultdict(list)
    notes: dict[str, dict[Key, Release]] = defaultdict(dict)
    for fact in everything:
        if isinstance(fact, Tags):
            for tag in fact.tags:
                version = _version(tag.name)
                if version and not _of_module(fact.product, version):
                    tagged[fact.product][key(version)] = version
                if fact.product == ENGINE:
                    commits[tag.commit].append(tag.name)
        elif isinstance(fact, Release) and is_version(fact.version):
            known = notes[fact.product].get(key(fact.version))
            if known is None or not known.repairs:
                notes[fact.product][key(fact.version)] = fact
    lines = tuple(f for f in everything if isinstance(f, ReleaseLine))
    contents = {key(f.version): f for f in everything if isinstance(f, Contents) and is_version(f.version)}
    published = {channel: _published(channel, found) for channel, found in _packages(everything).items()}
    return Releases(lines, dict(tagged), dict(notes), tuple(_twins(commits)), published, contents)


def _packages(facts: Iterable[Fact]) -> dict[str, list[Package]]:
    """By channel: its packages, of all lists of it."""
    found: dict[str, list[Package]] = defaultdict(list)
    for fact in facts:
        if isinstance(fact, Packages):
            found[fact.channel] += fact.packages
    return found


def _published(channel: str, packages: Iterable[Package]) -> dict[str, dict[Key, Package]]:
    order = dpkg if is_apt(channel) else rpm
    found: dict[str, dict[Key, Package]] = defaultdict(dict)
    for package in packages:
        known = found[package.product].get(key(package.version))
        if known is None or order(known.package_version) < order(package.package_version):
            found[package.product][key(package.version)] = package
    return dict(found)


def _version(tag: str) -> str:
    text = tag.removeprefix("docker-").removeprefix("v")
    return text if is_version(text) else ""


def _of_module(product: str, version: str) -> bool:
    return products.numbering(product, version) != product


def _twins(commits: dict[str, list[str]]) -> list[Twin]:
    found = []
    for commit, names in commits.items():
        versions = {name: _version(name) for name in names}
        modules = [n for n, v in versions.items() if v and _of_module(ENGINE, v)]
        engines = [n for n, v in versions.items() if v and not _of_module(ENGINE, v)]
        for module in modules if commit else ():
            if engines:
                best = max(engines, key=lambda n: key(versions[n]))
                found.append(Twin(key(versions[module]), module, versions[best], best, commit))
    return sorted(found, key=lambda t: t.module)
