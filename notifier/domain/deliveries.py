"""Deliveries: a queued message for one target, its attempts, and the result of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notifier.domain.messages import Message, Target
from notifier.domain.retry import DeliveryOutcome, DeliveryState

OPERATOR = "operator"
"""Who gets a notice, where a digest has its subscription."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the outbox: a message for a target, how often it was tried, and how many parts of it arrived."""

    id: int
    subscription: str
    target: Target
    attempts: int
    message: Message
    parts: int = 0
    unreadable: str = ""
    """Why the stored message cannot be read; "" if it can."""
    subscription_id: int = 0
    """The number of its subscription; 0 for a message that is not a digest."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a try came to. `attempts` counts it; `outcome` None only puts it off, which is not a try."""

    delivery: Delivery
    at: datetime
    outcome: DeliveryOutcome | None
    state: DeliveryState
    due_at: datetime
    answer: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when, what it came to, and what the channel said."""

    at: datetime
    outcome: DeliveryOutcome
    answer: str


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A row of the outbox with its log."""

    id: int
    subscription: str
    """Empty for a notice to the operator."""
    key: str
    subject: str
    target: Target
    state: DeliveryState
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    answer: str
    log: tuple[Attempt, ...]
    purpose: str = ""
    """Of a message to one person: confirm or undo."""
