"""Bounds of what people write: names, tags, patterns, reasons.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from feeds.core.errors import UsageProblem
from notifier.domain.filters import Filters, Scope

NAME: Final = 500
"""Characters of a name, a tag with its value, a pattern or a keyword: PostgreSQL's indexes take 2,704 bytes."""
TEXT: Final = 2_000
"""Characters of a reason or a note."""


def check_name(what: str, text: str) -> None:
    """UsageProblem if a name is too long, or would not be seen as it is."""
    if len(text) > NAME or not text.isprintable():
        raise UsageProblem(f"the {what} {text[:60]!r} is too long or contains unprintable characters")


def check_text(what: str, text: str, longest: int = TEXT) -> None:
    """UsageProblem if a text is too long."""
    if len(text) > longest:
        raise UsageProblem(f"the {what} has {len(text):,} characters; at most {longest:,} are possible")


def check_tags(tags: Mapping[str, str]) -> None:
    """UsageProblem if a tag is too long, or would not be seen as it is."""
    for name, value in tags.items():
        check_name("tag", f"{name}={value}")


def check_scope(scope: Scope) -> None:
    """UsageProblem if a tag or a pattern of a scope is too long, or would not be seen as it is."""
    check_tags(scope.tags)
    for pattern in scope.hosts:
        check_name("host", pattern)


def check_filters(filters: Filters) -> None:
    """UsageProblem if something in filters is too long, or would not be seen as it is."""
    check_scope(filters.scope)
    for keyword in filters.keywords:
        check_name("keyword", keyword)
