"""What becomes of deliveries: shown from the outbox's own log, on both databases."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa

from feeds.core.errors import DatabaseError, UnknownName, UsageProblem
from feeds.storage.database import Database
from notifier.channels import Limits, MessageSender
from notifier.domain.deliveries import DeliveryRecord, Result
from notifier.domain.delivery_claims import ClaimOwner
from notifier.domain.messages import Target
from notifier.domain.retry import LIMIT, DeliveryOutcome, DeliveryState
from notifier.rendering.notices import written
from notifier.services.sending import delivery_senders
from notifier.services.sending.delivery import Deliveries, deliver
from notifier.services.sending.delivery_queue import DeliveryQueue
from notifier.services.subscriptions.previews import sample
from notifier.storage import delivery_claims, delivery_log, outbox, subscriptions
from tests.conftest import Mailbox, listening, text_of
from tests.support.loopback import Answer, hanging, over_http
from tests.support.samples import DAY, START, subscribe

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def put(database: Database, *targets: Target, key: str = "key", slack: int = 1, name: str = "ops") -> None:
    """Put a message for these targets into the outbox, for a subscription that is made if need be."""
    message = written(key, f"Message {key}", [f"part {n} " + "x" * 2500 for n in range(slack)], START)
    with database.begin() as connection:
        found = {s.name: s for s in subscriptions.every(connection)}
    if name not in found:
        subscribe(database, *(t.address for t in targets), name=name)
    with database.begin() as connection:
        outbox.put(connection, subscriptions.named(connection, name), message, list(targets), welcome=False)


def go(database: Database, at: datetime, operator: tuple[str, ...] = (), **settings: Any) -> Deliveries:
    report = Deliveries()
    with MessageSender(**settings) as courier:
        deliver(database, courier, report, at, operator=operator)
    return report


def log(database: Database, **chosen: Any) -> list[DeliveryRecord]:
    with database.connect() as connection:
        return delivery_log.entries(connection, **chosen)[::-1]


def outcomes(entry: DeliveryRecord) -> list[str]:
    return [a.outcome.value for a in entry.log]


def test_a_target_that_says_when_is_tried_then_and_not_before(database: Database) -> None:
    with over_http(Answer(429, "slow down", {"Retry-After": "5400"}), Answer(200)) as service:
        put(database, Target(service.url.replace("http", "json")))
        now = datetime.now(UTC)
        go(database, now)
        (entry,) = log(database)
        assert (entry.state, outcomes(entry)) == (DeliveryState.PENDING, ["retry"])
        assert "429 slow down" in entry.log[0].answer
        assert abs(entry.due_at - (now + 90 * MINUTE)) < MINUTE
        go(database, entry.due_at - MINUTE)
        assert len(service.paths) == 1
        go(database, entry.due_at)
    (entry,) = log(database)
    assert (entry.state, outcomes(entry)) == (DeliveryState.SENT, ["retry", "sent"])
    assert service.bodies[0] == service.bodies[1]


def test_what_waits_for_the_same_target_is_put_off_with_it_and_that_costs_no_try(database: Database) -> None:
    with over_http(Answer(429, "slow down", {"Retry-After": "60"}), Answer(200)) as service:
        target = Target(service.url.replace("http", "json"))
        for number in range(20):
            put(database, target, key=f"key {number}")
        go(database, datetime.now(UTC))
        assert len(service.paths) == 1
        first, *others = log(database)
        assert {(e.state, len(e.log), e.attempts, e.due_at) for e in others} == {
            (DeliveryState.PENDING, 0, 0, first.due_at)
        }
        assert "waits with others" in others[0].answer
        assert len(go(database, first.due_at).delivered) == 20


def test_a_target_that_answers_500_for_an_hour_gets_its_message_after_it(database: Database) -> None:
    with over_http(Answer(500, "down")) as service:
        put(database, Target(service.url.replace("http", "json")))
        minutes = 0
        while minutes <= 240:
            if minutes == 60:
                service.answers[:] = [Answer(200)]
            go(database, START + minutes * MINUTE)
            minutes += 1
    (entry,) = log(database)
    assert outcomes(entry) == ["retry"] * 5 + ["sent"]
    waits = [(b.at - a.at) / MINUTE for a, b in zip(entry.log, entry.log[1:], strict=False)]
    assert [low <= wait <= 1.25 * low + 1 for low, wait in zip((1, 3, 9, 27, 81), waits, strict=True)] == [True] * 5
    assert len(service.bodies) == 6
    assert len(set(service.bodies)) == 1


def test_a_target_that_stays_down_is_given_up_after_days_and_the_operator_hears_of_it_once(
    database: Database, mailbox: Mailbox
) -> None:
    operator = (mailbox.address("operator@example.org"),)
    with over_http(Answer(500, "down")) as service:
        put(database, Target(service.url.replace("http", "json")))
        at = START
        for _ in range(LIMIT):
            assert mailbox.mails == []
            go(database, at, operator)
            at = log(database)[0].due_at
        go(database, at + HOUR, operator)
    entry, notice = log(database)
    assert outcomes(entry) == ["retry"] * (LIMIT - 1) + ["failed"]
    assert entry.answer.endswith(f"(given up after {LIMIT} tries)")
    assert timedelta(days=2) < entry.log[-1].at - START < timedelta(days=4)
    assert (notice.subscription, notice.state) == ("", DeliveryState.SENT)
    (mail,) = mailbox.mails
    assert mail["To"] == "operator@example.org"
    assert mail["Subject"] == "[Navtex] 1 notification was not delivered"
    for said in ("Message key", "(ops)", "500 down", f"{entry.id}: ", "navtex notification retry"):
        assert said in text_of(mail)


def test_a_target_that_hangs_costs_one_wait_a_run_however_much_is_due(database: Database, mailbox: Mailbox) -> None:
    with hanging() as port:
        for number in range(5):
            put(database, Target(f"json://127.0.0.1:{port}"), Target(mailbox.address(), "a@x.org"), key=f"key {number}")
        began = datetime.now(UTC)
        report = go(database, START, limits=Limits(total=1.0))
        assert datetime.now(UTC) - began < timedelta(seconds=4)
    assert (len(report.delivered), len(report.failed)) == (5, 5)
    assert len(mailbox.mails) == 5
    stuck = [e for e in log(database) if e.state is DeliveryState.PENDING]
    assert [outcomes(e) for e in stuck] == [["retry"]] * 5
    assert "took longer than 1 seconds" in stuck[0].answer
    assert all(START + MINUTE <= e.due_at <= START + 1.25 * MINUTE for e in stuck)
    assert len({e.due_at for e in stuck}) == 5, "what failed together is not tried together"


def test_a_recipient_who_is_rejected_fails_at_once_and_alone(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse["gone@x.org"] = "550 no such user"
    address = mailbox.address("a@x.org", "gone@x.org", "z@x.org")
    put(database, *(Target(address, r) for r in ("a@x.org", "gone@x.org", "z@x.org")))
    go(database, START)
    assert [(e.target.recipient, e.state.value, outcomes(e)) for e in log(database)] == [
        ("a@x.org", "sent", ["sent"]),
        ("gone@x.org", "failed", ["failed"]),
        ("z@x.org", "sent", ["sent"]),
    ]


@pytest.mark.parametrize(("status", "state"), [(404, "failed"), (410, "failed"), (401, "failed"), (503, "pending")])
def test_a_webhook_that_is_gone_fails_at_once(database: Database, status: int, state: str) -> None:
    with over_http(Answer(status)) as service:
        put(database, Target(service.url.replace("http", "json")))
        go(database, START)
    assert log(database)[0].state.value == state


def test_failures_of_one_run_come_to_the_operator_in_one_message(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse |= {f"{n}@x.org": "550 no" for n in range(30)}
    put(database, *(Target(mailbox.address(), f"{n}@x.org") for n in range(30)))
    go(database, START, (mailbox.address("operator@x.org"),))
    (mail,) = mailbox.mails
    assert mail["Subject"] == "[Navtex] 30 notifications were not delivered"
    assert "and 10 more: navtex notification list --state failed" in text_of(mail)


def test_a_notice_that_fails_leads_to_no_notice(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse |= {"gone@x.org": "550 no", "operator@x.org": "550 no"}
    put(database, Target(mailbox.address(), "gone@x.org"))
    for hours in range(3):
        go(database, START + hours * HOUR, (mailbox.address("operator@x.org"),))
    assert [(e.subscription, e.state.value) for e in log(database)] == [("ops", "failed"), ("", "failed")]


def test_an_operators_channel_that_is_no_address_is_told(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse["gone@x.org"] = "550 no"
    put(database, Target(mailbox.address(), "gone@x.org"))
    report = go(database, START, ("nonsense://x", mailbox.address("operator@x.org")))
    assert [name for name, why in report.broken if "nonsense" in why] == ["operator"]
    assert len(mailbox.mails) == 1


def test_what_failed_before_there_was_an_operator_is_not_told_later(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse["gone@x.org"] = "550 no"
    put(database, Target(mailbox.address(), "gone@x.org"))
    go(database, START)
    go(database, START + HOUR, (mailbox.address("operator@x.org"),))
    assert mailbox.mails == []


def test_a_message_of_several_parts_goes_on_where_it_stopped(database: Database) -> None:
    slack = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    with over_http(Answer(), Answer(503, "later"), Answer()) as service:
        put(database, Target(slack), slack=12)
        go(database, START, slack=service.url)
        assert len(service.bodies) == 2
        go(database, START + HOUR, slack=service.url)
    assert outcomes(log(database)[0]) == ["retry", "sent"]
    assert service.bodies[1] == service.bodies[2]
    assert len(set(service.bodies)) == len(service.bodies) - 1


# claims


def claimed(database: Database, by: str, at: datetime = START) -> None:
    with database.begin() as connection:
        taken = delivery_claims.claim(connection, outbox.due(connection, at), by, at)
    assert taken


def of_another(process: int, **elsewhere: str) -> str:
    return str(ClaimOwner(delivery_senders.here()._replace(**elsewhere), process, "00000000"))


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_another_process_is_sending_is_left_to_it(database: Database, mailbox: Mailbox) -> None:
    put(database, Target(mailbox.address(), "a@x.org"))
    claimed(database, "another-host 17 00000000")
    assert go(database, START + 5 * MINUTE).delivered == []
    (entry,) = log(database)
    assert (entry.state, outcomes(entry)) == (DeliveryState.SENDING, [])


@pytest.mark.parametrize("elsewhere", [{"host": "another-host"}, {"boot": "another"}, {"namespace": "17"}], ids=str)
def test_a_process_number_of_elsewhere_is_not_looked_for_here(
    database: Database, mailbox: Mailbox, elsewhere: dict[str, str]
) -> None:
    put(database, Target(mailbox.address(), "a@x.org"))
    claimed(database, of_another(ended_process(), **elsewhere))
    assert go(database, START + 14 * MINUTE).delivered == []
    assert len(go(database, START + 16 * MINUTE).delivered) == 1


_IN_A_CONTAINER = """
import sys
from datetime import datetime
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.services.sending import delivery_senders
from notifier.services.sending.delivery import Deliveries, deliver
report = Deliveries()
with MessageSender() as courier:
    deliver(Database(sys.argv[1]), courier, report, datetime.fromisoformat(sys.argv[2]))
print(delivery_senders.here().host, len(report.delivered), flush=True)
"""


@pytest.mark.long
def test_containers_that_share_a_hosts_name_leave_each_other_their_deliveries(
    database: Database, mailbox: Mailbox
) -> None:
    # as root in its own right, which may enter the server's folder
    user = ("--user", "--map-root-user") if os.geteuid() else ()
    unshare = ("unshare", *user, "--pid", "--fork", "--kill-child")
    try:
        subprocess.run([*unshare, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT TESTED: no PID namespace can be made here ({error})")
    put(database, Target(mailbox.address(), "a@x.org"))
    url = database.url.render_as_string(hide_password=False)
    with delivery_senders.claimant() as name:
        claimed(database, name)
        for later, delivered in ((5 * MINUTE, 0), (16 * MINUTE, 1)):
            child = [sys.executable, "-c", _IN_A_CONTAINER, url, (START + later).isoformat()]
            done = subprocess.run([*unshare, *child], check=True, capture_output=True, text=True)
            assert done.stdout.split() == [socket.gethostname(), str(delivered)]
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("by", "later"),
    [
        (lambda: of_another(ended_process()), timedelta()),
        (lambda: of_another(os.getpid()), timedelta()),
        (lambda: "another-host 17 00000000", 16 * MINUTE),
    ],
    ids=["its process ended", "its process had this number before", "nothing was heard for too long"],
)
def test_what_a_process_left_in_the_middle_is_sent_again_and_the_log_says_so(
    database: Database, mailbox: Mailbox, by: Callable[[], str], later: timedelta
) -> None:
    put(database, Target(mailbox.address(), "a@x.org"))
    claimed(database, by())
    assert len(go(database, START + later).delivered) == 1
    (entry,) = log(database)
    assert outcomes(entry) == ["interrupted", "sent"]
    assert "whether it arrived is not known" in entry.log[0].answer
    assert entry.attempts == 2


class Suspended(MessageSender):
    """Stands still at its first message until the claims are old, while another process delivers everything."""

    def __init__(self, database: Database, refusals: dict[str, str], then: dict[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self._database, self._refusals, self._then, self._settings = database, refusals, then, settings
        self.other: Deliveries | None = None

    def deliver(self, target: Target, message: Any, **options: Any) -> str:
        if self.other is None:
            self.other = go(self._database, START + 16 * MINUTE, **self._settings)
            self._refusals.clear()
            self._refusals.update(self._then)
        return super().deliver(target, message, **options)


REFUSAL = {"a@x.org": "550 no"}


@pytest.mark.parametrize(
    ("first", "then", "state", "outcome"),
    [
        ({}, {}, DeliveryState.SENT, ["interrupted", "sent", "sent"]),
        ({}, REFUSAL, DeliveryState.SENT, ["interrupted", "sent", "failed"]),
        (REFUSAL, {}, DeliveryState.FAILED, ["interrupted", "failed", "sent"]),
    ],
    ids=["both sent it", "the other sent it", "only the first sent it"],
)
def test_a_result_changes_nothing_once_another_process_took_the_delivery_over(
    database: Database,
    mailbox: Mailbox,
    first: dict[str, str],
    then: dict[str, str],
    state: DeliveryState,
    outcome: list[str],
) -> None:
    put(database, Target(mailbox.address(), "a@x.org"))
    mailbox.refuse.update(first)
    report = Deliveries()
    with Suspended(database, mailbox.refuse, then) as courier:
        deliver(database, courier, report, START)
    (entry,) = log(database)
    assert (entry.state, outcomes(entry), entry.attempts) == (state, outcome, 2)
    assert entry.log[-1].answer.endswith("(after another process had taken the delivery over)")
    assert [d.id for d in report.taken_over] == [entry.id]
    assert courier.other is not None
    assert courier.other.taken_over == []
    assert entry.sent_at == (START + 16 * MINUTE if state is DeliveryState.SENT else None)


def test_a_claim_of_another_is_neither_released_nor_renewed_nor_advanced(database: Database) -> None:
    put(database, Target("file:///nowhere"), Target("file:///elsewhere"))
    claimed(database, "first")
    with database.begin() as connection:
        delivery_claims.recover(connection, START + HOUR, lambda _: True)
        (one, other) = delivery_claims.claim(connection, outbox.due(connection, START + HOUR), "second", START + HOUR)
    with database.begin() as connection:
        delivery_claims.release(connection, [one, other], "first")
        delivery_claims.renew(connection, "first", START + 2 * HOUR)
        assert not delivery_claims.arrived(connection, one.id, 1, "first")
        assert delivery_claims.arrived(connection, one.id, 2, "second")
        assert delivery_claims.still_held(connection, [one.id, other.id], "first") == set()
        assert delivery_claims.still_held(connection, [one.id, other.id], "second") == {one.id, other.id}
        assert delivery_claims.recover(connection, START + HOUR + 14 * MINUTE, lambda _: False) == []
        assert delivery_claims.recover(connection, START + HOUR + 15 * MINUTE, lambda _: False) == [one.id, other.id]


def test_what_was_claimed_before_a_long_pause_and_taken_over_is_not_sent(database: Database) -> None:
    for number in range(3):
        put(database, Target("file:///nowhere"), key=f"key {number}")
    with database.connect() as connection:
        waiting = outbox.due(connection, START)
    with DeliveryQueue(database, "first", lambda: START, waiting, renewal=0.01) as queue:
        one = queue.take()
        assert one is not None
        with database.begin() as connection:
            delivery_claims.recover(connection, START + HOUR, lambda _: True)
            delivery_claims.claim(connection, waiting[:2], "second", START + HOUR)
        sleep(0.06)
        queue.note(Result(one, START, DeliveryOutcome.SENT, DeliveryState.SENT, START, "ok"))
        assert [queue.take(), queue.lost[0].delivery] == [None, one]
    assert [e.state.value for e in log(database)] == ["sending", "sending", "pending"]


def test_the_parts_of_a_message_that_another_process_took_over_are_not_sent_on(database: Database) -> None:
    slack = "https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/xxxxxxxxxxxxxxxxxxxxxxxx"
    with over_http(Answer(200, "ok")) as service:
        put(database, Target(slack), slack=30)
        report = Deliveries()
        with Suspended(database, {}, {}, slack=service.url) as courier:
            deliver(database, courier, report, START)
    parts = len(service.paths) - 1
    assert parts > 2
    (entry,) = log(database)
    assert (entry.state, outcomes(entry)) == (DeliveryState.SENT, ["interrupted", "sent", "retry"])
    assert "took it over after 1 of its parts" in entry.log[-1].answer
    assert [d.id for d in report.taken_over] == [entry.id]


@pytest.mark.both
def test_a_mail_whose_answer_is_missing_is_told_to_arrive_perhaps_twice(database: Database) -> None:
    class Dropping(Mailbox):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            said = await super().handle_DATA(server, session, envelope)
            if len(self.mails) == 2:
                server.transport.abort()
            return said

    box = Dropping()
    with listening(box):
        for number in (1, 2):
            put(database, Target(box.address(), f"{number}@example.org"), key=f"key-{number}")
        go(database, START)
        second = log(database)[1]
        assert (second.target.recipient, second.state) == ("2@example.org", DeliveryState.PENDING)
        assert "may arrive twice" in second.answer
        go(database, START + DAY)
    assert [mail["To"] for mail in box.mails] == ["1@example.org", "2@example.org", "2@example.org"]
    assert box.mails[1]["Message-ID"] == box.mails[2]["Message-ID"]
    assert outcomes(log(database)[1]) == ["retry", "sent"]


def test_two_that_deliver_at_once_send_nothing_twice(database: Database, mailbox: Mailbox) -> None:
    for number in range(40):
        put(database, Target(mailbox.address(), "a@x.org"), key=f"key {number}")
    both = threading.Barrier(2)
    reports: list[Deliveries] = []

    def one() -> None:
        both.wait()
        reports.append(go(database, START))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(m["X-Navtex-Digest"]) for m in mailbox.mails) == sorted(f"key {n}" for n in range(40))
    assert [outcomes(e) for e in log(database)] == [["sent"]] * 40
    assert sum(len(r.delivered) for r in reports) == 40


def test_whatever_stops_a_run_is_no_reason_to_forget_what_was_sent(database: Database, mailbox: Mailbox) -> None:
    for number in range(8):
        put(database, Target(mailbox.address(), "a@x.org"), key=f"key {number}")

    class Stopped(MessageSender):
        left = 5

        def deliver(self, target: Target, message: Any, **options: Any) -> str:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().deliver(target, message, **options)

    with Stopped() as courier, pytest.raises(KeyboardInterrupt):
        deliver(database, courier, Deliveries(), START)
    states = [e.state.value for e in log(database)]
    assert states == ["sent"] * 5 + ["pending"] * 3 or states == ["sent"] * 5 + ["sending"] + ["pending"] * 2
    assert len(mailbox.mails) == 5


def test_what_arrived_is_written_before_the_next_is_sent_unless_both_are_quick(
    database: Database, mailbox: Mailbox
) -> None:
    for number in range(3):
        put(database, Target(mailbox.address(), "a@x.org"), key=f"key {number}")
    states: list[list[str]] = []

    class Slow(MessageSender):
        def deliver(self, target: Target, message: Any, **options: Any) -> str:
            states.append([e.state.value for e in log(database)])
            sleep(0.06)
            return super().deliver(target, message, **options)

    with Slow() as courier:
        deliver(database, courier, Deliveries(), START)
    assert states == [["sending"] * 3, ["sent", "sending", "sending"], ["sent", "sent", "sending"]]


def test_a_database_that_fails_stops_a_run_and_what_it_did_not_keep_is_sent_again(
    database: Database, mailbox: Mailbox
) -> None:
    for number in range(20):
        put(database, Target(mailbox.address(), "a@x.org"), key=f"key {number}")

    class Breaking(MessageSender):
        def deliver(self, target: Target, message: Any, **options: Any) -> str:
            answer = super().deliver(target, message, **options)
            if message.key == "key 0":
                with database.begin() as connection:
                    connection.execute(sa.text("ALTER TABLE attempt RENAME TO elsewhere"))
            return answer

    with Breaking() as courier, pytest.raises((DatabaseError, sa.exc.ProgrammingError)):
        deliver(database, courier, Deliveries(), START)
    with database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO attempt"))
    go(database, START)
    assert {e.state for e in log(database)} == {DeliveryState.SENT}
    arrived = {str(m["X-Navtex-Digest"]) for m in mailbox.mails}
    assert arrived == {f"key {n}" for n in range(20)}
    assert len({(m["Message-ID"], m.as_bytes()) for m in mailbox.mails}) == 20


# retries by hand


def test_one_that_was_given_up_can_be_sent_again(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse["gone@x.org"] = "550 no"
    put(database, Target(mailbox.address(), "gone@x.org"))
    go(database, START)
    mailbox.refuse.clear()
    (entry,) = log(database)
    with database.begin() as connection:
        outbox.retry(connection, entry.id, START + HOUR)
    go(database, START + HOUR)
    (entry,) = log(database)
    assert outcomes(entry) == ["failed", "asked for", "sent"]
    with database.begin() as connection:
        with pytest.raises(UsageProblem, match="was sent"):
            outbox.retry(connection, entry.id, START)
        with pytest.raises(UnknownName, match="no notification 99"):
            outbox.retry(connection, 99, START)


def test_the_log_can_be_narrowed(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse["gone@x.org"] = "550 no"
    put(database, Target(mailbox.address(), "gone@x.org"), Target(mailbox.address(), "a@x.org"))
    put(database, Target(mailbox.address(), "a@x.org"), key="other", name="web")
    go(database, START, (mailbox.address("operator@x.org"),))
    assert [e.target.recipient for e in log(database, state=DeliveryState.FAILED)] == ["gone@x.org"]
    assert [e.key for e in log(database, subscription="web")] == ["other"]
    assert [e.target.recipient for e in log(database, subscription="")] == ["operator@x.org"]
    assert [len(log(database, state=s)) for s in DeliveryState] == [0, 0, 3, 1]


def test_no_secret_is_in_the_log(database: Database) -> None:
    with over_http(Answer(400, "no hook T0PS3CRET, me:hunter2")) as service:
        address = service.url.replace("http://", "json://me:hunter2@") + "/T0PS3CRET"
        put(database, Target(address))
        go(database, START)
    (entry,) = log(database)
    assert "hunter2" not in entry.answer + entry.log[0].answer


def test_a_test_message_is_tried_on_every_target_and_tells_of_each_that_failed(
    database: Database, mailbox: Mailbox, tmp_path: Path
) -> None:
    mailbox.refuse["gone@x.org"] = "550 no"
    subscribe(database, "nonsense://host", mailbox.address("gone@x.org", "a@x.org"), f"file://{tmp_path}/x")
    with database.connect() as connection:
        subscription = subscriptions.named(connection, "ops")
    with MessageSender() as courier:
        answers = list(sample(courier, subscription, START))
    assert [(a.to, a.ok) for a in answers[:3]] == [("nonsense://****", False), ("gone@x.org", False), ("a@x.org", True)]
    assert "550 no" in answers[1].answer
    assert [m["To"] for m in mailbox.mails] == ["a@x.org"]
    assert "This is a test" in text_of(mailbox.mails[0])
    assert len(list((tmp_path / "x").iterdir())) == 3


def test_every_outcome_can_be_told() -> None:
    assert {o.value for o in DeliveryOutcome} == {"sent", "retry", "failed", "interrupted", "asked for"}
