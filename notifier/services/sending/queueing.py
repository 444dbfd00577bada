"""Two stages of a run: match what is new, and queue the digests that are due.  Sends nothing.

All digests of a stage are made from one snapshot of the database. Each is stored in a transaction of its own, with its
outbox rows and the alert history, and only if its subscription is as it was in the snapshot: then no other process has
made a digest of the same news meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import msgspec

from feeds import storage
from feeds.core.errors import DatabaseError
from feeds.sources import health
from feeds.storage.database import Connection, Database
from notifier.alerts.digest import Digest
from notifier.domain import deliveries
from notifier.domain.messages import Message, Target
from notifier.domain.subscriptions import Subscription
from notifier.rendering import notices
from notifier.rendering.messages import render
from notifier.services.installation.channel_addresses import reason, recipients_of
from notifier.services.installation.worker_wakeups import wake_delivery
from notifier.services.sending import operator_alerts
from notifier.services.sending.delivery import Deliveries
from notifier.services.sending.digests import Composed, compose
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.caching import RememberedMatcher
from notifier.services.snapshot.settings import DEFAULTS, Settings
from notifier.storage import future_times, images, lost_digests, outbox, overdue, subscriptions, verdicts, watermarks

AHEAD = "its last run lay in the future; it counts as now"
_TOGETHER = 100
"""Subscriptions without news whose state is stored in one transaction."""


@dataclass(slots=True)
class NotifyReport(Deliveries):
    """What a notification run did."""

    digests: list[Digest] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    """Subscriptions whose welcome waits until some source was read."""
    fresh: list[tuple[str, str]] = field(default_factory=list)
    """Those of the broken that were not broken the last time: operators hear of these."""
    ahead: list[str] = field(default_factory=list)
    """Subscriptions that a wrong clock had silenced: their last run lay in the future, and counts as now."""
    skipped: list[str] = field(default_factory=list)
    """Subscriptions that somebody changed, or served, while their digest was made; the next run looks again."""

    @property
    def ok(self) -> bool:
        """Whether every digest was made, and every delivery that was due succeeded."""
        return not (self.failed or self.broken)


@dataclass(frozen=True, slots=True)
class DigestStage:
    """What tells one process from another where digests are made: when it stops, and what it has matched before."""

    stopping: Callable[[], bool] = lambda: False
    """Asked before each digest: whether the others are left to the next run."""
    matchers: RememberedMatcher = field(default_factory=RememberedMatcher)


def match(database: Database, now: datetime, follow: Callable[[Connection], None] = lambda _: None) -> list[str]:
    """Match what is new, and take back what was lost or lies in the future; one process at a time does it.

    `follow` is called at the end of the transaction. Returns the subscriptions that a wrong clock had silenced.
    """
    with database.begin() as connection:
        database.serial(connection, "match")
        silenced = future_times.mend_clock(connection, now)
        lost_digests.take_back(connection, now)
        verdicts.refresh(connection, storage.catalogue(connection), now.date())
        follow(connection)
    return silenced


def queue_digests(
    database: Database, now: datetime, settings: Settings = DEFAULTS, only: Collection[int] | None = None
) -> NotifyReport:
    """Match, make the digests that are due, and put them and the operators' notices into the outbox. Sends nothing.

    Whatever goes wrong with one subscription, it is rolled back alone, named in the report, kept as its problem, and
    told to the operators once; the others are served. Only a database that fails ends the run. `only` are numbers of
    subscriptions: the others are left alone.
    """
    silenced = match(database, now)
    report = digests(database, now, settings, only)
    report.ahead += silenced
    notify_operators(database, now, settings, report)
    return report


def digests(
    database: Database,
    now: datetime,
    settings: Settings = DEFAULTS,
    only: Collection[int] | None = None,
    of: DigestStage | None = None,
) -> NotifyReport:
    """Make the digests that are due from one snapshot, and queue each in a transaction of its own.

    Verdicts are those that `match` stored; what it has not seen yet is matched anew, and not stored.
    """
    of = of or DigestStage()
    with _snapshot(database, now) as snapshot:
        assessment = assessed(snapshot, now, settings, of.matchers)
        stage = _Digests(database, snapshot, assessment, settings)
        for subscription in subscriptions.every(snapshot):
            if of.stopping():
                break
            if not subscription.paused and (only is None or subscription.id in only):
                stage.make(subscription)
        stage.flush()
    return stage.report


@contextmanager
def _snapshot(database: Database, now: datetime) -> Iterator[Connection]:
    """A connection that reads the present state. What is imported afterwards counts as later than `now`."""
    with ExitStack() as stack:
        with database.begin() as connection:
            watermarks.begin(connection, now)
            snapshot = stack.enter_context(database.connect())
            watermarks.pin(snapshot)
        yield snapshot


def assessed(
    connection: Connection, now: datetime, settings: Settings, matchers: RememberedMatcher | None = None
) -> Assessment:
    """What a connection sees, to be matched."""
    return Assessment.load(connection, now, settings, images=True, matchers=matchers)


@dataclass(frozen=True, slots=True)
class _Made:
    """What is to be stored for a subscription: its digest, if there is one, as the message that it becomes."""

    subscription: Subscription
    composed: Composed
    message: Message | None = None
    targets: tuple[Target, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether nothing changes but when it was looked at."""
        found = self.composed.news
        changes = found.noted or found.silent or found.facets or self.composed.images.over or self.composed.overdue.over
        return self.message is None and not changes and self.subscription.started_at is not None


class _Digests:
    """Makes digests from a snapshot and stores them, one by one. What has no news is stored together."""

    def __init__(self, database: Database, snapshot: Connection, assessment: Assessment, settings: Settings) -> None:
        self._database, self._snapshot = database, snapshot
        self._assessment, self._settings = assessment, settings
        self._versions = subscriptions.versions(snapshot)
        self._quiet: list[_Made] = []
        self.report = NotifyReport()

    def make(self, subscription: Subscription) -> None:
        """Make the digest of a subscription, if it is due, and store it. What goes wrong is in the report."""
        try:
            if subscription.unreadable:
                self._broken(subscription, subscription.unreadable)
                return
            if subscription.unsubscribed and not recipients_of(subscription):
                return  # as if it were paused: what happens meanwhile is sent to whoever comes back
            made = self._made(subscription)
            if made is None:
                self.report.held.append(subscription.name)
            elif not made.quiet or subscription.problem:
                self._store(made)
            else:
                self._quiet.append(made)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one stops nobody else's
            self._broken(subscription, reason(error))
        if len(self._quiet) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Store when those without news were looked at."""
        waiting, self._quiet = self._quiet, []
        if not waiting:
            return
        with self._database.begin() as connection:
            same = self._same(connection, waiting)
            due = [m for m in same if m.composed.time.now]
            for reminded in (True, False):
                these = [m.subscription.id for m in due if m.composed.reminded is reminded]
                subscriptions.serve(connection, these, self._assessment.now, reminded=reminded)
            rest = [m.subscription.id for m in same if not m.composed.time.now]
            subscriptions.looked(connection, rest, self._assessment.now)

    def _same(self, connection: Connection, made: list[_Made]) -> list[_Made]:
        """Those whose subscription is as it was, and stays so until the transaction ends."""
        held = subscriptions.held(connection, [m.subscription.id for m in made])
        same = [m for m in made if held.get(m.subscription.id) == self._versions[m.subscription.id]]
        names = {m.subscription.name for m in same}
        self.report.skipped += [m.subscription.name for m in made if m.subscription.name not in names]
        return same

    def _made(self, subscription: Subscription) -> _Made | None:
        """What is to be stored for a subscription; None if its welcome waits until a source was read."""
        if subscription.started_at is None and not any(s.last_success for s in self._assessment.sources):
            return None
        with self._database.savepoint(self._snapshot):
            composed = compose(self._snapshot, self._assessment, subscription)
        if composed.digest is None:
            return _Made(subscription, composed)
        targets = tuple(recipients_of(subscription))
        message = render(composed.digest, self._settings.templates)
        return _Made(subscription, composed, msgspec.structs.replace(message, urgent=bool(composed.at_once)), targets)

    def _store(self, made: _Made) -> None:
        with self._database.begin() as connection:
            if not self._same(connection, [made]):
                return
            _keep(connection, made, self._assessment.now)
            subscriptions.mark(connection, made.subscription, "")
            wake_delivery(connection, made.targets if made.message else ())
        if made.composed.digest is not None:
            self.report.digests.append(made.composed.digest)

    def _broken(self, subscription: Subscription, problem: str) -> None:
        with self._database.begin() as connection:
            fresh = subscriptions.mark(connection, subscription, problem)
            subscriptions.looked(connection, [subscription.id], self._assessment.now)
        self.report.broken.append((subscription.name, problem))
        if fresh:
            self.report.fresh.append((subscription.name, problem))


def _keep(connection: Connection, made: _Made, now: datetime) -> None:
    """Store a digest with its outbox rows, and what its subscription was told."""
    subscription, composed, number = made.subscription, made.composed, None
    found = composed.news
    if made.message is not None and composed.digest is not None:
        number = outbox.put(connection, subscription, made.message, made.targets, welcome=composed.digest.welcome)
        subscriptions.recall(connection, number, composed.digest.items)
    subscriptions.note(connection, subscription, found.noted)
    subscriptions.tell(connection, subscription, found.silent, now, None)
    if number is not None:
        lost_digests.keep_before(connection, subscription.id, number, found.facets)
    subscriptions.tell(connection, subscription, found.facets, now, number)
    _note_images(connection, subscription, composed, now)
    _note_overdue(connection, subscription, composed, now)
    if composed.time.now:
        subscriptions.serve(connection, [subscription.id], now, reminded=composed.reminded)
        if subscription.started_at is None:
            subscriptions.start(connection, subscription, now)
    else:
        subscriptions.looked(connection, [subscription.id], now)


def _note_images(connection: Connection, subscription: Subscription, made: Composed, now: datetime) -> None:
    """Remember what was sent of images; what is over is forgotten, so that it is news if it comes again."""
    found = made.images
    if made.digest is not None or subscription.started_at is None:
        images.note_told(connection, subscription.id, found.told, now, made.digest.key if made.digest else "")
    images.forget_told(connection, subscription.id, found.over)


def _note_overdue(connection: Connection, subscription: Subscription, made: Composed, now: datetime) -> None:
    """Remember what was sent of what is overdue, as with images."""
    found = made.overdue
    if made.digest is not None or subscription.started_at is None:
        overdue.note_told(connection, subscription.id, found.told, now, made.digest.key if made.digest else "")
    overdue.forget_told(connection, subscription.id, found.over)


def notify_operators(database: Database, now: datetime, settings: Settings, report: NotifyReport) -> None:
    """Queue the notices to operators: of sources whose state changed, and of digests that newly could not be made.

    Problems are added to the report, as those of the operators.
    """
    for notice in (partial(_of_sources, now, settings), partial(_of_broken, report.fresh, now, settings)):
        try:
            with database.begin() as connection:
                database.serial(connection, "notices")
                problems = notice(connection)
            report.broken += [(deliveries.OPERATOR, problem) for problem in problems]
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - the digests go out, whatever stops a notice
            report.broken.append((deliveries.OPERATOR, reason(error)))


def _of_sources(now: datetime, settings: Settings, connection: Connection) -> tuple[str, ...]:
    states = [s for s in storage.sources(connection).values() if s.name not in settings.disabled]
    return operator_alerts.tell_of_sources(
        connection, health.assessed(states, now), settings.operators, now, templates=settings.templates
    )


def _of_broken(
    fresh: list[tuple[str, str]], now: datetime, settings: Settings, connection: Connection
) -> tuple[str, ...]:
    if not fresh or not settings.operators:
        return ()
    return operator_alerts.tell(connection, notices.broken(fresh, now), settings.operators)
