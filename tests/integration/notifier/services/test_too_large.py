"""Digests that are too large: bounded, the rest told next, and a short form where the receiver wants less."""

from __future__ import annotations

import json
from dataclasses import replace

from feeds.advisories.records import Severity
from feeds.storage.database import Database
from notifier.alerts.news import News
from notifier.channels import MessageSender
from notifier.domain.deliveries import DeliveryRecord
from notifier.domain.messages import Target
from notifier.domain.retry import DeliveryState
from notifier.rendering.messages import render
from notifier.rendering.short_messages import shortened
from notifier.services.sending.delivery import Deliveries, deliver
from notifier.storage import delivery_log, outbox, subscriptions
from tests.conftest import Mailbox, listening, text_of
from tests.support.digests import digest, group, item
from tests.support.loopback import Answer, over_http
from tests.support.samples import START, advisory, subscribe

MANY = tuple(
    item(
        advisory(n, f"CVE-2031-{20000 + n}", severity=Severity.CRITICAL if n == 0 else Severity.LOW, title="x" * 150),
        group("25.0.5", "web-1", more=2, upgrade_to="25.0.6"),
    )
    for n in range(200)
)


def sent(database: Database, address: str) -> DeliveryRecord:
    subscribe(database, address, name="ops")
    with database.begin() as connection:
        to = subscriptions.named(connection, "ops")
        outbox.put(connection, to, render(digest(*MANY)), [Target(address, "ops@example.org")], welcome=False)
    with MessageSender() as courier:
        deliver(database, courier, Deliveries(), START, operator=())
    with database.connect() as connection:
        [entry] = delivery_log.entries(connection)
    return entry


def test_a_mail_server_that_finds_a_mail_too_large_gets_every_item_in_short(database: Database) -> None:
    box = Mailbox()
    with listening(box, data_size_limit=60_000):
        entry = sent(database, box.address())
    assert entry.state is DeliveryState.SENT
    assert "552" in entry.answer or "552" in str(entry.log)
    [mail] = box.mails
    text = text_of(mail)
    assert "CVE-2031-20000: critical, 3 hosts" in text
    assert all(i.advisory.name in text for i in MANY)
    assert "navtex notification show" in text


def test_a_webhook_that_says_413_gets_the_items_without_their_groups(database: Database) -> None:
    with over_http(Answer(413), Answer(200)) as receiver:
        entry = sent(database, receiver.url.replace("http://", "json://") + "/hook")
    assert entry.state is DeliveryState.SENT
    whole, short = receiver.bodies
    assert len(short) < len(whole) / 2
    assert "CVE-2031-20199" in short


def test_a_receiver_that_takes_not_even_the_short_form_is_a_failure(database: Database) -> None:
    box = Mailbox()
    with listening(box, data_size_limit=1_000):
        entry = sent(database, box.address())
    assert entry.state is DeliveryState.FAILED
    assert box.mails == []


def test_what_has_no_place_stays_news() -> None:
    facets = {i.advisory.id: None for i in MANY}
    news = News(items=list(MANY), facets=facets)  # type: ignore[arg-type]
    first, more = news.bounded(150)
    assert (len(first.items), more) == (150, 50)
    assert first.facets.keys() == {i.advisory.id for i in MANY[:150]}
    assert news.bounded(200) == (news, 0)


def test_a_digest_says_how_many_are_left_and_how_to_list_them() -> None:
    message = render(replace(digest(*MANY[:3]), more=50))
    for form in (message.text, message.html, message.slack):
        assert "50 more" in form
        assert "navtex exposure" in form
    assert json.loads(message.data)["more"] == 50
    assert "50 more" not in render(digest(*MANY[:3])).text


def test_the_short_form_of_slack_keeps_to_its_limit() -> None:
    blocks = json.loads(shortened(render(digest(*MANY))).slack)
    assert max(len(b["text"]["text"]) for b in blocks) < 3000
