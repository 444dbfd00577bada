"""Read what is news for a subscription from the database, and build its digest.

Stores nothing.  Decisions are made in pure modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from feeds.advisories.records import Kind, Severity
from feeds.core.limits import DIGEST_ITEMS
from feeds.storage.database import Connection
from notifier.alerts import digest as digests
from notifier.alerts import news as ledger
from notifier.alerts import silences
from notifier.alerts.digest import Digest, DigestItem, Footer
from notifier.alerts.image_news import ImageNews
from notifier.alerts.news import News, NewsInput
from notifier.alerts.overdue import OverdueNews
from notifier.alerts.sections import actions, fixed, still_open, undecided, upcoming
from notifier.domain import schedule
from notifier.domain.hosts import Hosts
from notifier.domain.schedule import Due
from notifier.domain.subscriptions import Subscription
from notifier.security.redaction import redact
from notifier.services.installation.mirror_age import age
from notifier.services.sending.audit_notes import with_audits
from notifier.services.sending.news_input import Scoped, news_input
from notifier.services.sending.overdue import overdue_for
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.images import news_of_images
from notifier.storage import images, removed_components, subscriptions


@dataclass(frozen=True, slots=True)
class Composed:
    """The news for a subscription at a moment, and whether it is due. Without a digest, nothing is sent."""

    news: News
    digest: Digest | None
    time: Due
    reminded: bool = False
    at_once: frozenset[int] = frozenset()
    """The numbers of advisories whose news does not wait for the schedule."""
    images: ImageNews = field(default_factory=ImageNews)
    overdue: OverdueNews = field(default_factory=OverdueNews)


def compose(
    connection: Connection, assessment: Assessment, subscription: Subscription, *, whenever: bool = False
) -> Composed:
    """What is sent to a subscription now; with `whenever`, what would be sent if it were due.

    A welcome is one message: it is sent as soon as something in it need not wait.
    """
    filters, now = subscription.filters, assessment.now
    started = subscription.started_at is not None
    time = subscription.due(now)
    scoped = Scoped.of(connection, assessment, subscription)
    assessment, concerns = scoped.assessment, scoped.concerns
    books = news_input(scoped)
    found = ledger.news(concerns, assessment.advisories, books, filters)
    urgent = frozenset(i.advisory.id for i in found.items if _breaks(subscription, i))
    if urgent and not started:
        time = Due(now=True, at=now)
    reminded: list[digests.Open] = []
    reminder = False
    if time.now or whenever:
        last = subscription.reminded_at or subscription.started_at
        reminder = last is not None and schedule.reminder(subscription.schedule, last, now).now
        if reminder:
            items = {i.advisory.id for i in found.items}
            reminded = still_open(
                [c for c in concerns if filters.wants(c.match.advisory)], books, items, assessment.fleet.named
            )
    elif started:
        found = found.only(lambda item: item.advisory.id in urgent)
    else:
        return Composed(News(), None, time)
    image_news = _images(connection, assessment, subscription) if time.now or whenever else ImageNews()
    late = OverdueNews()
    if time.now or whenever:
        late = overdue_for(connection, assessment, filters, concerns, subscription.id)
    silent = not started and subscription.silent_start
    if silent or (started and not (found.items or reminded or image_news.any or late.items)):
        return Composed(found, None, time, reminder, urgent, image_news, late)
    found, more = found.bounded(DIGEST_ITEMS)
    digest = _digest(scoped, found, books, tuple(reminded))
    digest = replace(digest, more=more, images=image_news, overdue=late.items)
    return Composed(found, digest, time, reminder or not started, urgent, image_news, late)


def _images(connection: Connection, assessment: Assessment, subscription: Subscription) -> ImageNews:
    """The news about images, for a subscription whose filters do not ask for something else.

    They have no kind, product, severity or text to filter by: hosts and tags alone select them.
    """
    filters = subscription.filters
    if assessment.images is None or filters.kinds or filters.scope.products or filters.keywords or filters.kev:
        return ImageNews()
    return news_of_images(connection, assessment.images, filters.scope, images.told(connection, subscription.id))


def _breaks(subscription: Subscription, item: DigestItem) -> bool:
    advisory = item.advisory
    if item.change == digests.CORRECTION:
        return False
    return schedule.breaks(
        subscription.schedule,
        advisory.kind,
        critical=advisory.severity is Severity.CRITICAL,
        exploited=advisory.exploited is not None,
    )


def _digest(scoped: Scoped, found: News, books: NewsInput, reminded: tuple[digests.Open, ...]) -> Digest:
    connection, assessment, subscription, scope = (
        scoped.connection,
        scoped.assessment,
        scoped.subscription,
        scoped.scope,
    )
    concerns, now, named = scoped.concerns, assessment.now, assessment.fleet.named
    welcome = subscription.started_at is None
    # a host is clear when nothing affects it, followed here or not
    everyone = scoped.populations
    if scope.products:
        everyone = assessment.fleet.populations(connection, msgspec.structs.replace(scope, products=()))
    kinds = subscription.filters.kinds
    assessed = not kinds or Kind.VULNERABILITY in kinds
    doubtful = undecided(assessment.matcher, assessment.components, everyone) if assessed else {}
    exposed = {number for number in everyone if assessment.exposed(number)}
    told_now = None if welcome else {i.advisory.id for i in found.items}
    last = subscriptions.last_digest(connection, subscription) or subscription.started_at
    gone = removed_components.departures(connection, scope, last) if last else ()
    stands = [c for c in concerns if subscription.filters.wants(c.match.advisory)]
    return Digest(
        key=digests.key_of(subscription.name, now, found.items),
        subscription=subscription.name,
        welcome=welcome,
        created_at=now,
        items=with_audits(connection, assessment, scope, found.items, concerns),
        unaffected_hosts=Hosts(*assessment.fleet.untouched(connection, scope, exposed | doubtful.keys()))
        if assessed
        else Hosts(0, ()),
        undecided=tuple(undecided(assessment.matcher, assessment.components, scoped.populations, told_now).values())
        if assessed
        else (),
        footer=Footer(
            assessment.sources,
            assessment.fleet.count(connection, scope),
            found.unsaid,
            assessment.fleet.count(connection, scope, unseen_since=now - timedelta(days=assessment.stale_days)),
            assessment.stale_days,
            tuple(silences.line(s) for held in assessment.in_force.values() for s in held),
            # one that does not say when it was filled is not news in each digest: the doctor tells of it
            redact(age(assessment.mirror, timedelta.max.days, now)[0])
            if assessment.mirror and assessment.mirror.fetched_at
            else "",
        ),
        actions=tuple(actions(assessment.plan, found.items, concerns, named)),
        reminder=bool(reminded),
        open=reminded,
        fixed=tuple(fixed(gone, assessment.components, books.told, assessment.exposed, named)),
        upcoming=tuple(
            upcoming(
                stands, found.items, assessment.matcher, now.date(), editions=welcome or bool(reminded), named=named
            )
        ),
    )
