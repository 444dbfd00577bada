"""The answers of `navtex notification list`, `show` and `explain`.  Pure; their JSON is a contract."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.alerts.digest import CORRECTION, NEW, UPDATE
from notifier.domain.retry import DeliveryOutcome, DeliveryState
from notifier.schemas.fields import MOMENT, AdvisoryName, Count

State = Annotated[
    DeliveryState,
    Meta(description="the state of the delivery", extra_json_schema={"enum": [s.value for s in DeliveryState]}),
]
Channel = Annotated[str, Meta(description="the channel, without passwords and tokens")]
Recipient = Annotated[str | None, Meta(description="the recipient, where the channel has several")]
SentAt = Annotated[datetime | None, MOMENT, Meta(description="when the channel accepted it")]
Answer = Annotated[str, Meta(description="the channel's last answer")]


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver."""

    at: Annotated[datetime, MOMENT, Meta(description="when")]
    outcome: Annotated[
        DeliveryOutcome, Meta(description="its result", extra_json_schema={"enum": [o.value for o in DeliveryOutcome]})
    ]
    answer: Annotated[str, Meta(description="the channel's answer, without secrets")]


class Purpose(StrEnum):
    """What a message is for: a digest, a notice to operators, or a link for one person to confirm or undo something."""

    DIGEST = "digest"
    OPERATOR = "operator"
    CONFIRM = "confirm"
    UNDO = "undo"


class NotificationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery: a message to one target."""

    id: Annotated[int, Meta(description="its number", ge=1)]
    subscription: Annotated[str | None, Meta(description="the subscription of a digest; else null")]
    purpose: Annotated[
        Purpose, Meta(description="what it is for", extra_json_schema={"enum": [p.value for p in Purpose]})
    ]
    digest: Annotated[str, Meta(description="the key of the message")]
    subject: Annotated[str, Meta(description="the subject")]
    to: Channel
    recipient: Recipient
    state: State
    created_at: Annotated[datetime, MOMENT, Meta(description="when the message was made")]
    due_at: Annotated[datetime | None, MOMENT, Meta(description="when the next attempt is due; null for none")]
    sent_at: SentAt
    answer: Answer
    attempts: Annotated[tuple[AttemptRow, ...], Meta(description="oldest first")]


class NotificationList(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, newest first."""

    notifications: Annotated[tuple[NotificationRow, ...], Meta(description="newest first")]


class RecipientRow(msgspec.Struct, frozen=True, kw_only=True):
    """One target of a message."""

    id: Annotated[int, Meta(description="the number of this delivery", ge=1)]
    to: Channel
    recipient: Recipient
    state: State
    sent_at: SentAt


class NotificationDetail(NotificationRow, frozen=True, kw_only=True):
    """One delivery with its message, and everyone the message went to."""

    recipients: Annotated[tuple[RecipientRow, ...], Meta(description="every target of the message, this one included")]
    text: Annotated[str, Meta(description="the text that was sent")]
    html: Annotated[str, Meta(description="the HTML that was sent")]


class ExplanationPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked."""

    about: Annotated[
        str,
        Meta(
            description="what was checked: subscription, schedule, hosts, advisory, filter, silence, baseline or ledger"
        ),
    ]
    effect: Annotated[
        str,
        Meta(
            description="whether it is a reason for reporting the advisory, against it, or neither",
            extra_json_schema={"enum": ["for", "against", "note"]},
        ),
    ]
    words: Annotated[str, Meta(description="what was found")]


class ReportedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery of a digest that reported the advisory."""

    to: Annotated[str, Meta(description="the recipient, or the channel without its secrets")]
    state: State
    attempts: Annotated[Count, Meta(description="the number of attempts")]
    due_at: Annotated[datetime, MOMENT, Meta(description="when the next attempt is due, or was")]
    sent_at: SentAt
    answer: Answer


class ReportedDigest(msgspec.Struct, frozen=True, kw_only=True):
    """One digest that reported the advisory."""

    digest: Annotated[str, Meta(description="the digest's key")]
    at: Annotated[datetime, MOMENT, Meta(description="when it was made")]
    change: Annotated[
        str, Meta(description="why it was reported", extra_json_schema={"enum": [NEW, UPDATE, CORRECTION]})
    ]
    words: Annotated[str, Meta(description="what had changed")]
    deliveries: Annotated[tuple[ReportedDelivery, ...], Meta(description="one for each target")]


class NotificationExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a subscription was sent an advisory, or was not."""

    subscription: Annotated[str, Meta(description="the subscription")]
    advisory: AdvisoryName
    answer: Annotated[str, Meta(description="the answer, in a sentence")]
    points: Annotated[tuple[ExplanationPoint, ...], Meta(description="the reasons for the answer")]
    tellings: Annotated[
        tuple[ReportedDigest, ...], Meta(description="each digest that reported the advisory, oldest first")
    ]
