"""Affected ranges: spans of versions, and the expressions that advisories write them in.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from feeds.versions.upstream import LOWEST, Key, is_version, key

_HIGHEST: Key = (10**18,)


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """Versions from `low` to `high`, as their source spells them; "" is an open end.

    `closed_low` and `closed_high` say whether the end belongs to the span.
    """

    low: str = ""
    high: str = ""
    closed_low: bool = True
    closed_high: bool = False

    def keys(self) -> tuple[Key, Key]:
        """Two keys (a, b): a version with key k lies in the span when a <= k < b."""
        low = key(self.low) if self.low else LOWEST
        if self.low and not self.closed_low:
            low = (*low, 0)
        high = key(self.high) if self.high else _HIGHEST
        if self.high and self.closed_high:
            high = (*high, 0)
        return low, high

    def __contains__(self, version: str) -> bool:
        low, high = self.keys()
        return low <= key(version) < high

    def __str__(self) -> str:
        if self.low and self.low == self.high:
            return f"= {self.low}"
        ends = []
        # "29-dev" is our own way to say "29 and all its pre-releases"
        if self.low:
            ends.append(f"{'>=' if self.closed_low else '>'} {self.low.removesuffix('-dev')}")
        if self.high:
            ends.append(f"{'<=' if self.closed_high else '<'} {self.high.removesuffix('-dev')}")
        return ", ".join(ends) or "all versions"


def exactly(version: str) -> Span:
    """The span that holds one version."""
    return Span(low=version, high=version, closed_high=True)


def intersection(one: Span, other: Span) -> Span | None:
    """The versions that two spans share; None if they share none."""
    low, high = _later_start(one, other), _earlier_end(one, other)
    shared = Span(low.low, high.high, low.closed_low, high.closed_high)
    start, end = shared.keys()
    return shared if start < end else None


def _later_start(one: Span, other: Span) -> Span:
    return one if one.keys()[0] >= other.keys()[0] else other


def _earlier_end(one: Span, other: Span) -> Span:
    return one if one.keys()[1] <= other.keys()[1] else other


def remainder(domain: Span, spans: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of a domain without some spans, as spans from the lowest to the highest.

    >>> [str(s) for s in remainder(Span("", "29"), [Span("25.0.0", "25.0.5")])]
    ['< 25.0.0', '>= 25.0.5, < 29']
    """
    left: list[Span] = []
    low, closed = domain.low, domain.closed_low
    for span in sorted((s for s in spans if intersection(s, s)), key=Span.keys):
        if span.low:
            gap = intersection(domain, Span(low, span.low, closed, not span.closed_low))
            left += [gap] if gap else []
        if not span.high:
            return tuple(left)
        if Span(span.high, "", not span.closed_high).keys() > Span(low, "", closed).keys():
            low, closed = span.high, not span.closed_high
    last = intersection(domain, Span(low, "", closed))
    return (*left, last) if last else tuple(left)


class Expression(msgspec.Struct, frozen=True):
    """A range expression as read: what it names in front ("" if nothing), and its spans."""

    subject: str
    spans: tuple[Span, ...]


_LONGEST = 2000
_VERSION = r"(?:docker-)?v?[0-9][0-9A-Za-z.+~-]*+"
_BOUND = re.compile(rf"(?P<op><=|>=|==|<|>|=)\s*(?P<version>{_VERSION}|\*)\s*(?:,|&&?|and\b)?\s*")
_BRANCH = r"v?(?P<stem>[0-9]{1,9}(?:\.[0-9]{1,9}){0,3})\.[xX*]"
_WILDCARD = re.compile(rf"^{_BRANCH}$")
_WILD_BOUND = re.compile(rf"(?P<op><=|>=|==|<|>|=)\s*{_BRANCH}(?![\w.+~-])")
_EVERY, _ONES = r"(?:all\s+)?(?:versions?\s+)?", r"(?:\s+(?:versions?|releases?))?"
_WORDS = (
    (re.compile(rf"^{_EVERY}(?:before|prior to|earlier than)\s+({_VERSION})$", re.IGNORECASE), ("<", 1)),
    (re.compile(rf"^{_EVERY}(?:up to(?: and including)?|through)\s+({_VERSION})$", re.IGNORECASE), ("<=", 1)),
    (
        re.compile(rf"^({_VERSION})\s+(?:and|or)\s+(?:earlier|below|prior|older|lower){_ONES}$", re.IGNORECASE),
        ("<=", 1),
    ),
    (re.compile(rf"^({_VERSION})\s+(?:and|or)\s+(?:later|above|newer|higher){_ONES}$", re.IGNORECASE), (">=", 1)),
)
_FROM_TO = re.compile(
    rf"^(?:from\s+)?({_VERSION})\s+(?:to|through|up to|–)\s+(before\s+)?({_VERSION})$"
    rf"|^({_VERSION})\s+-\s+({_VERSION})$|^(v?\d+(?:\.\d+){{2}})-(v?\d+(?:\.\d+){{2}})$",
    re.IGNORECASE,
)
_NOTHING = {"", "n/a", "unspecified", "unknown", "none", "-"}
_EVERYTHING = {"*", "all", "all versions", "any", ">= 0", ">=0"}


def read_range(text: str) -> Expression | None:
    """Read one range expression; None if it states none ("n/a") or cannot be read.

    Understands what advisories hold: `< 29.5.1`, ` < v24.0.9`, `>=v1.0.0-rc93, < 1.1.12`,
    `= 2.1.0`, `Docker Engine < 29.5.1` (a name in front), `>= 1.0 || < 2.0`, `4.1.x`,
    `before 1.2`, `1.0 and earlier`, `1.0 to 1.4`, `all versions`, or a single version.

    >>> [str(span) for span in read_range(">= 1.12.0, < 20.10.24").spans]
    ['>= 1.12.0, < 20.10.24']
    """
    if len(text) > _LONGEST:
        return None
    text = " ".join(text.split()).replace("≤", "<=").replace("≥", ">=").replace("=<", "<=").replace("=>", ">=")
    if text.lower() in _NOTHING:
        return None
    if text.lower() in _EVERYTHING:
        return Expression("", (Span(),))
    subject, bounds = _split_subject(text)
    if subject.endswith(("!", "~", "^")):
        # "!= 1.2" and "~> 1.2" mean something else than the comparator in them
        return None
    if bounds:
        spans = tuple(
            s
            for part in re.split(r"\s*(?:\|\||;)\s*", bounds)
            if part
            for s in _bounded(_WILD_BOUND.sub(_expanded, part))
        )
        # a span that ends before it starts is a slip, and says nothing
        return Expression(subject, spans) if spans and all(s.keys()[0] < s.keys()[1] for s in spans) else None
    span = _worded(text)
    return Expression("", (span,)) if span else None


def _split_subject(text: str) -> tuple[str, str]:
    found = re.search(r"[<>=]", text)
    if found is None:
        return "", ""
    return text[: found.start()].strip(" :"), text[found.start() :]


def _bounded(text: str) -> list[Span]:
    """The spans of comparators in a row: a new span starts where a bound would repeat."""
    spans: list[Span] = []
    low = high = ""
    closed_low, closed_high = True, False
    at = 0
    while at < len(text):
        match = _BOUND.match(text, at)
        if match is None:
            return []
        at = match.end()
        op, version = match["op"], match["version"]
        version = "" if version == "*" else version.rstrip(".")
        if version and not is_version(version):
            return []
        if op in ("=", "=="):
            spans.append(exactly(version))
        elif op in (">", ">="):
            # "< 2.0.7, >= 2.0.0" is one span, "< 1.7.29, >= 2.0.0" two
            if low or (high and key(version or "0") >= key(high)):
                spans.append(Span(low, high, closed_low, closed_high))
                high, closed_high = "", False
            low, closed_low = ("", True) if version == "0" else (version, op == ">=")
        else:
            if high:
                spans.append(Span(low, high, closed_low, closed_high))
                low, closed_low = "", True
            high, closed_high = version, op == "<="
    if low or high:
        spans.append(Span(low, high, closed_low, closed_high))
    return spans


def _expanded(bound: re.Match[str]) -> str:
    """A bound that names a whole branch: "<= 4.1.x" reaches to the end of 4.1, "< 4.1.x" to its start."""
    branch = whole_branch(bound["stem"])
    bounds = {"<": f"< {branch.low}", "<=": f"< {branch.high}", ">": f">= {branch.high}", ">=": f">= {branch.low}"}
    return bounds.get(bound["op"], f">= {branch.low}, < {branch.high}")


def _worded(text: str) -> Span | None:
    wildcard = _WILDCARD.match(text)
    if wildcard:
        return whole_branch(wildcard["stem"])
    for pattern, (op, group) in _WORDS:
        match = pattern.match(text)
        if match and is_version(match[group]):
            return _bounded(f"{op} {match[group]}")[0]
    between = _FROM_TO.match(text)
    if between:
        low, high = between[1] or between[4] or between[6], between[3] or between[5] or between[7]
        if is_version(low) and is_version(high):
            return Span("" if low == "0" else low, high, closed_high=not between[2])
    if re.fullmatch(_VERSION, text) and is_version(text):
        return exactly(text)
    return None


def whole_branch(stem: str) -> Span:
    """Every version that starts with `stem`: "19.03" is 19.03.0 up to, not including, 19.04."""
    numbers = [int(n) for n in stem.split(".")]
    following = ".".join(str(n) for n in [*numbers[:-1], numbers[-1] + 1])
    return Span(f"{stem}-dev", f"{following}-dev")
