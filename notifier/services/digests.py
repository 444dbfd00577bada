"""Read what is news for a subscription from the database, and build its digest.

Stores nothing.  Decisions are made in pure modules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from feeds.advisories.records import Advisory, Kind, Severity
from feeds.core.limits import DIGEST_ITEMS
from feeds.storage.database import Connection
from notifier.alerts import digest as digests
from notifier.alerts import news as ledger
from notifier.alerts import silences
from notifier.alerts.alert_state import AffectedComponent
from notifier.alerts.digest import Digest, DigestItem, Footer, Group
from notifier.alerts.image_news import ImageNews
from notifier.alerts.news import NewHosts, News, NewsInput, Reopened, Told
from notifier.alerts.overdue import OverdueNews
from notifier.alerts.sections import actions, fixed, still_open, undecided, upcoming
from notifier.alerts.silences import Silence
from notifier.assessment.matcher import Match
from notifier.domain import hosts, schedule
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts, MovedHosts
from notifier.domain.schedule import Due
from notifier.domain.subscriptions import Subscription
from notifier.security.redaction import redact
from notifier.services.assessment import Assessment
from notifier.services.audit_notes import with_audits
from notifier.services.images import news_of_images
from notifier.services.mirror_age import age
from notifier.services.overdue import overdue_for
from notifier.storage import departures, images, subscriptions

Populations = Mapping[int, hosts.Population]
"""The hosts that run each component, by its number."""


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
    assessment = assessment.within(connection, filters.scope)
    started = subscription.started_at is not None
    time = subscription.due(now)
    populations = assessment.fleet.populations(connection, filters.scope)
    concerns = _concerns(connection, assessment, filters.scope, populations)
    told = subscriptions.told(connection, subscription)
    books = _books(connection, assessment, subscription, concerns, told, populations)
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
    digest = _digest(connection, assessment, subscription, found, concerns, books, populations, tuple(reminded))
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


def _concerns(
    connection: Connection, assessment: Assessment, scope: Scope, populations: Populations
) -> list[AffectedComponent]:
    """Return everything that affects a scope, without the hosts for which it is silenced."""
    left: dict[tuple[int, ...], Populations] = {(): populations}
    found = []
    for number in populations:
        for match in assessment.matches(number):
            held = assessment.in_force.get(match.advisory.id, ())
            those = tuple(s.id for s in held)
            if those not in left:
                left[those] = assessment.fleet.populations(connection, scope, without=[s.scope for s in held])
            people = left[those].get(number)
            if people:
                found.append(AffectedComponent(number, match, Hosts(people.hosts, people.names), people.latest))
    return found


def _books(
    connection: Connection,
    assessment: Assessment,
    subscription: Subscription,
    concerns: list[AffectedComponent],
    told: dict[int, Told],
    populations: Populations,
) -> NewsInput:
    scope = subscription.filters.scope
    concerned = {(c.match.advisory.id, c.number) for c in concerns}

    def judge(advisory: Advisory, number: int) -> Group | None:
        people = populations.get(number)
        if people is None or (advisory.id, number) in concerned:
            return None
        verdict = assessment.matcher.retraction(advisory, assessment.components[number])
        if verdict is None:
            return None
        match = Match(assessment.components[number], advisory, verdict)
        return ledger.group_of(match, Hosts(people.hosts, people.names))

    arrivals = {
        moment: _hosts(assessment.fleet.populations(connection, scope, since=moment))
        for moment in ledger.moments(concerns, told)
    }
    looked_at = subscription.served_at or subscription.started_at
    books = NewsInput(
        told, subscription.started_at, assessment.now, arrivals, assignments=assessment.assigned, judge=judge,
        returns=tuple(_returns(connection, assessment, scope, told)), looked_at=looked_at,
    )  # fmt: skip
    looked = looked_at or assessment.now
    return replace(books, strangers=_strangers(connection, assessment, subscription, concerns, books, looked))


def _strangers(
    connection: Connection,
    assessment: Assessment,
    subscription: Subscription,
    concerns: list[AffectedComponent],
    books: NewsInput,
    looked: datetime,
) -> dict[int, NewHosts]:
    """For each advisory with silenced hosts, or hosts that moved between affected versions: the other hosts.

    Only moves since the subscription's news was last computed count: a host that moved earlier, to a version that was
    found affected since, is newly affected.
    """
    scope = subscription.filters.scope
    moves = assessment.fleet.moves(connection, scope, looked)
    of_advisory: dict[int, list[AffectedComponent]] = defaultdict(list)
    for concern in concerns:
        of_advisory[concern.match.advisory.id].append(concern)
    found: dict[int, NewHosts] = {}
    answers: dict[tuple[Any, ...], NewHosts] = {}
    for number, group in of_advisory.items():
        before = books.before(group[0].match.advisory)
        held = assessment.in_force.get(number, ())
        if before is None:
            continue
        told = before.facets.components.keys()
        moved = {c.number: sum(n for (left, at), n in moves.items() if at == c.number and left & told) for c in group}
        if held or any(moved.values()):
            fresh = books.arrivals.get(before.since, {})
            came = {c.number: c.hosts if c.number not in told else fresh.get(c.number, Hosts(0, ())) for c in group}
            # where all that came have moved, there is nobody to look for
            left = {n for n, hosts in came.items() if held or hosts.count > moved[n]}
            away = MovedHosts(frozenset(told), looked)
            # the same hosts are asked for once, however many advisories affect them
            asked = (before.since, frozenset(left), frozenset(told), tuple(s.id for s in held))
            if asked not in answers:
                answers[asked] = _others(
                    connection, assessment, scope, before.since, left - told, left & told, away, held
                )
            found[number] = answers[asked]
    return found


def _others(
    connection: Connection,
    assessment: Assessment,
    scope: Scope,
    since: datetime,
    new: set[int],
    known: set[int],
    away: MovedHosts,
    held: tuple[Silence, ...],
) -> NewHosts:
    """The hosts of components that are new to a subscription, and those that arrived at known ones."""
    asked, without = assessment.fleet.populations, [s.scope for s in held]
    everyone = asked(connection, scope, without=without, only=new, moved=away) if new else {}
    came = asked(connection, scope, since=since, without=without, only=known, moved=away) if known else {}
    return NewHosts(_hosts(everyone), _hosts(came))


def _hosts(populations: Populations) -> dict[int, Hosts]:
    return {n: Hosts(p.hosts, p.names) for n, p in populations.items()}


def _returns(connection: Connection, assessment: Assessment, scope: Scope, told: dict[int, Told]) -> Iterable[Reopened]:
    """Silences that ended and due dates that passed since an advisory was reported."""
    of_double = {d: a.id for a in assessment.advisories for d in a.doubles}

    def since(number: int, at: datetime) -> bool:
        before = told.get(number) or told.get(of_double.get(number, 0))
        return before is not None and before.at < at <= assessment.now

    for ended in assessment.silences:
        if since(ended.advisory, ended.until):
            words = f"its silence ended on {ended.until:%Y-%m-%d} ({ended.reason})"
            yield Reopened(ended.advisory, ended.until, words, _within(connection, assessment, scope, ended.scope))
    for hand in assessment.assignments:
        if since(hand.advisory, hand.overdue_at):
            words = f"overdue: assigned to {hand.owner}, due {hand.due.isoformat()}"
            yield Reopened(hand.advisory, hand.overdue_at, words, _within(connection, assessment, scope, hand.scope))


def _within(connection: Connection, assessment: Assessment, scope: Scope, part: Scope) -> dict[int, Hosts] | None:
    if part == Scope():
        return None
    return _hosts(assessment.fleet.populations(connection, scope, within=part))


def _digest(
    connection: Connection,
    assessment: Assessment,
    subscription: Subscription,
    found: News,
    concerns: list[AffectedComponent],
    books: NewsInput,
    populations: Populations,
    reminded: tuple[digests.Open, ...],
) -> Digest:
    scope, now, named = subscription.filters.scope, assessment.now, assessment.fleet.named
    welcome = subscription.started_at is None
    # a host is clear when nothing affects it, followed here or not
    everyone = populations
    if scope.products:
        everyone = assessment.fleet.populations(connection, msgspec.structs.replace(scope, products=()))
    kinds = subscription.filters.kinds
    assessed = not kinds or Kind.VULNERABILITY in kinds
    doubtful = undecided(assessment.matcher, assessment.components, everyone) if assessed else {}
    exposed = {number for number in everyone if assessment.exposed(number)}
    told_now = None if welcome else {i.advisory.id for i in found.items}
    last = subscriptions.last_digest(connection, subscription) or subscription.started_at
    gone = departures.departures(connection, scope, last) if last else ()
    stands = [c for c in concerns if subscription.filters.wants(c.match.advisory)]
    return Digest(
        key=digests.key_of(subscription.name, now, found.items),
        subscription=subscription.name,
        welcome=welcome,
        created_at=now,
        items=with_audits(connection, scope, found.items, concerns, assessment.in_force, named),
        unaffected_hosts=Hosts(*assessment.fleet.untouched(connection, scope, exposed | doubtful.keys()))
        if assessed
        else Hosts(0, ()),
        undecided=tuple(undecided(assessment.matcher, assessment.components, populations, told_now).values())
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
