"""Collecting: query engines and hosts, and store what they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from feeds import storage
from feeds.core.text import few
from feeds.storage.database import Database
from notifier.collection import CollectedTarget, Effort, HeldImages, distinct, gather
from notifier.collection.targets import Chosen, CollectionTarget, renamed, targets
from notifier.domain.components import BadRow, Note
from notifier.domain.hosts import ImportResult
from notifier.schemas.inventory import CollectSummary, MissingTarget, host_changes, unread_rows
from notifier.services.hosts.host_storing import ImportListener, ImportOptions, store

SCOPE = "collect"
"""The scope of hosts that were collected."""
_BAD_ROWS = 10
"""How many rows are told of one host that cannot be read; the others are counted."""
_NAMED = 3
"""How many hosts a note names; the others are counted."""


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """Whom to query, how many at a time, and the seconds that each may take; `host` names the only one."""

    chosen: Chosen
    jobs: int
    timeout: float
    host: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    stopping: Callable[[], bool] = lambda: False
    """Whether to query no more of them."""


@dataclass(frozen=True, slots=True)
class CollectAnswer:
    """What a collection did, and whether a signal ended it before everybody was queried.

    `left` are the labels of targets that were not queried, since it was to stop.
    """

    value: CollectSummary
    interrupted: bool
    left: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everybody answered, with nothing that could not be read."""
        return not (self.value.missing or self.value.bad_rows)


def collect(
    database: Database, options: CollectOptions, environment: Mapping[str, str], now: datetime
) -> CollectAnswer:
    """Query engines and hosts, and store what they answer as it comes, also if a signal ends the query.

    Hosts that do not answer keep what is known about them. UnknownName for a context that does not exist;
    UsageProblem if `host` names one and several are queried.
    """
    asked = renamed(targets(options.chosen, environment), options.host)
    with database.connect() as connection:
        held = HeldImages(storage.layered_images(connection))
    work = _Storing(database, held, ImportOptions(SCOPE, options.tags, shared=True), now, _repeated(asked))
    interrupted, begun = False, len(asked)
    try:
        begun = gather(asked, Effort(options.jobs, options.timeout, options.stopping), work.take, held)
    except KeyboardInterrupt:
        interrupted = True
    work.end()
    return CollectAnswer(work.summary(begun), interrupted, tuple(one.label for one in asked[begun:]))


def _place(answer: CollectedTarget) -> int:
    return answer.place


def _repeated(asked: Sequence[CollectionTarget]) -> frozenset[str]:
    """The names that several targets have."""
    return frozenset(name for name, number in Counter(one.name for one in asked).items() if number > 1)


@dataclass(slots=True)
class _Storing:
    """Stores answers as they come, and counts what they say.

    What belongs to a host for sure is stored at once. Targets that have no name of their own, or the name of another,
    wait for each other: several may be the same engine, or engines that report the same name.
    """

    database: Database
    held: HeldImages
    options: ImportOptions
    now: datetime
    repeated: frozenset[str]
    later: list[CollectedTarget] = field(default_factory=list)
    stored: bool = False
    hosts: ImportResult = field(default_factory=ImportResult)
    images: int = 0
    bad: list[BadRow] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    of_images: dict[str, list[str]] = field(default_factory=dict)
    """The first hosts of each note on images."""
    counted: Counter[str] = field(default_factory=Counter)
    """The number of hosts of each such note."""
    missing: list[tuple[int, MissingTarget]] = field(default_factory=list)

    def take(self, answers: Sequence[CollectedTarget]) -> None:
        """Store some answers."""
        sure = []
        for answer in sorted(answers, key=_place):
            self._count(answer)
            if answer.target.name and answer.target.name not in self.repeated:
                sure.append(answer)
            elif answer.hosts:
                self.later.append(answer)
        self._store(sure)

    def end(self) -> None:
        """Store what had to wait."""
        self._store(distinct(sorted(self.later, key=_place)))

    def _count(self, answer: CollectedTarget) -> None:
        self.bad += answer.bad[:_BAD_ROWS]
        if len(answer.bad) > _BAD_ROWS:
            more = len(answer.bad) - _BAD_ROWS
            self.bad.append(BadRow(answer.target.label, f"{more} more of its rows cannot be read"))
        if answer.problem:
            reason = " ".join(answer.problem.split())
            one = MissingTarget(target=answer.target.label, reason=reason, packages_kept=bool(answer.hosts))
            self.missing.append((answer.place, one))

    def _store(self, answers: Sequence[CollectedTarget]) -> None:
        for answer in answers:
            for note in answer.notes:
                self.counted[note] += 1
                if self.counted[note] <= _NAMED:
                    self.of_images.setdefault(note, []).append(answer.hosts[0].name)
        hosts = [h for a in answers for h in a.hosts]
        images = [a.images for a in answers if a.images]
        if not hosts:
            return
        if images:
            # the images of all hosts once; whose they are is not kept
            images[0] = replace(images[0], held=self.held.take())
        taken = store(self.database, [*hosts, *images], self.options, self.now, ImportListener(self._message)).taken
        self.stored = True
        self.hosts.added += taken.added
        self.hosts.changed += taken.changed
        self.hosts.same += taken.same
        self.images += len(images)

    def _message(self, one: BadRow | Note) -> None:
        if isinstance(one, Note):
            self.notes[one.text] = None

    def summary(self, queried: int) -> CollectSummary:
        """What the collection did: messages in the order of the targets, however they answered."""
        of_images = (f"{few(names, _NAMED, self.counted[note])}: {note}" for note, names in self.of_images.items())
        return CollectSummary(
            queried=queried,
            images=self.images,
            hosts=host_changes(self.hosts) if self.stored else None,
            bad_rows=unread_rows(self.bad),
            notes=(*of_images, *self.notes),
            missing=tuple(one for _, one in sorted(self.missing, key=lambda m: m[0])),
        )
