"""Fleets beside a peer: CycloneDX documents of hosts and OSV records in, findings by host out.

    peer.py PYTHON

PYTHON is that of an environment with AppThreat's vulnerability database (`make peer` makes one).  Both
sides get the same documents and records, made up the same each time.  The peer loads the records and
searches each document, as its own command does.  Navtex reads the records and then, on the clock, reads
each document, stores the inventory, matches it, and lists the findings of each host.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fleet
from measure import in_turn, quartiles

from feeds import storage
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Document
from feeds.storage.database import Database
from notifier import inventory
from notifier.domain import components
from notifier.services.findings.exposure import ExposureQuery, assess
from notifier.services.findings.exposure_rows import each_host
from notifier.storage.inventory import take

_AT = datetime(2026, 6, 20, tzinfo=UTC)
_PACKAGES = {"docker.io": "20.10.24+dfsg1-1", "containerd": "1.6.20~ds1-1", "runc": "1.1.5+ds1-1"}
_SIZES = (1, 300, 1000)
_FASTER = 10
_ROUNDS = 5


def records() -> list[dict[str, Any]]:
    """Forty advisories of each package: fixed in one of its revisions, or not yet."""
    found = []
    for number in range(120):
        name = list(_PACKAGES)[number % 3]
        fixed = f"{_PACKAGES[name]}+deb12u{1 + number // 3 % 6}"
        events = [{"introduced": "0"}, *([{"fixed": fixed}] if number % 10 else [])]
        cve = f"CVE-2025-{20000 + number}"
        found.append(
            {
                "id": f"DEBIAN-{cve}",
                "upstream": [cve],
                "modified": "2026-06-01T00:00:00Z",
                "published": "2026-05-01T00:00:00Z",
                "details": f"A flaw of {name}",
                "affected": [
                    {
                        "package": {
                            "ecosystem": "Debian:12",
                            "name": name,
                            "purl": f"pkg:deb/debian/{name}?arch=source",
                        },
                        "ranges": [{"type": "ECOSYSTEM", "events": events}],
                    }
                ],
            }
        )
    return found


def boms(folder: Path, number: int) -> list[Path]:
    """A document for each host, with the three packages in one of their revisions."""
    paths = []
    for host in range(number):
        components = []
        for shift, (name, version) in enumerate(_PACKAGES.items()):
            revision = f"{version}+deb12u{(host + shift) % 7}"
            # the peer finds nothing without the name of the release
            where = "arch=amd64&distro=debian-12&distro_name=bookworm"
            purl = f"pkg:deb/debian/{name}@{quote(revision, safe='.-~')}?{where}"
            components.append({"type": "library", "name": name, "version": revision, "purl": purl, "bom-ref": purl})
        system = {"type": "operating-system", "name": "debian", "version": "12"}
        document = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"component": {"type": "device", "name": f"host-{host:04}"}},
            "components": [*components, system],
        }
        path = folder / f"host-{host:04}.json"
        path.write_text(json.dumps(document))
        paths.append(path)
    return paths


def known(database: Database) -> None:
    """Let OSV say the records."""
    source = next(s for s in SOURCES if s.name == "osv")
    for name in _PACKAGES:
        mine = [r for r in records() if r["affected"][0]["package"]["name"] == name]
        url = f"https://api.osv.dev/v1/query#{name}"
        document = Document(url, f"Debian:12/{name}", json.dumps({"vulns": mine}).encode(), {}, _AT)
        items = tuple(ItemPayload(i.key, fleet.raw(i)) for i in source.parse(document).items)
        outcome = FetchResult(
            source="osv", url=url, form=document.form, result=FetchStatus.READ, at=_AT, items=items, complete=True
        )
        with database.begin() as connection:
            storage.keep(connection, outcome)
            storage.sync(connection, _AT, baseline=frozenset())


Timed = tuple[float, set[tuple[str, str, str]]]
"""Seconds, and findings: host, package, CVE."""


def ours(paths: list[Path], folder: Path) -> Timed:
    """From the documents to the findings."""
    database = Database(f"sqlite:///{folder}/navtex.db")
    database.upgrade()
    known(database)
    gc.freeze()  # as the command does when its database is open
    start = time.perf_counter()
    with database.begin() as connection:
        read = (one for path in paths for one in inventory.read(path.read_bytes()))
        take(connection, (one for one in read if isinstance(one, components.Host)), {}, _AT)
        asked = assess(connection, ExposureQuery(), _AT)
        packages = {number: c.package_name for number, c in asked.assessment.components.items()}
        rows = each_host(connection, asked)
        found = {(r.host, packages[r.finding.number], r.finding.match.advisory.name) for r in rows}
    seconds = time.perf_counter() - start
    gc.unfreeze()
    database.close()
    return seconds, found


def theirs(python: str, paths: list[Path], folder: Path) -> Timed:
    """The same of the peer. It calls a finding by the record's own id where that is not a CVE."""
    (folder / "records.json").write_text(json.dumps(records()))
    (folder / "hosts.json").write_text(json.dumps([str(p) for p in paths]))
    script = Path(__file__).with_name("peer_vdb.py")
    command = [python, str(script), str(folder / "records.json"), str(folder / "hosts.json")]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said["seconds"], {(h, p.rpartition("/")[2], c.removeprefix("DEBIAN-")) for h, p, c in said["found"]}


def explain(one: set[tuple[str, str, str]], other: set[tuple[str, str, str]]) -> None:
    """Each difference once, by package and CVE, with the hosts that it is about."""
    for side, rows in (("only Navtex", one - other), ("only the peer", other - one)):
        grouped: dict[tuple[str, str], list[str]] = {}
        for host, package, cve in sorted(rows):
            grouped.setdefault((package, cve), []).append(host)
        for (package, cve), hosts in list(grouped.items())[:20]:
            print(f"      {side}: {cve} of {package} on {len(hosts)} hosts, such as {hosts[0]}")
        if len(grouped) > 20:
            print(f"      {side}: and {len(grouped) - 20} more")


def main() -> None:
    """Measure each size, both sides in turn, and exit with 1 where the largest is not fast enough."""
    faster = 0.0
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as name:
            paths = boms(Path(name), size)
            rounds = [_round(number, sys.argv[1], paths) for number in range(_ROUNDS)]
        ratio = quartiles(f"{size} hosts", [(peer, mine) for (mine, _), (peer, _) in rounds], _FASTER)
        (_, one), (_, other) = rounds[0]
        faster = ratio.ratio
        print(
            f"{'ok  ' if faster >= _FASTER else '    '}  {size} hosts: {faster:.1f} times faster than the peer;"
            f" {ratio.floor * 1000:.0f} ms against {ratio.seconds * 1000:.0f} ms;"
            f" {len(one)} findings, {len(other)} of the peer"
        )
        explain(one, other)
    sys.exit(0 if faster >= _FASTER else 1)


def _round(number: int, python: str, paths: list[Path]) -> tuple[Timed, Timed]:
    with tempfile.TemporaryDirectory() as name:
        return in_turn(number, lambda: ours(paths, Path(name)), lambda: theirs(python, paths, Path(name)))


if __name__ == "__main__":
    main()
