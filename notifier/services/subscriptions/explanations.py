"""Why a subscription was sent an advisory, or was not: its history, its filters, its hosts and its schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from feeds.advisories.records import Advisory, Kind
from feeds.core.text import counted
from feeds.storage.database import Connection, Database
from notifier.alerts import silences
from notifier.channels import shown
from notifier.domain import schedule
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts
from notifier.domain.retry import DeliveryState
from notifier.domain.subscriptions import Subscription, ToldRecord
from notifier.rendering.messages import host_names
from notifier.schemas.fields import whole
from notifier.schemas.notification import (
    ExplanationPoint,
    NotificationExplanation,
    ReportedDelivery,
    ReportedDigest,
)
from notifier.services.sending.digests import Composed, compose
from notifier.services.sending.notifications import Settings
from notifier.services.snapshot.assessment import Assessment
from notifier.services.subscriptions.subscriptions import usable
from notifier.storage import inventory, subscriptions


class Effect(StrEnum):
    """What a point is: a reason for reporting the advisory, against it, or neither."""

    FOR = "for"
    AGAINST = "against"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was checked."""

    about: str
    effect: Effect
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer in a sentence, the reasons for it, and each digest that reported the advisory."""

    subscription: str
    advisory: str
    answer: str
    points: tuple[Point, ...]
    tellings: tuple[ToldRecord, ...]


def explain_notification(
    database: Database,
    name: str,
    advisory: str,
    now: datetime,
    settings: Settings,
    *,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> NotificationExplanation:
    """Why a subscription was sent an advisory, or was not; UnknownName if one of them is not known.

    A subscription is not known, either, if it is not within the tags that the asker is limited to.
    """
    with database.connect() as connection:
        subscription = usable(subscriptions.named(connection, name, within))
        loaded = Assessment.load(connection, now, settings)
        assessment = loaded.visible(connection, within) if within != Scope() else loaded
        found = explain(connection, assessment, subscription, assessment.find(advisory))
    return NotificationExplanation(
        subscription=found.subscription,
        advisory=found.advisory,
        answer=found.answer,
        points=tuple(ExplanationPoint(about=p.about, effect=p.effect.value, words=p.words) for p in found.points),
        tellings=tuple(map(_digest, found.tellings)),
    )


def _digest(told: ToldRecord) -> ReportedDigest:
    return ReportedDigest(
        digest=told.key,
        at=whole(told.at),
        change=told.change,
        words=told.words,
        deliveries=tuple(
            ReportedDelivery(
                to=d.recipient or shown(d.target),
                state=DeliveryState(d.state),
                attempts=d.attempts,
                due_at=whole(d.due_at),
                sent_at=whole(d.sent_at) if d.sent_at else None,
                answer=d.answer,
            )
            for d in told.tries
        ),
    )


def explain(
    connection: Connection, assessment: Assessment, subscription: Subscription, advisory: Advisory
) -> Explanation:
    """Why a subscription was sent an advisory, or was not, and what the next run would do."""
    points = (
        *_subscription(assessment, subscription),
        *_hosts(connection, assessment, subscription, advisory),
        *_wishes(subscription, advisory),
        *_silences(connection, assessment, subscription, advisory),
        *_ledger(connection, assessment, subscription, advisory),
    )
    tellings = tuple(subscriptions.tellings(connection, subscription, silences.about(advisory)))
    made = compose(connection, assessment, subscription, whenever=True)
    pending = any(i.advisory.id == advisory.id for i in made.digest.items) if made.digest else False
    return Explanation(
        subscription.name,
        advisory.name,
        _answer(points, tellings, _wait(subscription, made, advisory) if pending else ""),
        points,
        tellings,
    )


def _answer(points: tuple[Point, ...], tellings: tuple[ToldRecord, ...], pending: str) -> str:
    """The answer in a sentence; `pending` says when what is new is sent ("" if nothing is new)."""
    against = next((p.words for p in points if p.effect is Effect.AGAINST), "")
    if tellings:
        last = tellings[-1]
        times = f"{len(tellings)} times, last" if len(tellings) > 1 else "once,"
        said = f"Told {times} on {last.at:%Y-%m-%d %H:%M} UTC in digest {last.key} ({_delivered(last)})"
        return f"{said}; there is news about it to send" if pending else said
    if pending and not against:
        return f"Not sent yet: {pending}"
    return f"Not sent: {against or 'it is not news for this subscription'}"


def _wait(subscription: Subscription, made: Composed, advisory: Advisory) -> str:
    if made.time.now or advisory.id in made.at_once:
        return "the next run sends it"
    return f"not before {schedule.shown(subscription.schedule, made.time.at)}: {made.time.reason}"


def _delivered(telling: ToldRecord) -> str:
    states = [t.state for t in telling.tries]
    if not states:
        return "its deliveries are no longer stored"
    return ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))


def _subscription(assessment: Assessment, subscription: Subscription) -> Iterator[Point]:
    if subscription.paused:
        yield Point("subscription", Effect.AGAINST, "the subscription is paused")
    if subscription.started_at is None:
        read = any(s.last_success for s in assessment.sources)
        what = "is not sent yet" if read else "waits until a source has been read"
        yield Point("subscription", Effect.NOTE if read else Effect.AGAINST, f"its welcome digest {what}")
    else:
        yield Point("subscription", Effect.NOTE, f"active since {subscription.started_at:%Y-%m-%d %H:%M} UTC")
    times, when = subscription.schedule, subscription.due(assessment.now)
    said = "due now" if when.now else f"due at {schedule.shown(times, when.at)}: {when.reason}"
    yield Point("schedule", Effect.NOTE, f"{times.every} ({times.zone}); {said}")


def _hosts(
    connection: Connection, assessment: Assessment, subscription: Subscription, advisory: Advisory
) -> Iterator[Point]:
    scope = subscription.filters.scope
    found = []
    others = []
    if not inventory.count(connection, scope):
        yield Point("hosts", Effect.AGAINST, "no host in the inventory matches its scope")
        return
    for number, people in inventory.populations(connection, scope).items():
        component = assessment.components[number]
        hosts = host_names(Hosts(people.hosts, people.names))
        what = f"{component.package or f'{component.product} {component.version}'} on {hosts}"
        match = next((m for m in assessment.matches(number) if m.advisory.id == advisory.id), None)
        if match is not None:
            found.append(Point("hosts", Effect.FOR, f"{what} is {match.verdict.status.value}: {match.verdict.reason}"))
        elif advisory.kind in (Kind.VULNERABILITY, Kind.ANNOUNCEMENT) and component.product in advisory.products:
            verdict = assessment.matcher.retraction(advisory, component)
            if verdict is not None:
                others.append(Point("hosts", Effect.NOTE, f"{what} is {verdict.status.value}: {verdict.reason}"))
    yield from found or others
    if not found and not subscription.filters.everything:
        yield Point("hosts", Effect.AGAINST, "it affects none of the hosts in its scope")


def _wishes(subscription: Subscription, advisory: Advisory) -> Iterator[Point]:
    if advisory.withdrawn:
        yield Point("advisory", Effect.AGAINST, f"it was withdrawn on {advisory.withdrawn:%Y-%m-%d}")
    for reason in subscription.filters.rejections(advisory):
        yield Point("filter", Effect.AGAINST, reason)


def _silences(
    connection: Connection, assessment: Assessment, subscription: Subscription, advisory: Advisory
) -> Iterator[Point]:
    """The silences that cover hosts in its scope: against it where they cover all of them."""
    scope = subscription.filters.scope
    mine = [s for s in assessment.silences if s.advisory in silences.about(advisory) and s.lasts(assessment.now)]
    numbers = inventory.populations(connection, scope) if mine else {}
    only = [n for n in numbers if any(m.advisory.id == advisory.id for m in assessment.matches(n))]
    if not only:
        return
    mine = [s for s in mine if inventory.populations(connection, scope, within=s.scope, only=only)]
    held = [s for s in mine if s in assessment.in_force.get(advisory.id, ())]
    all_of_them = not inventory.populations(connection, scope, without=[s.scope for s in held], only=only)
    for one in mine:
        who = f"by {one.author}, " if one.author else ""
        where = silences.shown(one.scope) or "all hosts"
        text = f"silenced {who}until {one.until:%Y-%m-%d} ({where}): {one.reason}"
        if one in held:
            yield Point("silence", Effect.AGAINST if all_of_them else Effect.NOTE, text)
        else:
            yield Point("silence", Effect.NOTE, f"{text}; broken, because the advisory got worse")


def _ledger(
    connection: Connection, assessment: Assessment, subscription: Subscription, advisory: Advisory
) -> Iterator[Point]:
    told = subscriptions.told(connection, subscription)
    before = next((told[n] for n in silences.about(advisory) if n in told), None)
    started = subscription.started_at
    if before is None:
        if advisory.baseline and started and advisory.first_seen and advisory.first_seen > started:
            yield Point(
                "baseline",
                Effect.AGAINST,
                "it came with the first successful poll of its source, after the welcome digest",
            )
        return
    if not before.digest:
        why = "a silent start" if started and before.at == started else "the first successful poll of its source"
        yield Point(
            "baseline", Effect.AGAINST, f"recorded without a digest on {before.at:%Y-%m-%d %H:%M} UTC, because of {why}"
        )
    facets = before.facets
    known = [
        f"severity {facets.severity.value if facets.severity else 'unscored'}",
        "exploited" if facets.exploited else "",
        "withdrawn" if facets.withdrawn else "",
        f"{counted(len(facets.components), 'version')}, {len(facets.fixed)} with a fix",
    ]
    words = "as it was sent" if facets.partial else ", ".join(k for k in known if k)
    yield Point("ledger", Effect.NOTE, f"remembered since {before.at:%Y-%m-%d %H:%M} UTC: {words}")
