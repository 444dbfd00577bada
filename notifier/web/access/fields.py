"""Fields of forms as values."""

from __future__ import annotations

from feeds.core.errors import UsageProblem


def tags_of(text: str) -> dict[str, str]:
    """Tags as a field holds them: "env=prod team=a"; UsageProblem for anything else.

    >>> tags_of("env=prod, team=a")
    {'env': 'prod', 'team': 'a'}
    """
    found = {}
    for word in text.replace(",", " ").split():
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise UsageProblem(f"{word!r} is not of the form NAME=VALUE")
        found[name] = value
    return found
