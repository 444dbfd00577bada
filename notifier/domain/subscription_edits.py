"""What an edit changes in a subscription.  Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from feeds.core.errors import UsageProblem
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule, checked
from notifier.domain.subscriptions import Subscription

_Settings = TypeVar("_Settings", Filters, Scope, Schedule)


class EditOption(StrEnum):
    """The options that an edit can change, or set back to their defaults."""

    HOST = "host"
    TAG = "tag"
    PRODUCT = "product"
    SEVERITY = "severity"
    KIND = "kind"
    KEYWORD = "keyword"
    KEV = "kev"
    EPSS = "epss"
    EVERYTHING = "everything"
    SCHEDULE = "schedule"
    ZONE = "zone"
    QUIET = "quiet"
    BREAK_SCHEDULE = "break-schedule"
    REMIND = "remind"


_SCOPE: Final = {EditOption.HOST: "hosts", EditOption.TAG: "tags", EditOption.PRODUCT: "products"}
_FILTERS: Final = {
    EditOption.SEVERITY: "severity",
    EditOption.KIND: "kinds",
    EditOption.KEYWORD: "keywords",
    EditOption.KEV: "kev",
    EditOption.EPSS: "epss",
    EditOption.EVERYTHING: "everything",
}
_SCHEDULE: Final = {
    EditOption.SCHEDULE: "every",
    EditOption.ZONE: "zone",
    EditOption.QUIET: "quiet",
    EditOption.BREAK_SCHEDULE: "breaks",
    EditOption.REMIND: "remind",
}


FIELDS: Final = _SCOPE | _FILTERS | _SCHEDULE
"""The field of a scope, of filters or of a schedule that each option sets."""


@dataclass(frozen=True, slots=True)
class SubscriptionEdit:
    """What to change: values by option name replace the present ones, `clear` sets others back to their defaults.

    `targets` () keeps the channels.
    """

    targets: tuple[str, ...] = ()
    values: tuple[tuple[EditOption, Any], ...] = ()
    clear: frozenset[EditOption] = frozenset()

    def of(self, subscription: Subscription) -> Subscription:
        """The subscription with these changes; UsageProblem if they contradict each other or change nothing."""
        new = dict(self.values)
        if not (self.targets or new or self.clear):
            raise UsageProblem("nothing to change", remedy="Say what to change; see `navtex subscription edit --help`")
        if both := sorted(new.keys() & self.clear):
            raise UsageProblem(f"--{both[0]} and --clear {both[0]} exclude each other", remedy="Use only one of them")
        filters = _changed(subscription.filters, _FILTERS, new, self.clear)
        filters = msgspec.structs.replace(filters, scope=_changed(filters.scope, _SCOPE, new, self.clear))
        return replace(
            subscription,
            targets=self.targets or subscription.targets,
            filters=filters,
            schedule=checked(_changed(subscription.schedule, _SCHEDULE, new, self.clear)),
        )


def _changed(
    value: _Settings, fields: dict[EditOption, str], new: dict[EditOption, Any], clear: Collection[EditOption]
) -> _Settings:
    defaults = type(value)()
    changes = {f: getattr(defaults, f) for o, f in fields.items() if o in clear}
    return msgspec.structs.replace(value, **changes | {f: new[o] for o, f in fields.items() if o in new})
