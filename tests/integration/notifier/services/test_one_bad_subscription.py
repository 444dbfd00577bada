"""An unexpected error in any stage of one subscription: the others are served, it is named, and nothing is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.config import Config
from notifier.domain.messages import Message, Target
from notifier.schemas.doctor import CheckLevel
from notifier.services.sending.delivery import Deliveries, deliver
from notifier.services.sending.notifications import NotifyReport, Settings, notify, queue_digests
from notifier.services.subscriptions.notification_log import NotificationQuery, list_notifications, show_notification
from notifier.services.upkeep.doctor import examine
from notifier.storage import subscriptions, tables
from tests.conftest import Mailbox, text_of
from tests.support.samples import DAY, NOW, install, publish, record, subscribe

OPERATOR = "operator@example.org"


class Stage(StrEnum):
    """Where the digest of one subscription fails."""

    READING = "reading"
    COMPOSING = "composing"
    RENDERING = "rendering"
    STORING = "storing"
    QUEUEING = "queueing"
    SENDING = "sending"


class Failing(MessageSender):
    """A sender that raises an error for messages to one recipient."""

    def __init__(self, error: BaseException | None, recipient: str) -> None:
        super().__init__()
        self._error, self._recipient = error, recipient

    def __enter__(self) -> Self:
        return self

    def deliver(self, target: Target, message: Message, **more: Any) -> str:
        if self._error is not None and target.recipient == self._recipient:
            raise self._error
        return super().deliver(target, message, **more)


_FUNCTION = "CREATE FUNCTION disrupt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; END $$;"
_TRIGGERS = {
    (Stage.STORING, "sqlite"): (
        """CREATE TRIGGER disrupt BEFORE UPDATE OF started_at ON subscription WHEN NEW.name = 'm'
           BEGIN SELECT RAISE(ABORT, 'disrupted'); END""",
        "DROP TRIGGER disrupt",
    ),
    (Stage.QUEUEING, "sqlite"): (
        """CREATE TRIGGER disrupt BEFORE INSERT ON outbox WHEN NEW.recipient = 'm@example.org'
           BEGIN SELECT RAISE(FAIL, 'disrupted'); END""",
        "DROP TRIGGER disrupt",
    ),
    (Stage.STORING, "postgresql"): (
        _FUNCTION.format(what="RAISE check_violation")
        + """CREATE TRIGGER disrupt BEFORE UPDATE OF started_at ON subscription FOR EACH ROW
             WHEN (NEW.name = 'm') EXECUTE FUNCTION disrupt()""",
        "DROP TRIGGER disrupt ON subscription",
    ),
    (Stage.QUEUEING, "postgresql"): (
        _FUNCTION.format(what="RAISE division_by_zero")
        + """CREATE TRIGGER disrupt BEFORE INSERT ON outbox FOR EACH ROW
             WHEN (NEW.recipient = 'm@example.org') EXECUTE FUNCTION disrupt()""",
        "DROP TRIGGER disrupt ON outbox",
    ),
}


class Disruption:
    """What makes subscription `m` fail in a stage, and mends it."""

    def __init__(self, database: Database, stage: Stage, folder: Path, error: BaseException) -> None:
        self._database, self._stage, self._folder, self._error = database, stage, folder, error
        self.settings = Settings()
        self.failing: BaseException | None = None

    def begin(self) -> None:
        """Break it."""
        match self._stage:
            case Stage.READING:
                self._update(tables.subscription, filters='{"severity": "purple"}')
            case Stage.COMPOSING:
                self._update(tables.subscription, schedule='{"zone": "Mars/Olympus", "quiet": "22:00-07:00"}')
            case Stage.RENDERING:
                (self._folder / "digest").mkdir(parents=True)
                (self._folder / "digest" / "subject.txt").write_text(
                    "{{ 1 // (0 if digest.subscription == 'm' else 1) }} [Navtex] {{ digest.subscription }}"
                )
                self.settings = Settings(templates=self._folder)
            case Stage.SENDING:
                self.failing = self._error
            case _:
                self._execute(0)

    def end(self) -> None:
        """Mend it."""
        self.settings, self.failing = Settings(), None
        match self._stage:
            case Stage.READING:
                self._update(tables.subscription, filters="{}")
            case Stage.COMPOSING:
                self._update(tables.subscription, schedule="{}")
            case Stage.STORING | Stage.QUEUEING:
                self._execute(1)
            case _:
                pass

    def _update(self, table: sa.Table, **values: str) -> None:
        with self._database.begin() as connection:
            connection.execute(sa.update(table).where(table.c.name == "m").values(values))

    def _execute(self, which: int) -> None:
        with self._database.begin() as connection:
            connection.exec_driver_sql(_TRIGGERS[self._stage, connection.dialect.name][which])


CASES = [
    pytest.param(Stage.READING, RuntimeError()),
    pytest.param(Stage.COMPOSING, RuntimeError()),
    pytest.param(Stage.RENDERING, RuntimeError()),
    # each kind of database has its own way to go on after an error of its own
    pytest.param(Stage.STORING, RuntimeError(), marks=pytest.mark.both),
    pytest.param(Stage.QUEUEING, RuntimeError(), marks=pytest.mark.both),
    pytest.param(Stage.SENDING, RuntimeError("no\nway")),
    pytest.param(Stage.SENDING, KeyError("x"), marks=pytest.mark.long),
    pytest.param(Stage.SENDING, OSError(5, "I/O")),
    pytest.param(Stage.SENDING, RecursionError(), marks=pytest.mark.long),
]


@pytest.fixture
def fleet(database: Database, mailbox: Mailbox) -> Database:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="26.0.0"))
    for name in ("a", "m", "z"):
        subscribe(database, mailbox.address(f"{name}@example.org"), name=name)
    return database


@pytest.mark.parametrize(("stage", "error"), CASES)
def test_the_others_are_served_it_is_named_and_nothing_is_lost(
    fleet: Database, mailbox: Mailbox, tmp_path: Path, stage: Stage, error: BaseException
) -> None:
    broken = Disruption(fleet, stage, tmp_path / "own", error)

    def run(days: int) -> NotifyReport:
        settings = replace(broken.settings, operators=("nonsense://x", mailbox.address(OPERATOR)))
        with Failing(broken.failing, "m@example.org") as sender:
            return notify(fleet, sender, now=NOW + days * DAY, settings=settings)

    broken.begin()
    report = run(0)
    assert not report.ok
    named = {d.subscription for d, _ in report.failed} | {name for name, _ in report.broken} - {"operator"}
    assert named == {"m"}
    assert {m["To"] for m in mailbox.mails} == {"a@example.org", OPERATOR, "z@example.org"}
    (notice,) = (m for m in mailbox.mails if re.search(r"could not be made|failed unexpectedly", m["Subject"]))
    assert notice["To"] == OPERATOR
    assert re.search(r"^\(?m\)?$", text_of(notice), re.MULTILINE)
    config = Config(database=fleet.url.render_as_string(hide_password=False))
    findings = examine(config, tmp_path / "config.toml", fleet, NOW)
    found = [f.level for f in findings if re.search(r"for m (could not be made|failed)", f.what)]
    assert found == [CheckLevel.NOTE if stage is Stage.SENDING else CheckLevel.PROBLEM]

    mailbox.mails.clear()
    assert not run(1).ok
    assert mailbox.mails == [], "the operator hears of it once, and nobody gets anything twice"

    broken.end()
    assert run(3).delivered[0][0].subscription == "m"
    assert [m["To"] for m in mailbox.mails] == ["m@example.org"]
    with fleet.connect() as connection:
        assert {s.problem for s in subscriptions.every(connection)} == {""}


@pytest.mark.parametrize("damage", ["", "{", '{"key": 1}', "[]"])
def test_a_damaged_message_is_given_up_alone_and_can_still_be_listed(
    fleet: Database, mailbox: Mailbox, damage: str
) -> None:
    queue_digests(fleet, NOW)
    with fleet.begin() as connection:
        of_m = sa.select(tables.subscription.c.id).where(tables.subscription.c.name == "m").scalar_subquery()
        connection.execute(sa.update(tables.digest).where(tables.digest.c.subscription == of_m).values(message=damage))
        connection.execute(
            sa.update(tables.subscription).values(schedule='{"zone": "Mars/Olympus", "quiet": "22:00-07:00"}')
        )
    report = Deliveries()
    with MessageSender() as sender:
        deliver(fleet, sender, report, NOW, operator=[mailbox.address(OPERATOR)])
    assert {m["To"] for m in mailbox.mails} == {"a@example.org", OPERATOR, "z@example.org"}
    assert [d.subscription for d, _ in report.failed] == ["m"]
    rows = list_notifications(fleet, NotificationQuery(subscription="m")).value.notifications
    assert [(r.state.value, "the stored message is damaged" in r.answer) for r in rows] == [("failed", True)]
    assert show_notification(fleet, rows[0].id).text == ""
