"""Collecting: query engines and hosts, and store what they answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from feeds import storage
from feeds.core.text import few
from feeds.storage.database import Database
from notifier.collection import CollectedTarget, Effort, HeldImages, distinct, gather
from notifier.collection.targets import Chosen, renamed, targets
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
    with database.connect() as connection:
        held = HeldImages(storage.layered_images(connection))
    answers: list[CollectedTarget] = []
    interrupted = False
    try:
        gather(asked, Effort(options.jobs, options.timeout), answers.append, held)
    except KeyboardInterrupt:
        interrupted = True
    place = {id(target): number for number, target in enumerate(asked)}
    answers.sort(key=lambda a: place[id(a.target)])
    summary = _stored(database, answers, held, options.tags, now)
    return CollectAnswer(msgspec.structs.replace(summary, queried=len(asked)), interrupted)


def _stored(
    database: Database, answers: list[CollectedTarget], held: HeldImages, tags: Mapping[str, str], now: datetime
) -> CollectSummary:
    kept = distinct(answers)
    hosts = [h for a in kept for h in a.hosts]
    images = [a.images for a in kept if a.images]
    if images:
        # the images of all hosts once; whose they are is not kept
        images[0] = replace(images[0], held=held.all())
    notes: dict[str, None] = dict.fromkeys(_image_notes(kept))

    def message(one: BadRow | Note) -> None:
        if isinstance(one, Note):
            notes[one.text] = None

    taken = None
    if hosts:
        listener, options = ImportListener(message), ImportOptions(SCOPE, tags)
        taken = store(database, [*hosts, *images], options, now, listener).taken
    return CollectSummary(
        queried=len(answers),
        images=len(images),
        hosts=host_changes(taken) if taken else None,
        bad_rows=unread_rows(row for a in answers for row in a.bad),
        notes=tuple(notes),
        missing=tuple(
            MissingTarget(target=a.target.label, reason=" ".join(a.problem.split()), packages_kept=bool(a.hosts))
            for a in answers
            if a.problem
        ),
    )


def _image_notes(answers: Sequence[CollectedTarget]) -> Iterator[str]:
    """What is not known of images: one note for each reason, with the first hosts that it concerns."""
    of: dict[str, list[str]] = {}
    for answer in answers:
        for note in answer.notes:
            of.setdefault(note, []).append(answer.hosts[0].name)
    for note, names in of.items():
        yield f"{few(names, 3)}: {note}"
