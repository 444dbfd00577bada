"""What programs send to the API to change something.  Pure; their JSON is a contract."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from feeds.advisories.records import PRODUCTS, Kind, Severity
from notifier.alerts.silences import JUSTIFICATIONS
from notifier.domain.schedule import BREAKS, REMINDERS
from notifier.schemas.fields import DAY, AdvisoryName, ScopeWords

_PRINTABLE: Final = r"^[^\u0000-\u001f\u007f]*(?![\s\S])"
_TEXT: Final = Meta(max_length=1000, pattern=_PRINTABLE)
_LIST: Final = Meta(max_length=200)
Word = Annotated[str, _TEXT]
Filled = Annotated[
    str, Meta(min_length=1, max_length=1000, pattern=r"^ *[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*(?![\s\S])")
]
HostPatterns = Annotated[
    tuple[Filled, ...], _LIST, Meta(description="only hosts with these names; * and ? match any characters")
]
WantedTags = Annotated[dict[Filled, Word], Meta(description="only hosts with these tags")]
ProductName = Annotated[Word, Meta(extra_json_schema={"enum": [*PRODUCTS]})]
Products = Annotated[tuple[ProductName, ...], _LIST, Meta(description="only these products")]
Owner = Annotated[Filled, Meta(description="the person or team responsible")]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SilenceRequest(_Body, frozen=True, kw_only=True):
    """A silence to add. It replaces one of the same hosts."""

    advisory: Annotated[Filled, Meta(description="its name or an alias")]
    reason: Annotated[Filled, Meta(description="why")]
    until: Annotated[Filled, Meta(description="the last day in UTC, YYYY-MM-DD, or the end, YYYY-MM-DDTHH:MM:SSZ")]
    hosts: HostPatterns = ()
    tags: WantedTags = {}
    products: Products = ()
    justification: Annotated[
        Word,
        Meta(
            description="the VEX justification, if the hosts are not affected",
            extra_json_schema={"enum": ["", *JUSTIFICATIONS]},
        ),
    ] = ""


class AssignmentRequest(_Body, frozen=True, kw_only=True):
    """An assignment to add. It replaces one of the same hosts."""

    advisory: Annotated[Filled, Meta(description="its name or an alias")]
    owner: Owner
    due: Annotated[date, DAY, Meta(description="the day it is due")]
    hosts: HostPatterns = ()
    tags: WantedTags = {}
    products: Products = ()
    note: Annotated[Word, Meta(description="a note to show in digests")] = ""


class AssignmentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment as it was stored."""

    advisory: AdvisoryName
    owner: Owner
    due: Annotated[date, DAY, Meta(description="the day it is due")]
    scope: ScopeWords
    note: Annotated[str, Meta(description="the note")]


Channels = Annotated[
    tuple[Filled, ...],
    Meta(min_length=1, max_length=100, description="the channels to send to; see `navtex help channels`"),
]
_severity = Meta(
    description="only this severity or worse, or unscored",
    extra_json_schema={"type": ["string", "null"], "enum": [*(s.value for s in Severity), None]},
)
_KINDS: Final = Meta(description="only these kinds of news")
KindWord = Annotated[Kind, Meta(extra_json_schema={"enum": [k.value for k in Kind]})]
SeverityWord = Annotated[Severity | None, _severity]
Share = Annotated[float, Meta(ge=0, le=1)]
_breaks = Meta(description="what is sent at once, whatever the schedule", extra_json_schema={"enum": [*BREAKS]})
_reminds = Meta(description="how often to remind of what is still open", extra_json_schema={"enum": [*REMINDERS]})


class SubscriptionRequest(_Body, frozen=True, kw_only=True):
    """A subscription to add."""

    name: Annotated[Filled, Meta(description="its name")]
    to: Channels
    hosts: HostPatterns = ()
    tags: WantedTags = {}
    products: Products = ()
    severity: SeverityWord = None
    kinds: Annotated[tuple[KindWord, ...], _LIST, _KINDS] = ()
    keywords: Annotated[tuple[Filled, ...], _LIST, Meta(description="only news with one of these words")] = ()
    kev: Annotated[bool, Meta(description="only what is known to be exploited")] = False
    epss: Annotated[Share | None, Meta(description="only an EPSS score of at least this, or unscored")] = None
    everything: Annotated[bool, Meta(description="also news that affects no host")] = False
    schedule: Annotated[Filled, Meta(description="immediate, hourly, daily, weekly or a cron expression")] = "immediate"
    zone: Annotated[Filled, Meta(description="the time zone of `schedule` and `quiet`")] = "UTC"
    quiet: Annotated[Word, Meta(description="hours in which nothing is sent, such as 22:00-07:00")] = ""
    break_schedule: Annotated[Word, _breaks] = "both"
    remind: Annotated[Word, _reminds] = "monthly"
    silent_start: Annotated[bool, Meta(description="whether no welcome digest is sent")] = False


class SubscriptionChange(_Body, frozen=True, kw_only=True):
    """What to change in a subscription. What is left out stays; null sets back to the default."""

    to: Channels | UnsetType = UNSET
    paused: Annotated[bool, Meta(description="whether it gets no digests until it is resumed")] | UnsetType = UNSET
    hosts: HostPatterns | UnsetType | None = UNSET
    tags: WantedTags | UnsetType | None = UNSET
    products: Products | UnsetType | None = UNSET
    severity: SeverityWord | UnsetType = UNSET
    kinds: Annotated[tuple[KindWord, ...], _LIST, _KINDS] | UnsetType | None = UNSET
    keywords: Annotated[tuple[Filled, ...], _LIST] | UnsetType | None = UNSET
    kev: bool | UnsetType | None = UNSET
    epss: Share | UnsetType | None = UNSET
    everything: bool | UnsetType | None = UNSET
    schedule: Filled | UnsetType | None = UNSET
    zone: Filled | UnsetType | None = UNSET
    quiet: Word | UnsetType | None = UNSET
    break_schedule: Annotated[Word, _breaks] | UnsetType | None = UNSET
    remind: Annotated[Word, _reminds] | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are there."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error, as RFC 9457 has it."""

    type: Annotated[str, Meta(description="always about:blank")]
    title: Annotated[str, Meta(description="the kind of error in words")]
    status: Annotated[int, Meta(ge=400, le=599, description="the HTTP status")]
    detail: Annotated[str, Meta(description="what happened, where, and what to do")] | UnsetType = UNSET
