"""How true are the verdicts?  Compares them with hand-made truth, cell by cell, over all final releases.

    accuracy.py GOLD.csv RELEASES.csv MIRROR... [--as-published CSV] [--without-corrections]

GOLD.csv has the columns id, product, affected, undecided, severity: intervals such as `[19.03.0,19.03.1)`,
`(-inf,20.10.9)` or `none`.  RELEASES.csv has product, version, date.  The MIRROR folders are laid over each
other, polled by the real crawl into a fresh SQLite file, and every verdict is asked of that.  `unknown` and
`conflicting` count as not affected.  With corrections switched off, a wrong cell whose truth no published
statement tells (AS-PUBLISHED says what the published range reads literally) is listed apart.

Exit status: 0 when every cell is right that could be, 1 otherwise.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from feeds import storage
from feeds.advisories.merging import Catalogue
from feeds.core.errors import UnknownName
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob
from feeds.mirror.server import Mirror
from feeds.services.polling import poll
from feeds.storage.database import Database
from feeds.verdicts.weighing import Status
from feeds.versions.upstream import Key, key, read
from notifier.assessment.matcher import Matcher
from notifier.domain.components import Component

_INTERVAL = re.compile(r"([\[(])\s*([^,\[\]()]*)\s*,\s*([^,\[\]()]*)\s*([\])])")


class Intervals:
    """Versions as gold writes them."""

    def __init__(self, text: str) -> None:
        self._parts = [(m[1] == "[", _end(m[2]), _end(m[3]), m[4] == "]") for m in _INTERVAL.finditer(text)]

    def __contains__(self, at: Key) -> bool:
        return any(
            (low is None or at > low or (closed and at == low)) and (high is None or at < high or (last and at == high))
            for closed, low, high, last in self._parts
        )


def _end(text: str) -> Key | None:
    return None if text.strip() in ("-inf", "inf", "+inf", "") else key(text)


@dataclass
class Cell:
    """One version of one advisory that came out wrong."""

    name: str
    product: str
    version: str
    wanted: bool
    got: Status
    reason: str
    untold: bool = False


@dataclass
class Score:
    """How many cells came out how."""

    hits: int = 0
    false_alarms: int = 0
    missed: int = 0
    rows: int = 0
    exact: int = 0
    wrong: list[Cell] = field(default_factory=list)
    severities: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of what was called affected, the part that is."""
        return self.hits / max(self.hits + self.false_alarms, 1)

    @property
    def recall(self) -> float:
        """Of what is affected, the part that was called so."""
        return self.hits / max(self.hits + self.missed, 1)


def catalogue(mirrors: Iterable[Path]) -> Catalogue:
    """What the real crawl of some mirrors adds up to."""
    with tempfile.TemporaryDirectory() as folder, Mirror(*mirrors) as mirror, Crawl() as crawl:
        database = Database(f"sqlite:///{folder}/accuracy.db")
        database.upgrade()
        report = poll(database, crawl, CrawlJob(mirror=mirror.url))
        if not report.ok:
            sys.exit(f"the poll failed: {report.problem or [s.message for s in report.failed]}")
        with database.connect() as connection:
            known = storage.catalogue(connection)
        database.close()
    return known


def releases(path: Path) -> dict[str, list[str]]:
    """The final releases of each product."""
    found: dict[str, list[str]] = {}
    for row in rows_of(path):
        if read(row["version"]).final:
            found.setdefault(row["product"], []).append(row["version"])
    return found


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def compare(
    known: Catalogue,
    gold: Path,
    versions: dict[str, list[str]],
    published: dict[tuple[str, str], str],
    *,
    corrections: bool,
) -> Score:
    """Score the verdicts against the truth."""
    matcher = Matcher(known, datetime.now(UTC).date(), corrections=corrections)
    score = Score()
    for row in rows_of(gold):
        name, product = row["id"], row["product"]
        truth, undecided = Intervals(row["affected"]), Intervals(row.get("undecided") or "")
        told = published.get((name, product))
        try:
            advisory = known.find(name)
        except UnknownName:
            advisory = None
        case = matcher.case(advisory, product) if advisory else None
        before = len(score.wrong)
        # Desktop's releases are in no list: its truth is judged at the versions that it names
        ends = [e for _, low, high, _ in truth._parts for e in (low, high) if e]  # noqa: SLF001 - our own class
        for version in versions.get(product) or [".".join(str(n) for n in e[:4]) for e in ends]:
            at = key(version)
            if at in undecided:
                continue
            wanted = at in truth
            verdict = matcher.judge(case, Component(product, version)) if case else None
            got = verdict.status if verdict else Status.UNKNOWN
            score.hits += wanted and got is Status.AFFECTED
            if wanted is (got is Status.AFFECTED):
                continue
            score.missed += wanted
            score.false_alarms += not wanted
            untold = not corrections and told is not None and (at in Intervals(told)) is not wanted
            reason = verdict.reason if verdict else "no such advisory is known"
            score.wrong.append(Cell(name, product, version, wanted, got, reason, untold))
        score.rows += 1
        score.exact += len(score.wrong) == before
        severity = advisory.severity.value if advisory and advisory.severity else ""
        if row.get("severity") and row["severity"] != severity:
            score.severities.append(f"{name} {product}: {severity or 'unscored'}, and should be {row['severity']}")
    return score


def show(score: Score, title: str) -> None:
    """Print a score: the figures, and each wrong cell with its reason, runs of versions together."""
    print(f"{title}")
    print(
        f"  precision {score.precision:.4f}  recall {score.recall:.4f}  advisories exact {score.exact} of {score.rows}"
        f"  ({score.false_alarms} false alarms, {score.missed} missed, of {score.hits + score.missed} affected cells)"
    )
    runs: dict[tuple[str, str, bool, Status, str, bool], list[str]] = {}
    for cell in score.wrong:
        runs.setdefault((cell.name, cell.product, cell.wanted, cell.got, cell.reason, cell.untold), []).append(
            cell.version
        )
    for (name, product, wanted, got, reason, untold), versions in runs.items():
        some = (
            ", ".join(versions) if len(versions) < 8 else f"{versions[0]} to {versions[-1]} ({len(versions)} releases)"
        )
        verb = "missed" if wanted else "false alarm"
        note = "  [nothing published tells the truth]" if untold else ""
        print(f"  {verb}: {name} {product} {some}: {got.value}, {reason}{note}")
    for line in score.severities:
        print(f"  severity: {line}")


def main() -> None:
    """Compare, print, and exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("releases", type=Path)
    parser.add_argument("mirrors", type=Path, nargs="+")
    parser.add_argument("--as-published", type=Path)
    parser.add_argument("--without-corrections", action="store_true", help="only without them, instead of both")
    arguments = parser.parse_args()
    known = catalogue(arguments.mirrors)
    versions = releases(arguments.releases)
    literal = (
        {(r["id"], r["product"]): r["affected_as_published"] for r in rows_of(arguments.as_published)}
        if arguments.as_published
        else {}
    )
    failed = False
    for corrections in (False,) if arguments.without_corrections else (True, False):
        score = compare(known, arguments.gold, versions, literal, corrections=corrections)
        show(score, "With the reviewed corrections" if corrections else "Without them, by what is published alone")
        failed |= any(not cell.untold for cell in score.wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
