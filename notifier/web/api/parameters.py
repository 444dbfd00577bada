"""The parameters of questions: how each is read, and how the OpenAPI document describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from feeds.advisories.records import PRODUCTS, Kind, Severity
from feeds.core.errors import UsageProblem
from feeds.images.references import reference
from feeds.verdicts.weighing import Status
from notifier.domain.filters import Scope
from notifier.domain.jobs import JobState
from notifier.domain.product_names import hint
from notifier.domain.retry import DeliveryState
from notifier.images.status import ImageStatus
from notifier.services.findings.exposure_rows import GroupBy
from notifier.web.handler_values import Call

LONGEST = 1000
"""The most rows of an answer, and the number of rows where nothing is asked for."""
_TEXT = r"^[^\u0000-\u001f\u007f]*$"


def text(value: str) -> str:
    """A text without control characters. ValueError for another."""
    if not value.isprintable() or len(value) > LONGEST:
        raise ValueError("it is too long or contains unprintable characters")
    return value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter."""

    name: str
    description: str
    read: Callable[[str], Any] = text
    """Its value; ValueError says why there is none."""
    schema: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "string", "pattern": _TEXT, "maxLength": LONGEST}
    )
    repeated: bool = False

    def described(self) -> dict[str, Any]:
        """As OpenAPI writes it."""
        schema = {"type": "array", "items": dict(self.schema)} if self.repeated else dict(self.schema)
        shown = {"name": self.name, "in": "query", "description": self.description, "schema": schema}
        return shown | ({"style": "form", "explode": True} if self.repeated else {})


def _words(kind: type[StrEnum], *more: str) -> dict[str, Any]:
    return {"type": "string", "enum": [*(one.value for one in kind), *more]}


def _tag(value: str) -> tuple[str, str]:
    name, equals, wanted = text(value).partition("=")
    if not equals or not name.strip():
        raise ValueError("it is not of the form NAME=VALUE")
    return name.strip(), wanted.strip()


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("it is neither true nor false")
    return value == "true"


def _day(value: str) -> date:
    found = date.fromisoformat(value)
    if found.isoformat() != value:
        raise ValueError("it is not a date (YYYY-MM-DD)")
    return found


def _product(value: str) -> str:
    if value not in PRODUCTS:
        raise ValueError(f"it is not one of {', '.join(PRODUCTS)}{hint(value)}")
    return value


def _verdicts(value: str) -> frozenset[Status]:
    return frozenset(Status) if value == "all" else frozenset({Status(value)})


def _number(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= LONGEST or len(value) > 9:
        raise ValueError(f"it is not a number from 1 to {LONGEST}")
    return int(value)


def _base(value: str) -> Any:
    found = reference(text(value))
    if found is None:
        raise ValueError("it is not the name of an image")
    return found


_FLAG = {"type": "boolean"}
HOST = Parameter("host", "Only hosts with this name; * and ? match any characters.", repeated=True)
TAG = Parameter(
    "tag",
    "Only hosts with this tag, NAME=VALUE; all must match.",
    _tag,
    {"type": "string", "pattern": r"^[^=\s\u0000-\u001f\u007f]+=[^\u0000-\u001f\u007f]*$", "maxLength": LONGEST},
    repeated=True,
)
PRODUCT = Parameter("product", "Only this product.", _product, {"type": "string", "enum": [*PRODUCTS]}, repeated=True)
SCOPE = (HOST, TAG, PRODUCT)
SEVERITY = Parameter(
    "severity", "Only this severity or worse; unscored advisories are included.", Severity, _words(Severity)
)
ADVISORY = Parameter("advisory", "Only this advisory, by name or alias.")
ADVISORIES = Parameter("advisory", "Only this advisory, by name or alias.", repeated=True)
KEV = Parameter("kev", "Only what CISA lists as known exploited.", _flag, _FLAG)
OVERDUE = Parameter("overdue", "Only what is overdue, as [due] in the configuration says.", _flag, _FLAG)
SINCE = Parameter(
    "since",
    "The first day, YYYY-MM-DD. Default: 12 weeks ago.",
    _day,
    {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
)
VERDICT = Parameter(
    "verdict",
    "Verdicts to list. Default: affected and conflicting.",
    _verdicts,
    _words(Status, "all"),
    repeated=True,
)
GROUP = Parameter(
    "group", "One row for each of these, instead of for each host and advisory.", GroupBy, _words(GroupBy)
)
KIND = Parameter("kind", "Only this kind.", Kind, _words(Kind), repeated=True)
ONE_PRODUCT = Parameter("product", "Only advisories about this product.", _product, PRODUCT.schema)
STALE = Parameter("stale", "Only hosts that no import or push has named for `[digest] stale_days`.", _flag, _FLAG)
STATUS = Parameter("status", "Only images with this status.", ImageStatus, _words(ImageStatus))
BASE = Parameter("base", "Only images built on this base, directly or indirectly.", _base)
SPLIT = Parameter("split", "Only tags that run as several different images.", _flag, _FLAG)
STATE = Parameter("state", "Only deliveries in this state.", DeliveryState, _words(DeliveryState))
JOB_STATE = Parameter("state", "Only jobs in this state.", JobState, _words(JobState))
SUBSCRIPTION = Parameter("subscription", "Only deliveries of this subscription; empty for notices to the operator.")
ENDED = Parameter("ended", "Also those that have ended.", _flag, _FLAG)
LIMIT = Parameter(
    "limit",
    f"The most rows of the answer. Default: {LONGEST}.",
    _number,
    {"type": "integer", "minimum": 1, "maximum": LONGEST, "default": LONGEST},
)
CURSOR = Parameter("cursor", "`next` of the answer before, to the same question.")
PAGE = (LIMIT, CURSOR)


class Given(dict[str, Any]):
    """The values of the parameters that were given: a list for each repeated one."""

    @property
    def scope(self) -> Scope:
        """The hosts and products that are asked for."""
        return Scope(dict(self.get("tag", ())), tuple(self.get("host", ())), tuple(self.get("product", ())))

    @property
    def limit(self) -> int:
        """The most rows."""
        return int(self.get("limit", LONGEST))


def given(call: Call, parameters: Iterable[Parameter]) -> Given:
    """The parameters of a call; UsageProblem for one that is unknown, twice there or not readable."""
    known = {one.name: one for one in parameters}
    found = Given()
    for name, values in call.query.items():
        one = known.get(name)
        if one is None:
            names = ", ".join(known) or "none"
            raise UsageProblem(f"there is no parameter {name[:60]!r} here", remedy=f"There are: {names}")
        if len(values) > 1 and not one.repeated:
            raise UsageProblem("it may be given once only", where=name)
        try:
            read = [one.read(value) for value in values]
        except ValueError as error:
            said = str(error)
            reason = (
                said if not said.endswith(f"valid {getattr(one.read, '__name__', '')}") else "it is none of its words"
            )
            raise UsageProblem(f"{values[0][:60]!r} cannot be used: {reason}", where=name) from error
        found[name] = read if one.repeated else read[0]
    return found
