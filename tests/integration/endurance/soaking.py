"""A long time of `navtex run` over a world that changes, and what must hold: `soaking.py [RUNS]`.

Half a day passes between two runs, for the program's clock is moved (libfaketime). Advisories appear, are
edited, get worse, are withdrawn and come back; sources and a webhook fail and recover; hosts come and go by
imports. What must arrive is worked out by `changing.py`, and not by the program. Measured are each
run's memory and open files, what it leaves behind, and the size of the database.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import sqlalchemy as sa

from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from feeds.storage.database import Database
from notifier.alerts.silences import Silence
from notifier.domain.filters import Scope
from notifier.storage import delivery_log, silences
from tests.conftest import Mailbox, Program, listening, program, text_of
from tests.integration.endurance.changing import POLLED, Operator, Said, Subscriber, World
from tests.support.loopback import Answer, Receiver, over_http

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
STEP = timedelta(hours=12, minutes=6)
"""Not half a day to the minute, so that no run is at the very moment at which something is due."""
TOLERANCE = 0.05
"""The last quarter of a soak may need so much more than the second one."""
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

# A child inherits the peak of the process that it was forked from, so a small one starts the runs.
LAUNCHER = """if True:
    import ctypes, json, os, sys, time
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # what a run leaves behind becomes a child of this process
    def family(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                mine = file.read().split()
        except OSError:
            return []
        return [pid, *(p for child in mine for p in family(int(child)))]
    def open_files(pids):
        count = 0
        for pid in pids:
            try:
                count += len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                pass
        return count
    for line in sys.stdin:
        job = json.loads(line)
        began, files = time.monotonic(), 0
        os.chdir(job["home"])
        into = (os.POSIX_SPAWN_OPEN, 1, job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        both = [into, (os.POSIX_SPAWN_DUP2, 1, 2)]
        pid = os.posix_spawn(job["command"][0], job["command"], job["environment"], file_actions=both)
        while True:
            ended, status, used = os.wait4(pid, os.WNOHANG)
            if ended:
                break
            files = max(files, open_files(family(pid)))
            time.sleep(0.02)
        said = {"status": os.waitstatus_to_exitcode(status), "memory": used.ru_maxrss, "files": files,
                "seconds": time.monotonic() - began, "left": len(family(os.getpid())) - 1}
        print(json.dumps(said), flush=True)
"""


@dataclass(frozen=True)
class Measured:
    """A run: its exit status, the peak of its memory (KiB), its open files at their most, and what was there after.

    `left` is how many processes it left, `database` the bytes that it holds, `kept` files in its home.
    """

    status: int
    memory: int
    files: int
    seconds: float
    left: int
    database: int
    kept: int


@dataclass
class Soak:
    """A program, its world, and what arrived and should have."""

    world: World
    navtex: Program
    database: Database
    launcher: subprocess.Popen[str]
    hook: Receiver
    """Where "/ops" is; it fails now and then."""
    arrived: dict[str, Callable[[], list[tuple[str, str]]]] = field(default_factory=dict)
    """By target: each message that arrived, as its digest's key and its text."""
    subscribers: list[tuple[Subscriber, tuple[str, ...]]] = field(default_factory=list)
    operator: Operator = field(default_factory=Operator)
    expected: dict[str, list[Said]] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)
    waiting: int = 0
    """Messages that the webhook that fails has not taken yet."""
    moves: bool = FAKETIME is not None
    """Whether the program's clock can be moved."""

    def __post_init__(self) -> None:
        today = datetime.now(UTC).replace(hour=0, minute=33, second=0, microsecond=0)
        self.begin = today + timedelta(days=1)

    @property
    def now(self) -> datetime:
        """The moment of the next run."""
        return self.begin + len(self.measured) * STEP if self.moves else datetime.now(UTC)

    def clock(self, earlier: timedelta = timedelta()) -> dict[str, str]:
        """The environment in which a program takes that moment, or an earlier one, for the present."""
        if not self.moves:
            return {}
        ahead = round((self.now - earlier - datetime.now(UTC)).total_seconds())
        return {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"+{ahead}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def subscribe(self, name: str, who: Subscriber, targets: dict[str, tuple[str, ...]], *options: str) -> None:
        """Subscribe addresses, each with whom it reaches."""
        to = [option for address in targets for option in ("--to", address)]
        self.navtex("subscription", "add", name, *to, "--remind", "never", *options)
        self.subscribers.append((who, tuple(one for reached in targets.values() for one in reached)))

    def run(self) -> None:
        """Let something happen, run once, and note what must have arrived."""
        number = len(self.measured)
        if number:
            self.world.change(self.now)
        if self.moves:
            failing = number and self.world.chance.random() < (0.5 if self.hook.answers[0].status == 503 else 0.05)
            self.hook.answers[:] = [Answer(503, "not now") if failing else Answer()]
        if self.world.moved:
            pruning = ("--prune",) if number else ()
            before = self.clock(timedelta(minutes=10))  # a clock that goes back would make its hosts come again
            there = Program({**self.navtex.environment, **before}, self.navtex.home)
            there("inventory", "import", "--scope", "fleet", *pruning, stdin=self.world.inventory())
            self.world.moved = False
        if number % 10 == 1:
            self._silence()
        expected = 1 if self._foresee() else 0
        found = self._launch()
        assert found.status == expected, f"run {number}: {found.status}, not {expected}\n{self.output.read_text()}"
        assert found.left == 0, f"run {number} left {found.left} processes"
        self.measured.append(found)

    def _foresee(self) -> bool:
        """Note what must arrive; whether something is going to fail."""
        now = self.now
        self.world.poll(now)
        for subscriber, targets in self.subscribers:
            said = subscriber.hears(self.world, now)
            if said is not None:
                for target in targets:
                    self.expected.setdefault(target, []).append(said)
                    self.waiting += target == "/ops"
        if (said := self.operator.hears(self.world, now)) is not None:
            self.expected.setdefault("/operator", []).append(said)
        failing = self.waiting > 0 and self.hook.answers[0].status != 200
        if not failing:
            self.waiting = 0
        return failing or bool(self.world.down)

    @property
    def output(self) -> Path:
        """What the last run said."""
        return self.world.folder.parent / "output"

    def _launch(self) -> Measured:
        job = {
            "command": [sys.executable, "-m", "notifier.cli", "run"],
            "environment": {**self.navtex.environment, **self.clock()},
            "home": str(self.navtex.home),
            "output": str(self.output),
        }
        assert self.launcher.stdin
        assert self.launcher.stdout
        self.launcher.stdin.write(json.dumps(job) + "\n")
        self.launcher.stdin.flush()
        said = json.loads(self.launcher.stdout.readline())
        kept = sum(path.is_file() for path in self.navtex.home.rglob("*"))
        return Measured(**said, database=size(self.database), kept=kept)

    def _silence(self) -> None:
        """A silence that speaks of no host there is: it changes nothing, and is to be forgotten."""
        with self.database.begin() as connection:
            number = connection.execute(sa.text("SELECT min(id) FROM advisory")).scalar()
            if number is not None:
                scope = Scope(hosts=("nobody-*",))
                until = self.now + timedelta(days=20)
                silences.add(connection, Silence(int(number), scope, "a soak", "nobody", self.now, until))
        self.database.close()

    def check(self) -> None:
        """Everything that was due arrived once, and nothing else."""
        for target, said in self.expected.items():
            found = self.arrived[target]()
            keys = Counter(key for key, _ in found)
            assert not [k for k, n in keys.items() if n > 1], f"{target} got a message twice"
            came = Counter(subjects(text) for _, text in found)
            if target == "/ops" and self.waiting:
                assert came.total() == len(said) - self.waiting
                assert came <= Counter(said)
                continue
            missing, odd = Counter(said) - came, came - Counter(said)
            assert (missing, odd) == (Counter(), Counter()), f"{target} never heard of {missing}, and heard of {odd}"
        if self.database.sqlite:
            with self.database.connect() as connection:
                assert connection.execute(sa.text("PRAGMA integrity_check")).scalars().all() == ["ok"]
                assert not connection.execute(sa.text("PRAGMA foreign_key_check")).all()
            self.database.close()  # else the runs could not write its log back into the file

    def settle(self) -> None:
        """A last run in which nothing fails, after which nothing waits."""
        self.world.down.clear()
        self.world.write()
        self.hook.answers[:] = [Answer()]
        self._foresee()
        self.measured.append(self._launch())
        assert self.measured[-1].status == 0, self.output.read_text()
        self.check()
        with self.database.connect() as connection:
            assert {e.state.value for e in delivery_log.entries(connection)} <= {"sent"}


def subjects(text: str) -> Said:
    """What a message speaks of."""
    sources = re.findall(r"^\* ([a-z-]+) is ([a-z]+) \(was ", text, re.MULTILINE)
    return frozenset(re.findall(r"^(CVE-2031-\d+)\b.*\n  (.+)$", text, re.MULTILINE) or sources)


def size(database: Database) -> int:
    """The bytes that a database holds. SQLite's file keeps the room of its fullest day, and does not shrink."""
    if database.sqlite:
        with closing(sqlite3.connect(str(database.url.database))) as connection:
            pages, free, each = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * each)
    with database.connect() as connection:
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())


def _mails(box: Mailbox, to: str) -> Callable[[], list[tuple[str, str]]]:
    return lambda: [(str(m["X-Navtex-Digest"]), text_of(m)) for m in box.mails if m["To"] == to]


def _posts(server: Receiver, path: str) -> Callable[[], list[tuple[str, str]]]:
    def read() -> list[tuple[str, str]]:
        answered = zip(server.paths, server.bodies, server.statuses, strict=True)
        mine = [json.loads(body) for at, body, status in answered if at == path and status == 200]
        return [(str(m["key"]), str(m["message"])) for m in mine]

    return read


@contextmanager
def soaking(database_url: str, folder: Path, seed: int = 1) -> Iterator[Soak]:
    """A fleet, three subscriptions by mail and webhooks, and an operator."""
    home, served, config = folder / "home", folder / "world", folder / "config.toml"
    for each in (home, served):
        each.mkdir(parents=True)
    box, database = Mailbox(), Database(database_url)
    with ExitStack() as stack:
        stack.callback(database.close)
        stack.enter_context(listening(box))
        hook, failing = stack.enter_context(over_http()), stack.enter_context(over_http())
        mirror = stack.enter_context(Mirror(served))
        to, also = (server.url.replace("http:", "json:") for server in (hook, failing))
        off = [f"[sources.{s.name}]\nenabled = false\n" for s in SOURCES if s.name not in POLLED]
        config.write_text(f'[retention]\ndays = 30\n[operator]\nto = ["{to}/operator"]\n{"".join(off)}')
        database.upgrade()
        navtex = program(home, NAVTEX_DATABASE_URL=database_url, NAVTEX_MIRROR=mirror.url, NAVTEX_CONFIG=str(config))
        soak = Soak(World(served, random.Random(seed)), navtex, database, stack.enter_context(_launcher()), failing)  # noqa: S311
        day = (datetime.now(UTC) + timedelta(days=3)).weekday()
        weekly = ("--schedule", f"0 8 * * {WEEKDAYS[day]}", "--break-schedule", "never")
        a, b, c = (f"{letter}@example.org" for letter in "abc")
        soak.subscribe("ops", Subscriber(), {box.address(a, b): (a, b), f"{also}/ops": ("/ops",)})
        soak.subscribe("high", Subscriber(least=1), {f"{to}/high": ("/high",)}, "--severity", "high")
        soak.subscribe("week", Subscriber(weekday=day), {box.address(c): (c,), f"{to}/week": ("/week",)}, *weekly)
        soak.arrived |= {who: _mails(box, who) for who in (a, b, c)}
        soak.arrived |= {path: _posts(hook, path) for path in ("/high", "/week", "/operator")}
        soak.arrived["/ops"] = _posts(failing, "/ops")
        yield soak


@contextmanager
def _launcher() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-I", "-S", "-c", LAUNCHER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdin
        yield launcher
        launcher.stdin.close()


def growth(measured: Sequence[Measured]) -> list[str]:
    """What the last quarter of the runs needed more of than the second one, each run's, at the median, in words."""
    quarter = len(measured) // 4
    before, after = measured[quarter : 2 * quarter], measured[-quarter:]
    found = []
    for name, value in VALUES.items():
        had, has = median(map(value, before)), median(map(value, after))
        if has > had * (1 + TOLERANCE):
            found.append(f"{name} grew from {had:.1f} to {has:.1f}")
    return found


VALUES: dict[str, Callable[[Measured], float]] = {
    "memory (MiB)": lambda m: m.memory / 1024,
    "open files": lambda m: m.files,
    "database (KiB)": lambda m: m.database / 1024,
    "files at home": lambda m: m.kept,
}


def table(measured: Sequence[Measured]) -> str:
    """The most that each quarter of the runs needed, side by side."""
    quarter = max(len(measured) // 4, 1)
    parts = [p for n in range(4) if (p := measured[n * quarter : (n + 1) * quarter if n < 3 else None])]
    lines = [f"{'at their most':16}" + "".join(f"{n:>12}" for n in ("1st quarter", "2nd", "3rd", "last")[: len(parts)])]
    for name, value in VALUES.items():
        lines.append(f"{name:16}" + "".join(f"{max(map(value, part)):12.1f}" for part in parts))
    lines.append(f"{'median seconds':16}" + "".join(f"{median(m.seconds for m in part):12.2f}" for part in parts))
    return "\n".join(lines)


def main() -> None:
    """On SQLite, with the clock moved."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    if FAKETIME is None:
        sys.exit("Debian's faketime is not installed, see `make soak`")
    with tempfile.TemporaryDirectory() as folder, soaking(f"sqlite:///{folder}/data/navtex.db", Path(folder)) as soak:
        while len(soak.measured) < runs - 1:
            soak.run()
            if len(soak.measured) % 100 == 0:
                soak.check()
                print(f"{len(soak.measured)} runs\n{table(soak.measured)}\n", flush=True)  # noqa: T201 - a script
        soak.settle()
        messages = sum(map(len, soak.expected.values()))
        print(table(soak.measured))  # noqa: T201
        print(f"{runs} runs, {runs * STEP.total_seconds() / 86400:.0f} days, {messages} messages, each arrived once")  # noqa: T201
        problems = growth(soak.measured)
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
