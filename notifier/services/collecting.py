"""Collecting: query engines and hosts, and store what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feeds.storage.database import Database
from notifier.collection import CollectedTarget, distinct, gather
from notifier.collection.targets import Chosen, CollectionTarget, renamed, targets
from notifier.domain.components import BadRow, Note
from notifier.schemas.inventory import CollectSummary, MissingTarget, host_changes, unread_rows
from notifier.services.importing import ImportListener, ImportOptions, store

SCOPE = "collect"
"""The scope of hosts that were collected."""


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """Whom to query, how many at a time, and the seconds that each may take; `host` names the only one."""

    chosen: Chosen
    jobs: int
    timeout: float
    host: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CollectAnswer:
    """What a collection did, and whether a signal ended it before everybody was queried."""

    value: CollectSummary
    interrupted: bool

    @property
    def complete(self) -> bool:
        """Whether everybody answered, with nothing that could not be read."""
        return not (self.value.missing or self.value.bad_rows)


def collect(
    database: Database, options: CollectOptions, environment: Mapping[str, str], now: datetime
) -> CollectAnswer:
    """Query engines and hosts, and store what they answer, also if a signal ends the query.

    Hosts that do not answer keep what is known about them. UnknownName for a context that does not exist;
    UsageProblem if `host` names one and several are queried.
    """
    asked = renamed(targets(options.chosen, environment), options.host)
    answers: list[CollectedTarget] = []
    interrupted = False
    try:
        gather(asked, options.jobs, options.timeout, answers.append)
    except KeyboardInterrupt:
        interrupted = True
    summary = _stored(database, asked, answers, options.tags, now)
    return CollectAnswer(summary, interrupted)


def _stored(
    database: Database,
    asked: Sequence[CollectionTarget],
    answers: list[CollectedTarget],
    tags: Mapping[str, str],
    now: datetime,
) -> CollectSummary:
    place = {id(target): number for number, target in enumerate(asked)}
    answers.sort(key=lambda a: place[id(a.target)])
    hosts = [h for a in distinct(answers) for h in a.hosts]
    notes: dict[str, None] = {}

    def message(one: BadRow | Note) -> None:
        if isinstance(one, Note):
            notes[one.text] = None

    taken = store(database, hosts, ImportOptions(SCOPE, tags), now, ImportListener(message)).taken if hosts else None
    return CollectSummary(
        queried=len(asked),
        hosts=host_changes(taken) if taken else None,
        bad_rows=unread_rows(row for a in answers for row in a.bad),
        notes=tuple(notes),
        missing=tuple(
            MissingTarget(target=a.target.label, reason=" ".join(a.problem.split()), packages_kept=bool(a.hosts))
            for a in answers
            if a.problem
        ),
    )
