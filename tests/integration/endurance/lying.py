"""A lying source, as a story: `lying.py [SOURCE...]` prints a table of every source and every lie.

Each source in turn, and no other, is cut by 10, 40, 60 and 95 %, emptied, answered with 404, and goes back a month.
After each lie it comes back. Nobody may be told that something true is no longer so, the operators must hear of a lie
that takes much away, and after the recovery nothing is repeated or lost. The worlds are the demo's documents and, where
it is at hand, a corpus of real ones behind a mirror server of its own.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import msgspec
import sqlalchemy as sa

from feeds import storage
from feeds.advisories.list_facts import contents, shrunk
from feeds.core.limits import AT_ONCE
from feeds.crawl.protocol import CrawlJob
from feeds.mirror.server import Mirror
from feeds.services.polling import poll
from feeds.sources.health import SourceHealth
from feeds.storage import tables
from feeds.storage.database import Database
from notifier.alerts.digest import CORRECTION, DigestItem
from notifier.domain.filters import Filters
from notifier.services.sending.notifications import Settings
from notifier.storage import inventory
from tests.conftest import CORPUS, DEMO
from tests.support.direct import DirectCrawl
from tests.support.samples import install, run, subscribe

HOUR = timedelta(hours=1)
ENTRIES = {
    "rss": re.compile(rb"<item>.*?</item>|<entry>.*?</entry>", re.DOTALL),
    "rpm": re.compile(rb"<package .*?</package>", re.DOTALL),
    "page": re.compile(rb"<h2.*?(?=<h2|</article>)", re.DOTALL),
    "markdown": re.compile(rb"^## .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE),
    "apt": re.compile(rb"^Package: .*?(?:\n\n|\Z)", re.DOTALL | re.MULTILINE),
    "index": re.compile(rb'<a href="docker[^\n]*\n'),
}
LISTS = ("vulnerabilities", "releases", "data", "result", "vulns")
CUTS = {"10 %": 0.9, "40 %": 0.6, "60 %": 0.4, "95 %": 0.05, "emptied": 0.0}
LIES = (*CUTS, "404", "a month back")
LONG = (1, 12, 13, 25)
"""Hours between the polls during a lie. Two of them are more than a day apart."""
SHORT = (1, 6, 13)
"""The same where one or two entries are missing: after a day these count as gone."""


def cut(content: bytes, share: float) -> tuple[bytes, int, int]:
    """A document without its first, newest entries; how many are left, and how many there were."""
    if content[:2] == b"\x1f\x8b":
        inner, left, had = cut(gzip.decompress(content), share)
        return gzip.compress(inner, mtime=0), left, had
    if content.lstrip()[:1] in (b"[", b"{"):
        data, left, had = _cut_json(json.loads(content), share)
        return json.dumps(data).encode(), left, had
    found = next((m for pattern in ENTRIES.values() if (m := list(pattern.finditer(content)))), [])
    left = round(len(found) * share)
    for match in reversed(found[: len(found) - left]):
        content = content[: match.start()] + content[match.end() :]
    return content, left, len(found)


def _cut_json(data: object, share: float) -> tuple[object, int, int]:
    if isinstance(data, list):
        kept = round(len(data) * share)
        return data[len(data) - kept :], kept, len(data)
    if isinstance(data, dict):
        for name in LISTS:
            if name in data:
                data[name], left, had = _cut_json(data[name], share)
                return data, left, had
    return data, 0, 0


@dataclass
class World:
    """A folder of documents that can be changed, what stands in it in truth, what stood in it a month ago, a server."""

    name: str
    live: Path
    truth: Path
    before: Path
    url: str

    def files(self, urls: list[str]) -> list[Path]:
        """The files, below the folder, that answer for documents."""
        return sorted({path for url in urls if (path := self._file(url))})

    def _file(self, url: str) -> Path | None:
        plain, _, body = url.partition("#")
        path = f"{urlsplit(plain).netloc}{urlsplit(plain).path}"
        mirror = Mirror.__new__(Mirror)
        mirror._folders = [self.truth.resolve()]
        if body.startswith("{"):
            package = json.loads(body)["package"]
            at = mirror.find_package(path, package["ecosystem"], package["name"])
        else:
            at = mirror.find(path)
        return at.relative_to(self.truth.resolve()) if at else None

    def mend(self, files: list[Path]) -> None:
        for file in files:
            (self.live / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.truth / file, self.live / file)

    def break_by(self, lie: str, files: list[Path]) -> tuple[int, int, bool]:
        """Make of documents what a lie makes of them: the entries left, those there were, and whether it is gross."""
        if lie == "404":
            for file in files:
                (self.live / file).unlink()
            return 0, len(files), True
        if lie == "a month back":
            old = [file for file in files if (self.before / file).is_file()]
            for file in old:
                shutil.copy(self.before / file, self.live / file)
            return len(old), len(files), False
        counts = [self._cut(file, CUTS[lie]) for file in files]
        alone = [file for file, (_, had) in zip(files, counts, strict=True) if not had]
        gone = alone[: len(alone) - round(len(alone) * CUTS[lie])]
        for file in gone:
            (self.live / file).unlink()
        gross = bool(gone) or any(shrunk(left, had) for left, had in counts)
        return sum(n for n, _ in counts) + len(alone) - len(gone), sum(n for _, n in counts) + len(alone), gross

    def _cut(self, file: Path, share: float) -> tuple[int, int]:
        content, left, had = cut((self.truth / file).read_bytes(), share)
        (self.live / file).write_bytes(content)
        return left, had


@contextmanager
def worlds(folder: Path, *, corpus: bool = True) -> Iterator[list[World]]:
    """The demo's documents and, where they are at hand, real ones."""
    made = [_world(folder / "demo", "demo", [DEMO / "day-1", DEMO / "day-2"], DEMO / "day-1")]
    server = CORPUS.parent / "tools" / "mirror_server.py"
    real = CORPUS / "mirror"
    if not (corpus and server.is_file() and real.is_dir()):
        with Mirror(made[0].live) as mirror:
            made[0].url = mirror.url
            yield made
        return
    made.append(_world(folder / "corpus", "corpus", [real / "t0", real / "t1", real / "packages"], real / "t0"))
    port = folder / "port"
    command = [sys.executable, str(server), str(made[1].live), "--port-file", str(port)]
    with Mirror(made[0].live) as mirror, subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            end = monotonic() + 30
            while not (port.is_file() and port.read_text().strip()) and monotonic() < end:
                sleep(0.05)
            made[0].url, made[1].url = mirror.url, f"http://127.0.0.1:{port.read_text().strip()}"
            yield made
        finally:
            process.terminate()


def _world(folder: Path, name: str, trees: list[Path], before: Path) -> World:
    for tree in trees:
        shutil.copytree(tree, folder / "truth", dirs_exist_ok=True)
    shutil.copytree(folder / "truth", folder / "live")
    return World(name, folder / "live", folder / "truth", before, "")


@dataclass
class Story:
    """A fleet with a subscription and operators, in a world."""

    database: Database
    world: World
    folder: Path
    ahead: timedelta = timedelta()
    told: list[DigestItem] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def begin(self) -> None:
        """The first poll, and the welcome."""
        install(self.database, lab_1="25.0.5", lab_2="29.5.0", lab_3="20.10.27", lab_4="28.5.1")
        subscribe(self.database, f"file://{self.folder}/out", filters=Filters(everything=True))
        assert self.later(1), "the welcome"

    def later(self, hours: int, *sources: str) -> list[DigestItem]:
        """What a poll of some sources and a notification tell some hours later."""
        self.ahead += HOUR * hours
        with self.database.connect() as connection:
            wanted = inventory.wanted(connection)
        job = CrawlJob(mirror=self.world.url, sources=sources, wanted=wanted)
        poll(self.database, DirectCrawl(), job, now=self.now)
        report = run(self.database, self.now, Settings(operators=(f"file://{self.folder}/operators",)))
        assert not report.broken, report.broken
        return [item for digest in report.digests for item in digest.items]

    def notices(self) -> int:
        """How many messages the operators have got."""
        folder = self.folder / "operators"
        return len(list(folder.iterdir())) if folder.is_dir() else 0

    def state(self, source: str) -> SourceHealth:
        with self.database.connect() as connection:
            return storage.sources(connection)[source].state

    def urls(self, source: str) -> list[str]:
        with self.database.connect() as connection:
            where = tables.document.c.source == source
            return list(connection.execute(sa.select(tables.document.c.url).where(where)).scalars())

    def known(self) -> dict[str, object]:
        """What stands: of each advisory its claims and whether it is withdrawn, and what each fact holds."""
        with self.database.connect() as connection:
            found = storage.catalogue(connection).advisories
            facts = storage.facts(connection)
        stands: dict[str, object] = {
            a.name: (frozenset(msgspec.json.encode(c) for c, _ in a.claims), a.withdrawn, a.exploited) for a in found
        }
        return stands | {f"{fact.key} {getattr(fact, 'url', '')}": contents(fact) or fact for fact in facts}


@dataclass(frozen=True)
class Row:
    """How a lie went."""

    world: str
    source: str
    lie: str
    left: int
    had: int
    hours: int
    state: str
    heard: int
    taken_back: tuple[str, ...]
    repeated: tuple[str, ...]
    lost: tuple[str, ...]
    after: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        cells = (
            self.world, self.source, self.lie, f"{self.had} to {self.left}", f"{self.hours} h", self.state,
            "yes" if self.heard else "no", str(len(self.taken_back)), str(len(self.repeated)), str(len(self.lost)),
            self.after, "; ".join(self.problems) or "ok",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| world | source | lie | entries | for | state | operators told | taken back | repeated | lost | afterwards | |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def stands(before: object, now: object) -> bool:
    """Whether what stood before still stands. A feed that goes back may add what it listed then."""
    if isinstance(before, tuple) and isinstance(now, tuple):
        return bool(before[0] <= now[0]) and before[1:] == now[1:]
    return before == now


def tell(story: Story, source: str, lie: str) -> Row:
    """A source lies for a while, and comes back."""
    files = story.world.files(story.urls(source))
    state, before, heard = story.state(source), story.known(), story.notices()
    left, had, gross = story.world.break_by(lie, files)
    missing = had - left if lie in CUTS else AT_ONCE
    hours = SHORT if 0 < missing < AT_ONCE and not gross else LONG
    said = [item for step in hours for item in story.later(step, source)]
    during = story.state(source)
    heard = story.notices() - heard
    story.world.mend(files)
    repeated = story.later(1, source)
    after, found = story.state(source), story.known()
    taken_back = tuple(sorted(i.advisory.name for i in said if i.change == CORRECTION))
    lost = tuple(sorted(name for name in before if not stands(before[name], found.get(name))))
    problems = [
        *(["took back"] if taken_back else []),
        *(["repeated"] if repeated else []),
        *(["lost"] if lost else []),
        *(["not noticed"] if gross and during is state is SourceHealth.HEALTHY else []),
        *(["not told"] if during is not state and not heard else []),
        *(["not well again"] if after is not state else []),
    ]
    return Row(
        story.world.name, source, lie, left, had, sum(hours), during.value, heard, taken_back,
        tuple(i.advisory.name for i in repeated), lost, after.value, tuple(problems),
    )  # fmt: skip


def stories(folder: Path, world: World, sources: Callable[[list[str]], list[str]] = list) -> Iterator[Row]:
    """Every lie of each source in a world, each source with a database of its own."""
    folder.mkdir()
    first = Story(Database(f"sqlite:///{folder}/first.db"), world, folder / "first")
    first.database.upgrade()
    first.begin()
    with first.database.connect() as connection:
        names = [name for name in storage.sources(connection) if world.files(first.urls(name))]
    first.database.close()
    for source in sources(names):
        shutil.copy(folder / "first.db", folder / f"{source}.db")
        story = Story(Database(f"sqlite:///{folder}/{source}.db"), world, folder / source, first.ahead)
        story.later(1, source)
        for lie in LIES:
            yield tell(story, source, lie)
        story.database.close()


def main() -> None:
    """The table; 1 where a lie was believed."""
    named = sys.argv[1:]
    count = failed = 0
    print(HEAD, flush=True)  # noqa: T201 - a script
    with tempfile.TemporaryDirectory() as folder, worlds(Path(folder)) as found:
        for world in found:
            chosen = stories(
                Path(folder) / f"{world.name}-stories",
                world,
                lambda names: [n for n in names if not named or n in named],
            )
            for row in chosen:
                print(row, flush=True)  # noqa: T201 - a script
                count, failed = count + 1, failed + bool(row.problems)
    sys.exit(f"{failed} of {count} lies were believed" if failed else 0)


if __name__ == "__main__":
    main()
