"""What the address of a page asks for: the filters of the command line, by the same names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, TypeVar

from feeds.advisories.records import PRODUCTS, Kind, Severity
from feeds.core.errors import UsageProblem
from feeds.verdicts.weighing import Status
from notifier.domain.filters import Scope
from notifier.domain.product_names import unknown_product
from notifier.rendering.page_frames import PageFilter
from notifier.web.handler_values import Call
from notifier.web.scoping import scoped

_Word = TypeVar("_Word", bound=StrEnum)

ROWS: Final = 50
"""Rows in one part of a list."""
LEVELS: Final = tuple((s.value, f"{s.value} or worse") for s in reversed(Severity))
PRODUCT_NAMES: Final = tuple((name, name) for name in PRODUCTS)
KINDS: Final = tuple((kind.value, kind.value.replace("-", " ")) for kind in Kind)


def values(call: Call, name: str) -> tuple[str, ...]:
    """The values of a parameter, without empty ones, each once."""
    return tuple(dict.fromkeys(value.strip() for value in call.query.get(name, ()) if value.strip()))


def word(kind: type[_Word], text: str, name: str) -> _Word:
    """The member of an enum that a parameter names; UsageProblem if it names none."""
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise UsageProblem(f"{text[:100]!r} is not one of {known}", where=name) from None


def chosen(kind: type[_Word], call: Call, name: str) -> _Word | None:
    """The member of an enum that the address asks for; None if it asks for none."""
    text = call.asked(name).strip()
    return word(kind, text, name) if text else None


def tags(texts: Iterable[str], where: str = "tag") -> dict[str, str]:
    """Tags written as NAME=VALUE, in one text or several; UsageProblem for anything else."""
    found: dict[str, str] = {}
    for text in (part for one in texts for part in one.replace(",", " ").split()):
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageProblem(f"{text[:100]!r} is not of the form NAME=VALUE", where=where)
        found[name] = value
    return found


def scope(call: Call) -> Scope:
    """The hosts and products that the address asks for, whoever asks."""
    products = values(call, "product")
    for name in products:
        if name not in PRODUCTS:
            raise UsageProblem(unknown_product(name), where="product")
    return Scope(tags=tags(values(call, "tag")), hosts=values(call, "host"), products=products)


def seen(call: Call) -> Scope:
    """The hosts and products that the address asks for, as far as the viewer may see them."""
    return scoped(call, scope(call))


def level(call: Call) -> Severity | None:
    """The least severity."""
    return chosen(Severity, call, "severity")


def verdicts(call: Call) -> frozenset[Status]:
    """The verdicts, none if the address names none."""
    asked = values(call, "verdict")
    if "all" in asked:
        return frozenset(Status)
    return frozenset(word(Status, one, "verdict") for one in asked)


_MOST: Final = 2**31 - 1


def whole(text: str) -> int | None:
    """A number from 1 that a row may have; None for any other text."""
    known = text.isascii() and text.isdigit() and len(text) <= 10
    return int(text) if known and 0 < int(text) <= _MOST else None


def switch(call: Call, name: str) -> bool:
    """Whether a checkbox is on."""
    return call.asked(name) in ("yes", "on", "1", "true")


_WORDS: Final = {
    "host": "host {}",
    "tag": "tagged {}",
    "product": "{}",
    "advisory": "{}",
    "severity": "{} or worse",
    "kev": "known exploited",
    "verdict": "{}",
    "runs": "running {}",
    "stale": "not seen lately",
    "overdue": "overdue",
    "kind": "{}",
    "q": "“{}”",
    "status": "{}",
    "state": "{}",
    "base": "on {}",
    "subscription": "subscription {}",
    "ended": "with ended ones",
    "all": "all hosts",
    "split": "running as several images",
    "own": "built by you",
}


def filters(call: Call, *names: str) -> tuple[PageFilter, ...]:
    """The filters that are on, of those that a page has."""
    return tuple(
        PageFilter(name, value, _WORDS[name].format(value.replace("_", " ")))
        for name in names
        for value in values(call, name)
    )
