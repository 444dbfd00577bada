"""The form of a subscription: its fields read as filters and hours, and filters and hours as its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from feeds.advisories.records import PRODUCTS, Severity
from feeds.core.errors import UsageProblem
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import IMMEDIATE, REMINDERS, Schedule
from notifier.web.handler_values import Call

_LEVELS = (
    ("low", "low or worse"),
    ("medium", "medium or worse"),
    ("high", "high or worse"),
    ("critical", "critical only"),
)
SEVERITIES = (("", "any"), *_LEVELS)
SCHEDULES = (
    (IMMEDIATE, "as soon as there is news"),
    ("hourly", "hourly"),
    ("daily", "daily at 08:00"),
    ("weekly", "weekly, on Monday at 08:00"),
)
_HOUR = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class SubscribeForm:
    """The fields as they are shown."""

    to: str = ""
    severity: str = ""
    products: tuple[str, ...] = ()
    tags: str = ""
    hosts: str = ""
    kev: bool = False
    every: str = IMMEDIATE
    zone: str = "UTC"
    quiet_from: str = ""
    quiet_to: str = ""
    remind: str = "monthly"

    @property
    def choices(self) -> dict[str, Any]:
        """What can be chosen, with a cron expression that somebody set elsewhere."""
        own = () if self.every in dict(SCHEDULES) else ((self.every, f"cron: {self.every}"),)
        return {
            "severities": SEVERITIES,
            "schedules": (*SCHEDULES, *own),
            "products": PRODUCTS,
            "reminders": tuple((r, r) for r in REMINDERS),
        }

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The fields as a form sends them, without the mailbox."""
        names = ("severity", "tags", "hosts", "every", "zone", "quiet_from", "quiet_to", "remind")
        more = (("product", product) for product in self.products)
        return (*((name, getattr(self, name)) for name in names), *more, *((("kev", "yes"),) if self.kev else ()))

    @classmethod
    def sent(cls, call: Call) -> SubscribeForm:
        """The fields that a call sent."""
        names = ("to", "severity", "tags", "hosts", "every", "zone", "quiet_from", "quiet_to", "remind")
        values = {name: call.filled(name).strip() for name in names if name in call.form}
        return cls(products=tuple(call.form.get("product", ())), kev=call.filled("kev") == "yes", **values)

    @classmethod
    def of(cls, filters: Filters, schedule: Schedule) -> SubscribeForm:
        """The fields of a subscription."""
        start, _, end = schedule.quiet.partition("-")
        return cls(
            severity=filters.severity.value if filters.severity else "",
            products=filters.scope.products,
            tags=" ".join(f"{k}={v}" for k, v in filters.scope.tags.items()),
            hosts=" ".join(filters.scope.hosts),
            kev=filters.kev,
            every=schedule.every,
            zone=schedule.zone,
            quiet_from=start,
            quiet_to=end,
            remind=schedule.remind,
        )

    def filters(self, before: Filters = Filters()) -> Filters:  # noqa: B008 - a frozen value
        """The filters, with those of `before` that the form does not have."""
        unknown = [p for p in self.products if p not in PRODUCTS]
        if unknown or self.severity not in dict(SEVERITIES):
            raise UsageProblem("the form has an unknown choice", remedy="Choose one that is listed")
        return msgspec.structs.replace(
            before,
            scope=Scope(_tags(self.tags), tuple(self.hosts.split()), self.products),
            severity=Severity(self.severity) if self.severity else None,
            kev=self.kev,
        )

    def schedule(self, before: Schedule = Schedule()) -> Schedule:  # noqa: B008
        """The hours, with those of `before` that the form does not have."""
        quiet = ""
        if self.quiet_from or self.quiet_to:
            if not (_HOUR.fullmatch(self.quiet_from) and _HOUR.fullmatch(self.quiet_to)):
                raise UsageProblem("quiet hours need a start and an end", remedy="Write both as in 22:00 and 07:00")
            quiet = f"{self.quiet_from}-{self.quiet_to}"
        return msgspec.structs.replace(
            before, every=self.every or IMMEDIATE, zone=self.zone or "UTC", quiet=quiet, remind=self.remind or "monthly"
        )


def _tags(text: str) -> dict[str, str]:
    found = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise UsageProblem(f"{part[:60]!r} is not a tag", remedy="Write NAME=VALUE, with a space between two")
        found[name] = value
    return found
