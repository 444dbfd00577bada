"""Go modules that hold only some of their product's releases.  Pure."""

from __future__ import annotations

from typing import Final

from feeds.versions.ranges import Span

DOMAINS: Final = {
    "github.com/docker/docker": Span("", "29-dev"),
    "github.com/moby/moby": Span("", "29-dev"),
    "github.com/containerd/containerd": Span("", "2-dev"),
    "github.com/containerd/containerd/v2": Span("2-dev", ""),
    "github.com/docker/compose": Span("", "2-dev"),
    "github.com/docker/compose/v2": Span("2-dev", "5-dev"),
    "github.com/docker/compose/v5": Span("5-dev", ""),
}
"""The releases of its product that a module holds: it says nothing of the others."""


def ended_at(path: str) -> str:
    """The version at which a module ended, for a module or a package in it; "" if it goes on.

    >>> ended_at("github.com/docker/docker/libnetwork"), ended_at("github.com/moby/moby/v2/daemon")
    ('29-dev', '')
    """
    path = path.strip("/").lower()
    module = max((m for m in DOMAINS if path == m or path.startswith(f"{m}/")), key=len, default="")
    rest = path.removeprefix(module).strip("/").partition("/")[0]
    if not module or (rest[:1] == "v" and rest[1:].isdecimal()):
        return ""  # a later major version of the module
    return DOMAINS[module].high


def closed(spans: tuple[Span, ...], end: str) -> tuple[Span, ...]:
    """Ranges of a module that ended: one without an end ends with the module."""
    return tuple(Span(s.low, end, s.closed_low) if end and not s.high else s for s in spans)
