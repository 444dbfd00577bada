"""300 distinct versions against 100 advisories: our keys beside univers, on the same rows, and where they differ.

    matching.py GOLD.csv RELEASES.csv

The rows are the affected intervals of GOLD (repeated up to a hundred) and the releases of their products.
Both sides do the whole work: read the versions, compile the ranges, and ask each version of each range.
univers does it the way scanners use it: GolangVersion in a GolangVersionRange.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from measure import compare
from univers.version_constraint import VersionConstraint
from univers.version_range import GolangVersionRange
from univers.versions import GolangVersion, InvalidVersion

from feeds.versions.ranges import Span
from feeds.versions.upstream import Version

_INTERVAL = re.compile(r"([\[(])\s*([^,\[\]()]*)\s*,\s*([^,\[\]()]*)\s*([\])])")
Rows = list[tuple[str, str, list[Span]]]
Held = dict[str, list[str]]
Found = set[tuple[str, str, str]]


def rows(gold: Path) -> Rows:
    """A hundred advisories: name, product, affected spans."""
    with gold.open(newline="", encoding="utf-8") as file:
        found = [(r["id"], r["product"], list(_spans(r["affected"]))) for r in csv.DictReader(file)]
    return (found * (1 + 100 // len(found)))[:100]


def _spans(text: str) -> list[Span]:
    return [
        Span("" if m[2] == "-inf" else m[2], m[3], closed_low=m[1] == "[", closed_high=m[4] == "]")
        for m in _INTERVAL.finditer(text)
    ]


def versions(releases: Path) -> Held:
    """Three hundred releases, spread over the products."""
    by: Held = {}
    with releases.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by.setdefault(row["product"], []).append(row["version"])
    return {p: found[:: max(1, len(found) * len(by) // 300)][: 300 // len(by) + 1] for p, found in by.items()}


def ours(advisories: Rows, held: Held) -> Found:
    """With sort keys: two comparisons of tuples a version and range."""
    keys = {product: [(Version(v).key, v) for v in found] for product, found in held.items()}
    found: Found = set()
    for name, product, spans in advisories:
        for low, high in (s.keys() for s in spans):
            found.update((name, product, v) for k, v in keys.get(product, ()) if low <= k < high)
    return found


def theirs(advisories: Rows, held: Held) -> Found:
    """With univers. A version or a bound that it cannot read affects nothing."""
    read = {product: [(g, v) for v in found if (g := _golang(v))] for product, found in held.items()}
    found: Found = set()
    for name, product, spans in advisories:
        for span in spans:
            compiled = _range(span)
            if compiled is not None:
                found.update((name, product, v) for g, v in read.get(product, ()) if g in compiled)
    return found


def _golang(text: str) -> GolangVersion | None:
    try:
        return GolangVersion(text)
    except InvalidVersion:
        return None


def _range(span: Span) -> GolangVersionRange | None:
    constraints = []
    if span.low:
        low = _golang(span.low)
        if low is None:
            return None
        constraints.append(VersionConstraint(comparator=">=" if span.closed_low else ">", version=low))
    high = _golang(span.high)
    if high is None:
        return None
    constraints.append(VersionConstraint(comparator="<=" if span.closed_high else "<", version=high))
    return GolangVersionRange(constraints=constraints)


def main() -> None:
    """Measure, and print each difference once."""
    advisories, held = rows(Path(sys.argv[1])), versions(Path(sys.argv[2]))
    print(f"{sum(len(v) for v in held.values())} versions, {len(advisories)} advisories")
    one, other = ours(advisories, held), theirs(advisories, held)
    print(f"{len(one)} findings of ours, {len(other)} of univers")
    for name, product, version in sorted(one ^ other):
        side = "affected, univers: not" if (name, product, version) in one else "not affected, univers: affected"
        print(f"  {name} {product} {version}: {side} ({_why(version)})")
    ratio = compare("univers", lambda: theirs(advisories, held), lambda: ours(advisories, held), limit=float("inf"))
    mark = "ok  " if ratio.ratio >= 20 else "SLOW"
    print(
        f"{mark}  matching is {ratio.ratio:.0f} times faster than univers (at least 20);"
        f" {ratio.floor * 1000:.1f} ms against {ratio.seconds * 1000:.0f} ms"
    )
    sys.exit(0 if ratio.ratio >= 20 else 1)


def _why(version: str) -> str:
    if _golang(version) is None:
        return "it cannot read the number"
    return "it orders 1.0.0-rc10 as text, before rc9" if "rc1" in version else "it orders the pre-release otherwise"


if __name__ == "__main__":
    main()
