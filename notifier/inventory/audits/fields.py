"""The fields of an audit, each checked: what is wrong raises InventoryError, which says which field and why.  Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from feeds.core.errors import InventoryError
from feeds.core.text import one_line
from notifier.domain.audits import FailedCheck
from notifier.domain.components import host_name
from notifier.inventory.text import word

MOST_CHECKS = 5000
"""The most checks of one audit: the benchmark has some 120, and a file with more is none of it."""
_LARGEST = 1_000_000
_FIRST = datetime(2013, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_ID, _LONGEST_TITLE = 100, 500


def objects(value: Any, what: str) -> list[dict[str, Any]]:
    """A list of objects, with each as many as an audit can have."""
    if not isinstance(value, list):
        raise InventoryError(f"{what} is not a list")
    for number, one in enumerate(value):
        if not isinstance(one, dict):
            raise InventoryError(f"{what}[{number}] is not an object")
    if len(value) > MOST_CHECKS:
        raise InventoryError(f"{what} has {len(value)} entries, more than the {MOST_CHECKS} that an audit can have")
    return value


def count(value: Any, what: str) -> int:
    """A number of checks, which may be written as text."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,7}", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise InventoryError(f"{what} is {shown(value)}, not a number of checks")
    return value


def score(value: Any, what: str) -> float | None:
    """A score, which may be negative, or missing."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,7}(?:\.\d{1,6})?", value, re.ASCII):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InventoryError(f"{what} is {shown(value)}, not a number")
    if abs(value) > _LARGEST:
        raise InventoryError(f"{what} is {shown(value)}, which is out of range")
    return float(value)


def seconds(value: Any, what: str) -> datetime:
    """A moment in seconds since 1970."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InventoryError(f"{what} is {shown(value)}, not seconds since 1970")
    if not _FIRST.timestamp() <= value <= _LAST.timestamp():
        raise InventoryError(f"{what} is {shown(value)}, which is not the date of a Docker audit")
    return datetime.fromtimestamp(value, UTC)


def moment(value: Any, what: str) -> datetime:
    """A moment as ISO 8601 has it; one without a zone is taken for UTC."""
    try:
        found = datetime.fromisoformat(_zoned(value.strip()))
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        raise InventoryError(f"{what} is {shown(value)}, not a date and time") from None
    if not _FIRST <= found <= _LAST:
        raise InventoryError(f"{what} is {shown(value)}, which is not the date of a Docker audit")
    return found.replace(microsecond=0)


def _zoned(text: str) -> str:
    """A moment with its zone as ISO 8601 has it: older releases of InSpec write "2018-04-13 11:04:01 +0200"."""
    return re.sub(r"\s+(?:UTC|([+-]\d\d:?\d\d))$", lambda m: m[1] or "+00:00", text)


def failed(id_: Any, title: Any, what: str) -> FailedCheck:
    """A check that failed."""
    name = one_line(str(id_)) if isinstance(id_, str | int) and not isinstance(id_, bool) else ""
    if not name or len(name) > _LONGEST_ID:
        raise InventoryError(f"{what} has no id that can be read")
    if title is not None and not isinstance(title, str):
        raise InventoryError(f"{what} has a title that is not text")
    return FailedCheck(name, one_line(title or "", _LONGEST_TITLE))


def distinct(failures: Iterable[FailedCheck]) -> tuple[FailedCheck, ...]:
    """Each check once, in the order of the numbers in their ids."""
    return tuple(sorted(dict.fromkeys(failures), key=lambda c: (_numbers(c.id), c)))


def _numbers(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d{1,9}", text)]


def host_in(value: Any, given: str) -> str:
    """The host that the input names, else the one that an operator gave; InventoryError where there is none."""
    named = next((n for f in ("host", "hostname", "node_name", "fqdn") if (n := word(value, f))), given)
    if not named:
        raise InventoryError("it does not name its host; give --host NAME, or add a field `host`")
    return checked_host(named)


def checked_host(text: str) -> str:
    """A host's name, checked."""
    try:
        return host_name(text)
    except ValueError as error:
        raise InventoryError(str(error)) from error


def shown(value: Any) -> str:
    """A value as a message shows it."""
    return one_line(repr(value), 60)
