"""Secrets: sealed in the database, read from files, and in nothing that Navtex writes or says."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from feeds.core.errors import ChannelError, ConfigError
from feeds.core.secrets import from_environment
from feeds.mirror.server import Mirror
from feeds.storage.database import Database
from notifier.domain.subscriptions import Subscription
from notifier.security.encryption import is_sealed, seal, unsealed
from notifier.security.references import resolved, shown_with_references
from notifier.storage import delivery_log, outbox, subscriptions, tables
from tests.conftest import DEMO, Program
from tests.support import forked
from tests.support.loopback import over_http
from tests.support.samples import NOW, install, publish, record, run, subscribe

PLANTED = "pl4nted-s3cret"
ADDRESS = f"json://navtex:{PLANTED}@127.0.0.1:9/hook"


def key(fill: int) -> str:
    return base64.urlsafe_b64encode(bytes([fill]) * 64).decode()


KEY, OTHER = key(1), key(2)
HERE = {"NAVTEX_SECRET_KEY": KEY}


def test_an_address_is_sealed_and_opened_and_equal_ones_are_sealed_alike() -> None:
    sealed = seal(ADDRESS, HERE)
    assert is_sealed(sealed)
    assert PLANTED not in sealed
    assert "127.0.0.1" not in sealed
    assert unsealed(sealed, HERE) == ADDRESS
    assert seal(ADDRESS, HERE) == sealed
    assert seal(ADDRESS + "/", HERE) != sealed
    assert seal(sealed, HERE) == sealed, "what is sealed stays as it is"


@pytest.mark.parametrize("address", ["${MAIL}", "${file:/run/secrets/mail}", "file:///srv/x", "atom:///srv/x.xml"])
def test_what_holds_no_secret_stays_readable(address: str) -> None:
    assert seal(address, {}) == unsealed(address, {}) == address


def test_an_address_with_a_reference_and_more_is_sealed() -> None:
    assert is_sealed(seal("mailtos://me:${PASSWORD}@mail.example.org?to=ops@example.org", HERE))


def test_another_key_opens_it_when_its_own_stands_below() -> None:
    sealed = seal(ADDRESS, HERE)
    assert unsealed(sealed, {"NAVTEX_SECRET_KEY": f"{OTHER}\n{KEY}"}) == ADDRESS
    assert seal(ADDRESS, {"NAVTEX_SECRET_KEY": f"{OTHER}\n{KEY}"}) == seal(ADDRESS, {"NAVTEX_SECRET_KEY": OTHER})


def changed(sealed: str) -> str:
    return sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]


@pytest.mark.parametrize(
    "sealed",
    [seal(ADDRESS, {"NAVTEX_SECRET_KEY": OTHER}), "sealed:1:00000000:AAAA", "sealed:1:", changed(seal(ADDRESS))],
)
def test_what_cannot_be_opened_stays_sealed_and_using_it_says_what_to_do(sealed: str) -> None:
    assert unsealed(sealed) == sealed
    with pytest.raises(ChannelError, match=r"its address cannot be opened: .*Put the key back") as caught:
        resolved(sealed)
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize("wrong", ["short", "A" * 86 + "==" + "\nnonsense", "ä", base64.b64encode(b"x" * 32).decode()])
def test_a_key_that_is_none_is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(ConfigError, match="A key is 64 bytes") as caught:
        seal(ADDRESS, {"NAVTEX_SECRET_KEY": wrong})
    assert all(line not in str(caught.value) for line in wrong.split())


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mailtos://me:${PASSWORD}@x?to=a@x", "mailtos://me:${PASSWORD}@x?to=a@x"),
        (f"mailtos://me:{PLANTED}@x?to=${{WHO}}", "mailtos://me:****@x?to=${WHO}"),
        (f"mailtos://x?pass={PLANTED}&to=${{WHO}}", "mailtos://x?pass=****&to=${WHO}"),
        ("slack://T1/A1/${TOKEN}", "slack://T1/A1/${TOKEN}"),
    ],
)
def test_beside_a_reference_a_password_is_not_shown(address: str, shown: str) -> None:
    assert shown_with_references(address) == shown


def test_a_secret_comes_from_the_environment_or_the_file_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    assert from_environment({"A": "x", "A_FILE": str(file)}, "A") == "x"
    assert from_environment({"A_FILE": str(file)}, "A") == "from the file"
    assert from_environment({}, "A") == ""
    file.write_text("  \n")
    for broken in (file, tmp_path / "none"):
        with pytest.raises(ConfigError, match="A_FILE"):
            from_environment({"A_FILE": str(broken)}, "A")


def raw(database: Database) -> str:
    with database.connect() as connection:
        rows = connection.execute(sa.select(tables.subscription.c.targets)).scalars().all()
        return " ".join([*rows, *connection.execute(sa.select(tables.outbox.c.target)).scalars()])


def test_no_table_holds_an_address_in_the_clear(database: Database) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, ADDRESS, "${NAVTEX_NOT_THERE}")
    assert run(database).broken, "what one address refers to is not there"
    with database.begin() as connection:
        one = subscriptions.named(connection, "ops")
        assert one.targets == (ADDRESS, "${NAVTEX_NOT_THERE}")
        subscriptions.change(connection, Subscription("ops", (ADDRESS,), one.filters, NOW))
    run(database)
    assert PLANTED not in raw(database)
    assert raw(database).count("sealed:1:") == 2
    with database.connect() as connection:
        assert [e.target.address for e in delivery_log.entries(connection)] == [ADDRESS]
        told = subscriptions.tellings(connection, subscriptions.named(connection, "ops"), [1])
        assert [t.target for one in told for t in one.tries] == [ADDRESS]
        assert outbox.pending(connection) == 1


def test_a_database_from_before_is_carried_over_and_back(database: Database, tmp_path: Path) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, ADDRESS, "file:///srv/x", "${MAIL}")
    subscribe(database, ADDRESS, name="one")
    run(database)
    config = database.alembic()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        assert connection.execute(
            sa.select(tables.subscription.c.targets).order_by(tables.subscription.c.id)
        ).scalars().first() == (f'["{ADDRESS}","file:///srv/x","${{MAIL}}"]')
    assert raw(database).count(PLANTED) == 3
    database.upgrade()
    assert PLANTED not in raw(database)
    with database.connect() as connection:
        found = [s.targets for s in subscriptions.every(connection)]
        assert found == [(ADDRESS,), (ADDRESS, "file:///srv/x", "${MAIL}")]
    database.close()
    assert not [f for f in tmp_path.iterdir() if PLANTED.encode() in f.read_bytes()], "not even where it was deleted"


@pytest.fixture
def navtex(program_with: Callable[..., Program], tmp_path: Path) -> Any:
    with Mirror(DEMO / "day-1") as mirror:
        yield program_with(NAVTEX_MIRROR=mirror.url, NAVTEX_SECRET_KEY="")


def key_of(program: Program) -> Path:
    return program.home / ".config" / "navtex" / "secret.key"


def test_the_first_secret_makes_a_key_that_only_its_user_can_read(navtex: Program) -> None:
    navtex("subscription", "add", "disk", "--to", f"file://{navtex.home}/digests")
    assert not key_of(navtex).exists(), "no address needs it yet"
    navtex("subscription", "add", "ops", "--to", ADDRESS)
    assert stat.S_IMODE(key_of(navtex).stat().st_mode) == 0o600
    assert [p.name for p in key_of(navtex).parent.iterdir()] == ["secret.key"]
    before = key_of(navtex).read_bytes()
    navtex("subscription", "add", "dev", "--to", ADDRESS)
    assert key_of(navtex).read_bytes() == before


def test_many_processes_make_one_key(program_with: Callable[..., Program]) -> None:
    program = program_with(NAVTEX_SECRET_KEY="")
    code = f"from notifier.security.encryption import seal; print(seal({ADDRESS!r}))"
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=program.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert len({p.communicate()[0] for p in started}) == 1
    assert [p.returncode for p in started] == [0] * 6


def test_without_the_key_one_subscription_fails_and_the_others_do_not(navtex: Program) -> None:
    navtex("subscription", "add", "disk", "--to", f"file://{navtex.home}/digests")
    with over_http() as server:
        navtex("subscription", "add", "ops", "--to", server.url.replace("http://", f"json://navtex:{PLANTED}@"))
        hidden = key_of(navtex).rename(navtex.home / "lost.key")
        navtex("inventory", "import", str(DEMO / "inventory.csv"))
        navtex("poll", "moby-advisories")
        said = navtex("notify", status=1).stderr
        assert "The digest for ops could not be made: its address cannot be opened" in said
        assert f"Put the key back ({key_of(navtex)})" in said
        assert list((navtex.home / "digests").iterdir()), "the other one got its welcome"
        for command in ("list", "show ops"):
            assert "sealed://****" in navtex("subscription", *command.split()).stdout
        assert "cannot be opened" in navtex("doctor", status=1).stdout
        hidden.rename(key_of(navtex))
        navtex("notify")
        assert server.paths, "with the key back it gets its welcome, too"


def test_the_key_may_come_from_elsewhere(navtex: Program, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    navtex("subscription", "add", "ops", "--to", ADDRESS, NAVTEX_SECRET_KEY_FILE=str(tmp_path / "key"))
    assert not key_of(navtex).exists()
    assert "127.0.0.1" in navtex("subscription", "list", NAVTEX_SECRET_KEY=KEY).stdout
    assert "sealed" in navtex("subscription", "list", NAVTEX_SECRET_KEY=OTHER).stdout
    said = navtex("subscription", "add", "b", "--to", ADDRESS, status=2, NAVTEX_SECRET_KEY_FILE="/nowhere").stderr
    assert "NAVTEX_SECRET_KEY_FILE: /nowhere cannot be read" in said


@pytest.mark.parametrize("name", ["NAVTEX_DATABASE_URL", "GITHUB_TOKEN"])
def test_what_a_file_should_hold_and_does_not_is_told(navtex: Program, name: str) -> None:
    said = navtex("run", status=2, **{f"{name}_FILE": "/nowhere/secret"}).stderr
    assert f"{name}_FILE: /nowhere/secret cannot be read" in said


def test_the_database_may_be_named_in_a_file(navtex: Program, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path}/other.db\n")
    navtex("db", "upgrade", NAVTEX_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert (tmp_path / "other.db").is_file()


def test_a_planted_secret_is_in_nothing_that_navtex_writes_or_says(navtex: Program, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{PLANTED}-github")
    secrets = {"GITHUB_TOKEN_FILE": str(token), "HOOK": f"json://127.0.0.1:9/hook/{PLANTED}"}
    said: list[str] = []

    def ask(*arguments: str, status: int = 0) -> None:
        done = navtex(*arguments, status=status, **secrets)
        said.extend((done.stdout, done.stderr))

    for name, address in (
        ("a", ADDRESS),
        ("b", "${HOOK}"),
        ("d", f"json://127.0.0.1:9/hook/{PLANTED}"),
        ("c", f"mailto://me:{PLANTED}@127.0.0.1:9?from=n@example.org&to=ops@example.org"),
    ):
        ask("subscription", "add", name, "--to", address)
    navtex("inventory", "import", str(DEMO / "inventory.csv"))
    ask("run", status=1)
    ask("notify")
    ask("doctor")
    for arguments in (
        "subscription list", "subscription list --format json", "subscription show a", "subscription show d",
        "subscription preview a",
        "notification list", "notification list --format json", "notification explain a CVE-2024-41110",
        "source list", "config path", "db check", "db backup copy.db",
    ):  # fmt: skip
        ask(*arguments.split())
    ask("subscription", "test", "a", status=1)
    assert all(PLANTED not in text for text in said)
    files = [f for f in navtex.home.rglob("*") if f.is_file()]
    assert {"secret.key", "navtex.db", "copy.db"} <= {f.name for f in files}
    assert [f for f in files if PLANTED.encode() in f.read_bytes()] == []
    assert {f.name: stat.S_IMODE(f.stat().st_mode) & 0o077 for f in files if f.suffix in (".db", ".key")} == {
        "secret.key": 0, "navtex.db": 0, "copy.db": 0,
    }  # fmt: skip


def test_a_token_is_no_argument_of_any_process_that_navtex_starts(navtex: Program, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(PLANTED)
    environment = {**navtex.environment, "GITHUB_TOKEN_FILE": str(tmp_path / "token")}
    seen: set[str] = set()
    python = forked.python() if navtex.forks else sys.executable
    with subprocess.Popen(
        [python, "-m", "notifier.cli", "poll", "docker-blog"],
        env=environment,
        cwd=navtex.home,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            seen |= {text for text in map(_arguments, Path("/proc").iterdir()) if "feeds.crawl" in text}
    assert seen, "the crawl was seen"
    assert all(PLANTED not in text for text in seen)


def _arguments(process: Path) -> str:
    try:
        return (process / "cmdline").read_text() if process.name.isdigit() else ""
    except OSError:
        return ""


def test_an_upgrade_that_cannot_make_the_key_changes_nothing_and_says_what_to_do(
    program_with: Callable[..., Program], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/navtex.db"
    database = Database(url)
    database.upgrade("0006")
    with database.begin() as connection:
        statement = (
            "INSERT INTO subscription (id, name, targets, filters, created_at, paused, silent_start)"
            " VALUES (1, 'ops', :targets, '{}', '2026-04-15 12:00:00', false, false)"
        )
        connection.execute(sa.text(statement), {"targets": f'["{ADDRESS}"]'})
    navtex = program_with(NAVTEX_DATABASE_URL=url, NAVTEX_SECRET_KEY="")
    said = navtex("db", "upgrade", status=2, HOME="/dev/null").stderr
    assert "secret.key: the key that encrypts channel addresses cannot be created" in said
    assert "Make the folder writable, or set NAVTEX_SECRET_KEY" in said
    assert database.current() == "0006"
    navtex("db", "upgrade", HOME="/dev/null", NAVTEX_SECRET_KEY=KEY)
    with database.connect() as connection:
        assert is_sealed(connection.execute(sa.text("SELECT targets FROM subscription")).scalar_one()[2:-2])
    database.close()
