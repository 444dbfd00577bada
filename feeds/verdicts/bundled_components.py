"""What is said of a product that Docker Engine contains, as a word on the engine's own releases.  Pure.

dockerd is built with BuildKit, so an engine has the flaws of the BuildKit in it; Docker's static build brings its own
runc and containerd, too.  The engine's own statement on the
same flaw (its notes, its advisory) is stronger: see `Rank`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from feeds.advisories.records import ENGINE
from feeds.advisories.releases import BROUGHT, Releases
from feeds.verdicts.statements import SourceStatement, StatementResult, Status, Verdict
from feeds.versions.products import GO_ARCHIVE
from feeds.versions.upstream import Key, is_version, read

BUILT_IN: Final = frozenset({"buildkit", GO_ARCHIVE})
"""What is in every build of an engine; its static build brings more (`BROUGHT`)."""
NAMES: Final = {"buildkit": "BuildKit", GO_ARCHIVE: "go-archive", "containerd": "containerd", "runc": "runc"}
"""The products that an engine may contain, as they are written."""
_AFTER_RELEASE = re.compile(r"^(?P<branch>\d+\.\d+)\.(?P<patch>[1-9]\d*)-0\.\d{14}-[0-9a-f]{12}$")
_AFTER_STAGE = re.compile(r"^(?P<numbers>\d+\.\d+\.\d+)(?P<stage>-[\w.-]+?)\.0\.\d{14}-[0-9a-f]{12}$")
_COMMIT = re.compile(r"-(?:0\.|[\w.-]*\.0\.)?\d{14}-[0-9a-f]{12}$")


@dataclass(slots=True)
class ContainedStatement(SourceStatement):
    """What records say of products inside the engine, by those products' own versions."""

    releases: Releases = field(default_factory=Releases)
    inside: Mapping[str, Callable[[str], Verdict]] = field(default_factory=dict)
    """By product: what is said of its versions."""
    said: str = ""
    """The ranges of these products, in words."""

    results: dict[Key, StatementResult | None] = field(default_factory=dict)
    """What it says of each engine release of which it is known what is inside."""

    def __post_init__(self) -> None:
        """Judge the releases that were read."""
        noted = self.releases.notes.get(ENGINE, {}) if BROUGHT & self.inside.keys() else {}
        for at in sorted({*self.releases.contents, *noted}):
            if found := list(self._results(at)):
                telling = [r for r in found if r and r.status is not Status.NOT_AFFECTED]
                # not affected only where nothing in it is
                self.results[at] = telling[0] if telling else (found[0] if all(found) else None)

    @property
    def states(self) -> bool:
        """Whether it says anything of a release."""
        return any(self.results.values())

    def says(self, at: Key) -> StatementResult | None:
        """Affected where anything in the release is; None if it is not known of all that is in it."""
        return self.results[at] if at in self.results else self._later(at)

    def _later(self, at: Key) -> StatementResult | None:
        """The word on a release that was not read: not affected where one before it, on its line, has the fix."""
        before = max((k for k in self.results if k[0] == at[0] and k < at), default=None)
        if before is None or not self._cleared(before):
            return None
        if not any(r and r.status is Status.AFFECTED for k, r in self.results.items() if k < before):
            return None  # the flaw may have come after it
        inside = ((p, v) for p in self.inside if (v := self.releases.inside(p, before)))
        known = " and ".join(f"{NAMES[product]} {version}" for product, version in inside)
        reason = f"newer than Docker Engine {self.releases.text(before)}, which contains {known}"
        return StatementResult(Status.NOT_AFFECTED, reason, guess=True)

    def _results(self, at: Key) -> Iterator[StatementResult | None]:
        for product in self.inside:
            version = self.releases.inside(product, at)
            if version is not None:
                yield self._result(product, version, at)

    def _result(self, product: str, version: str, at: Key) -> StatementResult | None:
        """The word on one contained version; None if the releases around it differ, or nothing is said of them."""
        verdicts = [self.inside[product](v) for v in _between(version)]
        statuses = {v.status for v in verdicts}
        if len(statuses) != 1 or Status.UNKNOWN in statuses:
            return None
        best = verdicts[0]
        reason = best.reason.removesuffix(f" ({best.source.source})") if best.source else best.reason
        return StatementResult(best.status, f"{self._sentence(product, version, at)}: {reason}", read=best.source)

    def _sentence(self, product: str, version: str, at: Key) -> str:
        build = "The static build of Docker Engine" if product in BROUGHT else "Docker Engine"
        return f"{build} {self.releases.text(at)} contains {NAMES[product]} {version}"

    def silence(self, at: Key) -> str:
        """Why it says nothing of a release."""
        unread = f"which {' or '.join(NAMES[p] for p in self.inside)} it contains is not known"
        found = ((p, v) for p in self.inside if (v := self.releases.inside(p, at)) is not None)
        return next((self._doubt(product, version, at) for product, version in found), unread)

    def _doubt(self, product: str, version: str, at: Key) -> str:
        if not version:
            return f"Docker Engine {self.releases.text(at)} contains a {NAMES[product]} of its own"
        sentence, around = self._sentence(product, version, at), _between(version)
        if not around:
            return f"{sentence}, a commit of which it is not known what it follows"
        said = [f"{v} ({self.inside[product](v).status.value.replace('_', ' ')})" for v in around]
        return f"{sentence}, a commit between {' and '.join(said)}" if len(said) > 1 else f"{sentence}: {said[0]}"

    def words(self, at: Key) -> tuple[str, ...]:
        """What the release contains, and the file that says so."""
        found = ((p, v) for p in self.inside if (v := self.releases.inside(p, at)))
        return tuple(f"{self._sentence(p, v, at)} ({self._document(p, at)})" for p, v in found)

    def _document(self, product: str, at: Key) -> str:
        """The address of the module file, or of the notes, that says what is inside."""
        notes = self.releases.notes.get(ENGINE, {})
        if product in BROUGHT:
            return notes[at].url if at in notes else "earlier release notes"
        return self.releases.contents[at].url

    def ranges(self) -> str:
        """The ranges of the products inside, in one line."""
        return self.said

    def repaired(self) -> dict[Key, str]:
        """By line of the engine: the lowest release known from which on nothing in it is affected."""
        lines: dict[int, list[Key]] = defaultdict(list)
        for at in self.results:
            if read(self.releases.text(at)).final:
                lines[at[0]].append(at)
        found: dict[Key, str] = {}
        for releases in lines.values():
            clear = list(takewhile(self._cleared, sorted(releases, reverse=True)))
            found.update({at: self.releases.text(at) for at in clear[-1:]})
        return found

    def _cleared(self, at: Key) -> bool:
        said = self.results[at]
        return said is not None and said.status is Status.NOT_AFFECTED


def _between(version: str) -> tuple[str, ...]:
    """The releases around a version: itself, or the two that a commit (a Go pseudo-version) lies between.

    Nothing where it is not known after which release the commit was made.

    >>> _between("0.28.1"), _between("0.12.6-0.20240131235959-0123456789ab")
    (('0.28.1',), ('0.12.5', '0.12.6'))
    >>> _between("0.0.0-20240131235959-0123456789ab")
    ()
    """
    if after := _AFTER_RELEASE.match(version):
        patch = int(after["patch"])
        return f"{after['branch']}.{patch - 1}", f"{after['branch']}.{patch}"
    if staged := _AFTER_STAGE.match(version):
        return staged["numbers"] + staged["stage"], staged["numbers"]
    return (version,) if is_version(version) and not _COMMIT.search(version) else ()
