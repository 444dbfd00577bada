"""Reads what decides which news a subscription gets: what affects its hosts, and what it was told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from feeds.advisories.records import Advisory
from feeds.storage.database import Connection
from notifier.alerts import news as ledger
from notifier.alerts.alert_state import AffectedComponent
from notifier.alerts.digest import Group
from notifier.alerts.news import NewHosts, NewsInput, Reopened, Told
from notifier.alerts.silences import Silence
from notifier.assessment.matcher import Match
from notifier.domain import hosts
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts, MovedHosts
from notifier.domain.subscriptions import Subscription
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import subscriptions

Populations = Mapping[int, hosts.Population]
"""The hosts that run each component, by its number."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """A subscription, what affects the hosts of its scope, and what it was told."""

    connection: Connection
    assessment: Assessment
    """What the subscription may see of the fleet."""
    subscription: Subscription
    populations: Populations
    concerns: list[AffectedComponent]
    told: dict[int, Told]

    @property
    def scope(self) -> Scope:
        """The hosts and products that the subscription is about."""
        return self.subscription.filters.scope

    @classmethod
    def of(cls, connection: Connection, assessment: Assessment, subscription: Subscription) -> Scoped:
        """Read it from the database."""
        scope = subscription.filters.scope
        assessment = assessment.within(connection, scope)
        populations = assessment.fleet.populations(connection, scope)
        concerns = _concerns(connection, assessment, scope, populations)
        told = subscriptions.told(connection, subscription)
        return cls(connection, assessment, subscription, populations, concerns, told)

    def hosts(self, **asked: Any) -> dict[int, Hosts]:
        """The hosts of the scope by component, of those that are asked for."""
        return _hosts(self.assessment.fleet.populations(self.connection, self.scope, **asked))


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


def news_input(scoped: Scoped) -> NewsInput:
    """What decides which of it is news."""
    assessment, concerns, told = scoped.assessment, scoped.concerns, scoped.told
    concerned = {(c.match.advisory.id, c.number) for c in concerns}

    def judge(advisory: Advisory, number: int) -> Group | None:
        people = scoped.populations.get(number)
        if people is None or (advisory.id, number) in concerned:
            return None
        verdict = assessment.matcher.retraction(advisory, assessment.components[number])
        if verdict is None:
            return None
        match = Match(assessment.components[number], advisory, verdict)
        return ledger.group_of(match, Hosts(people.hosts, people.names))

    started = scoped.subscription.started_at
    looked_at = scoped.subscription.served_at or started
    books = NewsInput(
        told,
        started,
        assessment.now,
        {moment: scoped.hosts(since=moment) for moment in ledger.moments(concerns, told)},
        assignments=assessment.assigned,
        judge=judge,
        returns=tuple(_returns(scoped)),
        looked_at=looked_at,
    )
    return replace(books, strangers=_strangers(scoped, books, looked_at or assessment.now))


def _strangers(scoped: Scoped, books: NewsInput, looked: datetime) -> dict[int, NewHosts]:
    """For each advisory with silenced hosts, or hosts that moved between affected versions: the other hosts.

    Only moves since the subscription's news was last computed count: a host that moved earlier, to a version that was
    found affected since, is newly affected.
    """
    moves = scoped.assessment.fleet.moves(scoped.connection, scoped.scope, looked)
    of_advisory: dict[int, list[AffectedComponent]] = defaultdict(list)
    for concern in scoped.concerns:
        of_advisory[concern.match.advisory.id].append(concern)
    found: dict[int, NewHosts] = {}
    answers: dict[tuple[Any, ...], NewHosts] = {}
    for number, group in of_advisory.items():
        before = books.before(group[0].match.advisory)
        held = scoped.assessment.in_force.get(number, ())
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
                answers[asked] = _others(scoped, before.since, left, away, held)
            found[number] = answers[asked]
    return found


def _others(
    scoped: Scoped, since: datetime, numbers: set[int], away: MovedHosts, held: tuple[Silence, ...]
) -> NewHosts:
    """The hosts of components that are new to a subscription, and those that arrived at known ones."""
    new, known, without = numbers - away.left, numbers & away.left, [s.scope for s in held]
    everyone = scoped.hosts(without=without, only=new, moved=away) if new else {}
    came = scoped.hosts(since=since, without=without, only=known, moved=away) if known else {}
    return NewHosts(everyone, came)


def _hosts(populations: Populations) -> dict[int, Hosts]:
    return {n: Hosts(p.hosts, p.names) for n, p in populations.items()}


def _returns(scoped: Scoped) -> Iterable[Reopened]:
    """Silences that ended and due dates that passed since an advisory was reported."""
    assessment, told = scoped.assessment, scoped.told
    of_double = {d: a.id for a in assessment.advisories for d in a.doubles}

    def since(number: int, at: datetime) -> bool:
        before = told.get(number) or told.get(of_double.get(number, 0))
        return before is not None and before.at < at <= assessment.now

    def within(part: Scope) -> dict[int, Hosts] | None:
        return None if part == Scope() else scoped.hosts(within=part)

    for ended in assessment.silences:
        if since(ended.advisory, ended.until):
            words = f"its silence ended on {ended.until:%Y-%m-%d} ({ended.reason})"
            yield Reopened(ended.advisory, ended.until, words, within(ended.scope))
    for hand in assessment.assignments:
        if since(hand.advisory, hand.overdue_at):
            words = f"overdue: assigned to {hand.owner}, due {hand.due.isoformat()}"
            yield Reopened(hand.advisory, hand.overdue_at, words, within(hand.scope))
