"""100,000 made-up advisories from one source, in every way in which they can come: `flooding.py [WAY...]`.

Each way is a fresh database on SQLite, a fleet with a mail subscription, and a liar: moby's advisories.  While it
pours, runc publishes a real advisory.  Measured are the seconds of each `navtex run` and the peak memory (VmHWM) of
every process in it; checked are the limits (600 seconds, 512 MiB), that the other sources are healthy, and that the
first mail after the flood has the real advisory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import monotonic, sleep

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from feeds.core.limits import SOURCE_ENTRIES
from feeds.mirror.server import Mirror
from tests.conftest import DEMO, Mailbox, Program, listening, program, text_of
from tests.support.polling import MOBY
from tests.support.unruly import Behaviour, Reply, Unruly

MANY = 100_000
POLLS = 25
SECONDS, MEBIBYTES = 600, 512
PAGE = 100
RUNC = "api.github.com/repos/opencontainers/runc/security-advisories"
REAL = "CVE-2031-10001"
LETTERS = "23456789cfghjmpqrvwx"
FLEET = "host,product,version\nweb-1,engine,25.0.5\nweb-2,engine,29.5.0\nweb-3,engine,20.10.27\nweb-1,runc,1.1.11\n"


def made_up(number: int, words: int = 0) -> dict[str, object]:
    """An advisory that affects every engine, as bad as can be; `words` are the bytes of its description."""
    ghsa = f"GHSA-2222-{''.join(LETTERS[number // 20**n % 20] for n in range(4))}-3333"
    return {
        "ghsa_id": ghsa,
        "cve_id": f"CVE-2031-{200_000 + number}",
        "summary": f"A made-up flaw, number {number}",
        "description": "word " * (words // 5),
        "severity": "critical",
        "cvss": {"vector_string": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "score": 10.0},
        "state": "published",
        "html_url": f"https://github.com/moby/moby/security/advisories/{ghsa}",
        "published_at": "2026-04-01T10:00:00Z",
        "vulnerabilities": [{"package": {"name": "moby"}, "vulnerable_version_range": "< 99.0.0"}],
    }


def real() -> dict[str, object]:
    """The advisory of runc that everybody must be told of."""
    entry = made_up(0)
    return {
        **entry,
        "ghsa_id": "GHSA-2222-5555-3333",
        "cve_id": REAL,
        "summary": "A real flaw",
        "severity": "high",
        "cvss": {"vector_string": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "score": 7.8},
        "vulnerabilities": [{"package": {"name": "runc"}, "vulnerable_version_range": "< 1.1.12"}],
    }


def pages(numbers: range, words: int = 0, each: int = PAGE) -> Behaviour:
    """A list with these advisories, paged as GitHub's."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        page = int(handler.path.partition("&page=")[2] or 1)
        part = numbers[(page - 1) * each : page * each]
        following = f"https://{MOBY}?per_page=100&page={page + 1}"
        headers = {"Link": f'<{following}>; rel="next"'} if page * each < len(numbers) else {}
        Reply([made_up(n, words) for n in part], headers=headers)(handler)

    return answer


@dataclass(frozen=True)
class Measured:
    """A run: its exit status, seconds, and the peak of each of its processes in MiB."""

    status: int
    seconds: float
    peaks: dict[str, float]
    said: str


@dataclass
class Flood:
    """A program, the site it reads, and what it mails."""

    navtex: Program
    site: Unruly
    box: Mailbox
    measured: list[Measured] = field(default_factory=list)

    def run(self) -> Measured:
        """Run once, and measure."""
        began, peaks = monotonic(), dict[int, tuple[str, float]]()
        with tempfile.TemporaryFile("w+") as said:
            child = subprocess.Popen(
                [sys.executable, "-m", "notifier.cli", "run"],
                env=self.navtex.environment,
                cwd=self.navtex.home,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            while child.poll() is None:
                for pid in family(child.pid):
                    if seen := peak(pid):
                        peaks[pid] = seen
                sleep(0.02)
            said.seek(0)
            found = Measured(child.returncode, monotonic() - began, highest(peaks, child.pid), said.read())
        self.measured.append(found)
        return found


def family(pid: int) -> Iterator[int]:
    """A process and those that it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    yield pid
    for child in children:
        yield from family(int(child))


def peak(pid: int) -> tuple[str, float] | None:
    """What a process is, and the most memory (MiB) that it had."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    size = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return ("crawl" if "feeds.crawl" in command else "run", int(size[0]) / 1024) if size else None


def highest(peaks: dict[int, tuple[str, float]], first: int) -> dict[str, float]:
    """The highest peak by what the process is."""
    found: dict[str, float] = {}
    crawls = sorted(pid for pid, (name, _) in peaks.items() if name == "crawl")
    for pid, (name, size) in peaks.items():
        what = "reader" if pid in crawls[1:] else name if name == "crawl" or pid == first else "other"
        found[what] = max(found.get(what, 0.0), size)
    return found


@contextmanager
def flooding(folder: Path) -> Iterator[Flood]:
    """A fleet with a subscription by mail."""
    served, box = folder / "world", Mailbox()
    served.mkdir(parents=True)
    with ExitStack() as stack:
        stack.enter_context(listening(box, data_size_limit=1 << 30))
        mirror = stack.enter_context(Mirror(DEMO / "day-1", DEMO / "day-2", served))
        site = stack.enter_context(Unruly(mirror))
        navtex = program(folder / "home", NAVTEX_MIRROR=site.url)
        navtex("inventory", "import", stdin=FLEET)
        navtex("subscription", "add", "ops", "--to", box.address())
        yield Flood(navtex, site, box)


def pour(flood: Flood) -> Iterator[None]:
    """The quiet run before, and runc's real advisory."""
    assert flood.run().status in (0, 1), flood.measured[-1].said
    place = flood.site.mirror.find(RUNC)
    assert place is not None
    flood.site.reply(RUNC, Reply([*json.loads(place.read_text()), real()]))
    yield


def in_one_document(flood: Flood) -> None:
    """All in one answer, as large as an answer may be."""
    flood.site.reply(MOBY, Reply([{**made_up(n), "description": ""} for n in range(MANY)]))
    flood.run()


def in_pages(flood: Flood) -> None:
    """A thousand pages."""
    flood.site.reply(MOBY, pages(range(MANY)))
    flood.run()


def in_large_pages(flood: Flood) -> None:
    """A thousand pages of three MiB."""
    flood.site.reply(MOBY, pages(range(MANY), words=30_000))
    flood.run()


def in_runs(flood: Flood) -> None:
    """As many as one poll takes, others in each run."""
    part = MANY // POLLS
    for n in range(POLLS):
        flood.site.reply(MOBY, pages(range(n * part, (n + 1) * part)))
        flood.run()


def below_the_bound(flood: Flood) -> None:
    """As many as a source may list; they are believed."""
    flood.site.reply(MOBY, pages(range(SOURCE_ENTRIES - 100)))
    for _ in range(3):
        flood.run()


WAYS: dict[str, Callable[[Flood], None]] = {
    f.__name__.replace("_", "-"): f for f in (in_one_document, in_pages, in_large_pages, in_runs, below_the_bound)
}


def problems(flood: Flood) -> Iterator[str]:
    """What does not hold after a flood."""
    for number, run in enumerate(flood.measured):
        if run.status not in (0, 1):
            yield f"run {number} ended with {run.status}: {run.said[-2000:]}"
        if run.seconds > SECONDS:
            yield f"run {number} took {run.seconds:.0f} seconds"
        yield from (f"{w} took {m:.0f} MiB in run {number}" for w, m in run.peaks.items() if m > MEBIBYTES)
    states = flood.navtex.json("source", "list")["sources"]
    yield from (
        f"{s['name']} is {s['state']}: {s['message'][:300]}"
        for s in states
        if s["state"] not in ("healthy", "unpolled") and s["name"] != "moby-advisories"
    )
    if len(flood.box.mails) < 2 or REAL not in text_of(flood.box.mails[1]):
        yield f"the first mail after the flood lacks {REAL}: {[str(m['Subject']) for m in flood.box.mails]}"


def main() -> None:
    """Every way, or those that are named."""
    failed = False
    for name in sys.argv[1:] or WAYS:
        with tempfile.TemporaryDirectory() as folder, flooding(Path(folder)) as flood:
            for _ in pour(flood):
                WAYS[name](flood)
            after = flood.measured[1:]
            peaks = {w: max(m.peaks.get(w, 0) for m in after) for w in ("run", "crawl", "reader", "other")}
            words = ", ".join(f"{what} {size:.0f} MiB" for what, size in peaks.items() if size)
            print(f"{name:16} {len(after):3} runs, {max(m.seconds for m in after):6.1f} s; {words}", flush=True)  # noqa: T201 - a script
            for problem in problems(flood):
                failed = True
                print(f"  {problem}", flush=True)  # noqa: T201 - a script
    sys.exit(failed)


if __name__ == "__main__":
    main()
