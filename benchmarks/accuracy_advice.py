"""Can the advice be followed?  Scores the upgrade that is advised for every engine release in use.

    accuracy_advice.py GOLD.csv RELEASES.csv PACKAGES MIRROR...

GOLD.csv and RELEASES.csv are those of accuracy.py. PACKAGES is a mirror of download.docker.com; it is laid over the
MIRROR folders, and all are polled by the real crawl. For each engine release, in each channel that PACKAGES has, and
each advisory that affects it, the advised release must

- be a package that the channel's index holds, character for character, in the command too;
- not be affected by the advisory, by the verdict and by the hand-made truth;
- not be called broken by the notes of a later release;
- be an option of the plan.

Where nothing is advised, no package of the channel may close the advisory. Exit status: 0 when all are right.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from accuracy import Intervals, releases, rows_of

from feeds import storage
from feeds.advisories.merging import Catalogue
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob
from feeds.mirror.server import Mirror
from feeds.services.polling import poll
from feeds.sources.base import RequestContext
from feeds.storage.database import Database
from feeds.verdicts.weighing import Status
from feeds.versions.package_channels import STATIC, channel
from feeds.versions.upstream import key, read
from notifier.assessment.matcher import Match, Matcher
from notifier.domain.components import Component

_DISTRIBUTIONS = ("ubuntu-22.04", "debian-12", "rhel-9")

Truth = dict[str, tuple[Intervals, Intervals]]
"""By advisory: the affected versions, and those of which nothing is decided."""


def catalogue(mirrors: list[Path], channels: frozenset[str]) -> Catalogue:
    """What the real crawl of some mirrors adds up to, for an inventory with these channels."""
    with tempfile.TemporaryDirectory() as folder, Mirror(*mirrors) as mirror, Crawl() as crawl:
        database = Database(f"sqlite:///{folder}/advice.db")
        database.upgrade()
        report = poll(database, crawl, CrawlJob(mirror=mirror.url, wanted=RequestContext(channels=channels)))
        if not report.ok:
            sys.exit(f"the poll failed: {report.problem or [s.message for s in report.failed]}")
        with database.connect() as connection:
            known = storage.catalogue(connection)
        database.close()
    return known


def components(known: Catalogue, versions: list[str]) -> Iterator[Component]:
    """Each release as a host of each channel has it: from the channel's package where there is one."""
    places = {distro: channel(distro) for distro in _DISTRIBUTIONS} | {"": STATIC}
    for distro, place in places.items():
        published = known.releases.published.get(place, {}).get("engine", {})
        for version in versions if published else ():
            package = published.get(key(version))
            named = f"docker-ce {package.package_version}" if package and distro else ""
            yield Component("engine", version, named, distro)


def faults(matcher: Matcher, match: Match, truth: Truth) -> Iterator[str]:
    """What is wrong with the advice of one match."""
    component, advice, name = match.component, match.advice, match.advisory.name
    published = matcher.releases.published[component.channel]["engine"]
    case = matcher.case(match.advisory, "engine")
    assert case is not None
    if advice.upgrade_to is None:
        better = [p.version for k, p in published.items() if k > key(component.version) and read(p.version).final]
        if any(case.decide(v).status is Status.NOT_AFFECTED for v in better):
            yield "nothing is advised, and a package closes it"
        return
    at = key(advice.upgrade_to)
    if at not in published or advice.package != published[at].package_version:
        yield "not a package of the channel"
    elif advice.package not in advice.command:
        yield "the command names another package"
    if case.decide(advice.upgrade_to).status is not Status.NOT_AFFECTED:
        yield "affected by what it is to close"
    affected, undecided = truth.get(name, (Intervals("none"), Intervals("none")))
    if at in affected and at not in undecided:
        yield "in truth affected by what it is to close"
    if matcher.releases.regressions("engine", advice.upgrade_to):
        yield "called broken by the notes of a later release"
    if advice.upgrade_to not in [c.release.version for c in matcher.advisor.choices(component).options]:
        yield "not in the plan"


def main() -> None:
    """Score, print, and exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("gold", "releases", "packages"):
        parser.add_argument(name, type=Path)
    parser.add_argument("mirrors", type=Path, nargs="+")
    given = parser.parse_args()
    today = datetime.now(UTC).date()
    channels = frozenset({STATIC, *(channel(d) for d in _DISTRIBUTIONS)})
    known = catalogue([*given.mirrors, given.packages], channels)
    matcher = Matcher(known, today)
    rows = (r for r in rows_of(given.gold) if r["product"] == "engine")
    truth = {r["id"]: (Intervals(r["affected"]), Intervals(r.get("undecided") or "")) for r in rows}
    judged: Counter[str] = Counter()
    wrong: dict[tuple[str, str], list[str]] = {}
    for component in components(known, releases(given.releases)["engine"]):
        for match in matcher.exposures(component):
            judged["advised" if match.advice.upgrade_to else "nothing to advise"] += 1
            for fault in set(faults(matcher, match, truth)):
                about = f"{component.version} on {component.channel}: {match.advisory.name}"
                wrong.setdefault((fault, match.advice.upgrade_to or ""), []).append(about)
    count = judged.total()
    bad = len({a for cells in wrong.values() for a in cells})
    print(f"Advice on {count} pairs of an engine release in a channel and an advisory that affects it")
    print(f"  right {count - bad} of {count} ({(count - bad) / max(count, 1):.1%}); {dict(judged)}")
    for (fault, to), cells in wrong.items():
        print(f"  {fault}: {to or '-'}, {len(cells)} times, first for {cells[0]}")
    sys.exit(1 if bad or not judged["advised"] else 0)


if __name__ == "__main__":
    main()
