"""Editions of the CIS Docker benchmark x engines: which edition is due for an engine, and why.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from feeds.advisories.cis_editions import place
from feeds.advisories.facts import ReleaseLine, line_of, starts_with
from feeds.advisories.records import ENGINE, Advisory, Edition
from feeds.verdicts.weighing import Status, Verdict
from feeds.versions.upstream import key
from notifier.domain.components import Component


@dataclass(frozen=True, slots=True)
class EngineLine:
    """An engine line that an edition is for, and why."""

    name: str
    reason: str


class Editions:
    """The editions that are known, and the engine lines with their dates."""

    def __init__(self, advisories: Iterable[Advisory], lines: Sequence[ReleaseLine], today: date) -> None:
        found = ((edition, a) for a in advisories if (edition := a.edition))
        self.all = sorted(found, key=lambda one: place(one[0]))
        """Every edition with its advisory, oldest first."""
        self._newest_first = self.all[::-1]
        self._lines = lines
        self._today = today

    def due(self, component: Component) -> tuple[Advisory, str] | None:
        """The edition for an engine and why: the newest of its own line, else the newest general one that applies."""
        if component.product != ENGINE or component.other_numbers:
            return None
        at = key(component.version)
        for edition, advisory in self._newest_first:
            if edition.line and starts_with(at, edition.line):
                return advisory, _written_for(edition.line)
        for edition, advisory in self._newest_first:
            if not edition.line and (reason := self._reason(edition, advisory, component.version)):
                return advisory, reason
        return None

    def verdict(self, advisory: Advisory, component: Component) -> Verdict:
        """Whether an edition is the one for an engine (`affected`), and why or why not."""
        read = advisory.records[0]
        if component.other_numbers:
            reason = f"{component.package or component.version} is {component.other_numbers}, which has other numbers"
            return Verdict(Status.UNKNOWN, reason, read)
        due = self.due(component)
        if due is None:
            reason = f"no edition is known to be for {component.product} {component.version}"
            return Verdict(Status.NOT_AFFECTED, reason, read)
        newest, reason = due
        if newest.name == advisory.name:
            return Verdict(Status.AFFECTED, reason, read)
        return Verdict(Status.NOT_AFFECTED, f"{newest.title} is the edition for it: {reason}", read)

    def lines(self, advisory: Advisory) -> list[EngineLine]:
        """The engine lines that an edition is for, newest first: those it names, those maintained when it came out.

        Those released since then count until a newer edition is for them.
        """
        edition = advisory.edition
        assert edition is not None
        found = {name: _written_for(name) for name in ((edition.line,) if edition.line else edition.engines)}
        for line in () if edition.line else self._lines:
            reason = self._line_reason(edition, advisory, line)
            if reason and (not self._later(edition, advisory, line) or self._newest_for(line) == advisory.name):
                found.setdefault(line.name, reason)
        return [EngineLine(name, found[name]) for name in sorted(found, key=key, reverse=True)]

    def _reason(self, edition: Edition, advisory: Advisory, version: str) -> str:
        """Why an edition of the general series is for an engine; "" if it is not."""
        named = next((name for name in edition.engines if starts_with(key(version), name)), "")
        if named:
            return _written_for(named)
        line = line_of(version, tuple(self._lines))
        return self._line_reason(edition, advisory, line) if line else ""

    def _line_reason(self, edition: Edition, advisory: Advisory, line: ReleaseLine) -> str:
        out = _out(edition, advisory)
        if out is None:
            maintained = line.maintained(self._today)
            return f"date not published; Docker Engine {line.name} is maintained" if maintained else ""
        if line.maintained(out):
            return f"Docker Engine {line.name} was maintained when it came out"
        if self._later(edition, advisory, line):
            return f"Docker Engine {line.name} was released since it came out"
        return ""

    def _newest_for(self, line: ReleaseLine) -> str:
        general = ((e, a) for e, a in self._newest_first if not e.line)
        return next((a.name for e, a in general if self._line_reason(e, a, line)), "")

    @staticmethod
    def _later(edition: Edition, advisory: Advisory, line: ReleaseLine) -> bool:
        """Whether an engine line was released after an edition came out."""
        out = _out(edition, advisory)
        return out is not None and line.released is not None and line.released > out


def _written_for(line: str) -> str:
    return f"written for Docker Engine {line}"


def _out(edition: Edition, advisory: Advisory) -> date | None:
    """The latest day that an edition can have come out on."""
    published = advisory.published.astimezone(UTC).date() if advisory.published else None
    return edition.latest or published
