"""A world that changes by chance, and what its subscribers must hear of it: worked out here, and not by the program."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

LINES = 12
"""Versions of the engine, each with its own advisories."""
MOST = 48
"""Advisories: when so many have appeared, no more do, so that what is kept of them is bounded, too."""
LARGEST = 40
"""Hosts."""
POLLED = {
    "moby-advisories": "api.github.com/repos/moby/moby/security-advisories.json",
    "runc-advisories": "api.github.com/repos/opencontainers/runc/security-advisories.json",
}
SEVERITIES = ("medium", "high", "critical")
SILENT_AFTER = timedelta(days=3)
GONE_AFTER = timedelta(days=1)
"""What a list no longer has is withdrawn when two polls so far apart have missed it."""
QUIET = timedelta(days=16)
"""An advisory turns no sooner than so long after it turned: what wavers is tested elsewhere."""
_LETTERS = "23456789cfghjmpqrvwx"

Said = frozenset[tuple[str, str]]
"""What a message speaks of: advisories with their titles, or sources with their states."""


@dataclass(frozen=True)
class Entry:
    """An advisory as its source lists it; the number also says which version it affects."""

    number: int
    title: str
    severity: int = 0
    listed: bool = True
    turned: datetime | None = None
    """When it was last withdrawn, or came back."""

    @property
    def name(self) -> str:
        return f"CVE-2031-{20000 + self.number}"

    @property
    def line(self) -> int:
        return self.number % LINES

    def as_json(self) -> dict[str, Any]:
        """As GitHub lists it."""
        high, low = divmod(self.number, len(_LETTERS))
        ghsa = f"GHSA-2222-2222-22{_LETTERS[high]}{_LETTERS[low]}"
        return {
            "ghsa_id": ghsa,
            "cve_id": self.name,
            "html_url": f"https://github.com/moby/moby/security/advisories/{ghsa}",
            "summary": self.title,
            "severity": SEVERITIES[self.severity],
            "state": "published",
            "published_at": "2026-04-01T10:00:00Z",
            "vulnerabilities": [{"package": {"name": "moby"}, "vulnerable_version_range": f"= {version(self.line)}"}],
        }


def version(line: int) -> str:
    """The engine of a line."""
    return f"20.10.{line}"


@dataclass
class World:
    """The sources and the fleet. `change` lets something happen; `read` is what a poll has read of it."""

    folder: Path
    chance: random.Random
    entries: dict[int, Entry] = field(default_factory=dict)
    read: dict[int, Entry] = field(default_factory=dict)
    missed: dict[int, datetime] = field(default_factory=dict)
    """When a poll first missed what is listed no longer."""
    hosts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By name: the line of its engine, and the number of its runc."""
    down: set[str] = field(default_factory=set)
    happened: int = 0
    moved: bool = True
    """Whether the fleet is another one than at the last import."""

    def __post_init__(self) -> None:
        for line in range(LINES):
            self.appear()
            self.arrive(line)
        self.write()

    def change(self, now: datetime) -> None:
        """One thing or another, both, or nothing."""
        if self.chance.random() < 0.6:
            kinds: list[Callable[[], None]] = [self.appear, self.reword, self.worsen]
            kinds += [partial(self.withdraw, now), partial(self.come_back, now)]
            self.chance.choice(kinds)()
        if self.chance.random() < 0.25:
            self.chance.choice([self.arrive, self.leave, self.replace_runc, self.replace_runc])()
        if self.down:
            if self.chance.random() < 0.6:
                self.down.clear()
        elif self.chance.random() < 0.06:
            self.down = set(self.chance.sample(sorted(POLLED), self.chance.choice([1, 1, 2])))
        self.write()

    def write(self) -> None:
        """Put the documents up, or in their place what a source that fails answers."""
        listed = [e.as_json() for e in self.entries.values() if e.listed]
        for source, place in POLLED.items():
            at = self.folder / place
            at.parent.mkdir(parents=True, exist_ok=True)
            content = listed if source == "moby-advisories" else []
            at.write_text("<html>We will be back soon" if source in self.down else json.dumps(content))

    def poll(self, now: datetime) -> None:
        """What a poll reads now; what is listed no longer stays as it was until its absence is proven."""
        if "moby-advisories" in self.down:
            return
        for number, entry in self.entries.items():
            if entry.listed:
                self.read[number] = entry
                self.missed.pop(number, None)
            elif number in self.read and self.missed.setdefault(number, now) <= now - GONE_AFTER:
                self.read[number] = entry

    def inventory(self) -> str:
        """The fleet, as CSV."""
        rows = [f"{h},engine,{version(line)}\n{h},runc,1.2.{runc}\n" for h, (line, runc) in self.hosts.items()]
        return "".join(["host,product,version\n", *rows])

    def on(self, line: int) -> set[str]:
        """The hosts of a line."""
        return {host for host, (its, _) in self.hosts.items() if its == line}

    def _title(self) -> str:
        self.happened += 1
        return f"Matter {self.happened}"

    def _one(self, *, listed: bool, now: datetime | None = None) -> Entry | None:
        some = [e for e in self.entries.values() if e.listed is listed]
        if now is not None:
            some = [e for e in some if e.turned is None or now - e.turned > QUIET]
        return self.chance.choice(some) if some else None

    def _edit(self, entry: Entry | None, **changes: Any) -> None:
        if entry is not None:
            self.entries[entry.number] = replace(entry, **changes)

    def appear(self) -> None:
        """A new advisory, rated medium or high."""
        if len(self.entries) < MOST:
            number = len(self.entries)
            self.entries[number] = Entry(number, self._title(), self.chance.choice([0, 1]))

    def reword(self) -> None:
        """Other words, which are no news."""
        self._edit(self._one(listed=True), title=self._title())

    def worsen(self) -> None:
        """An advisory is rated worse, if that is possible."""
        entry = self._one(listed=True)
        if entry and entry.severity < len(SEVERITIES) - 1:
            self._edit(entry, severity=entry.severity + 1, title=self._title())

    def withdraw(self, now: datetime) -> None:
        """An advisory is listed no longer; not many at once, for that is refused as a broken page."""
        missing = sum(not e.listed for e in self.entries.values())
        if missing < 2:
            self._edit(self._one(listed=True, now=now), listed=False, turned=now)

    def come_back(self, now: datetime) -> None:
        """One that was withdrawn is listed again."""
        self._edit(self._one(listed=False, now=now), listed=True, title=self._title(), turned=now)

    def arrive(self, line: int | None = None) -> None:
        """A host comes; where the fleet is large enough, only after another went."""
        if len(self.hosts) >= LARGEST:
            self.leave()
        self.happened += 1
        self.hosts[f"host-{self.happened}"] = (self.chance.randrange(LINES) if line is None else line, self.happened)
        self.moved = True

    def leave(self) -> None:
        """A host goes, and never the last one of its line."""
        some = [h for h, (line, _) in self.hosts.items() if len(self.on(line)) > 1]
        if some:
            del self.hosts[self.chance.choice(some)]
            self.moved = True

    def replace_runc(self) -> None:
        """A host gets a runc that no other host ever had, and that nothing is known of."""
        host = self.chance.choice(sorted(self.hosts))
        self.happened += 1
        self.hosts[host] = (self.hosts[host][0], self.happened)
        self.moved = True


@dataclass
class _Told:
    severity: int
    hosts: set[str]
    withdrawn: bool = False


@dataclass
class Subscriber:
    """One who was told of some advisories; with a weekday, on that day of the week at eight."""

    least: int = 0
    """The severity from which on it wants to hear."""
    weekday: int | None = None
    told: dict[int, _Told] = field(default_factory=dict)
    looked: datetime | None = None

    def hears(self, world: World, now: datetime) -> Said | None:
        """What it must hear in a run; None where nothing may arrive."""
        first = self.looked is None
        if not self._is_time(now):
            return None
        self.looked = now
        said = frozenset((e.name, e.title) for e in world.read.values() if self._is_news(e, world.on(e.line)))
        return said if said or first else None

    def _is_time(self, now: datetime) -> bool:
        if self.weekday is None or self.looked is None:
            return True
        tick = self.looked.replace(hour=8, minute=0, second=0, microsecond=0)
        while tick <= self.looked or tick.weekday() != self.weekday:
            tick += timedelta(days=1)
        return tick <= now

    def _is_news(self, entry: Entry, hosts: set[str]) -> bool:
        before = self.told.get(entry.number)
        if not entry.listed:
            news = before is not None and not before.withdrawn
            if before:
                before.withdrawn = True
            return news
        if entry.severity < self.least or not hosts:
            return False
        same = before and not before.withdrawn and before.severity >= entry.severity and hosts <= before.hosts
        if not same:
            self.told[entry.number] = _Told(entry.severity, hosts)
        return not same


@dataclass
class Operator:
    """One who hears of each change of a source's state once."""

    states: dict[str, str] = field(default_factory=lambda: dict.fromkeys(POLLED, "healthy"))
    read: dict[str, datetime] = field(default_factory=dict)
    """When each source was last read."""

    def hears(self, world: World, now: datetime) -> Said | None:
        """What the message of a run must be about; None where there is to be none."""
        before = dict(self.states)
        for source in POLLED:
            if source not in world.down:
                self.read[source] = now
            silent = now - self.read.get(source, now) > SILENT_AFTER
            self.states[source] = "healthy" if source not in world.down else "silent" if silent else "failing"
        return frozenset(self.states.items() - before.items()) or None
