"""People subscribe themselves and leave again, with real mails."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
import sqlalchemy as sa

from feeds.advisories.records import Severity
from feeds.core.errors import ConfigError, UnknownName, UsageProblem
from feeds.storage.database import Database, metadata
from notifier.channels import MessageSender
from notifier.domain.deliveries import Delivery
from notifier.domain.filters import Filters, Scope
from notifier.domain.messages import Target
from notifier.domain.schedule import Schedule
from notifier.domain.self_service import Applicant, SelfServiceRules, Wish
from notifier.domain.subscription_edits import EditOption, SubscriptionEdit
from notifier.domain.subscriptions import Subscription
from notifier.rendering.messages import render
from notifier.schemas.notification import NotificationRow
from notifier.security.links import unsubscribe_token
from notifier.services.people import self_service, subscription_feeds, unsubscribing
from notifier.services.people.self_service import Confirmation, ask, confirm
from notifier.services.people.unsubscribing import unsubscribe
from notifier.services.sending.delivery import Deliveries, deliver
from notifier.services.sending.notifications import notify
from notifier.services.sending.personal_links import personal_form
from notifier.services.subscriptions.notification_log import NotificationQuery, list_notifications, show_notification
from notifier.services.subscriptions.subscription_files import sync_subscriptions
from notifier.services.subscriptions.subscriptions import edit_subscription, remove_subscription
from notifier.storage import subscriptions
from tests.conftest import Mailbox, html_of, text_of
from tests.support.digests import NEWS
from tests.support.loopback import Answer, over_http
from tests.support.samples import DAY, NOW, START, install, publish, record, subscribe

WEB = "https://navtex.example.org"


def rules(mailbox: Mailbox | None = None, *domains: str, scope: Scope = Scope()) -> SelfServiceRules:  # noqa: B008
    server = f"mailto://127.0.0.1:{mailbox.port}?from=navtex@example.org" if mailbox else ""
    return SelfServiceRules(domains or ("example.org",), server, scope, WEB)


def send(database: Database, *, slack: str = "", personal: bool = True) -> None:
    report = Deliveries()
    with MessageSender(web=WEB, slack=slack) as courier:
        deliver(database, courier, report, NOW, personal=personal)
    assert report.failed == []


def tokens(text: str, kind: str) -> list[str]:
    return re.findall(rf"{WEB}/{kind}/([\w-]+)", text)


def asked(database: Database, mailbox: Mailbox, to: str = "ann@example.org") -> str:
    """Ask for a subscription, and return the token that the mail brings."""
    ask(database, Wish(to), Applicant(client="192.0.2.1"), rules(mailbox), NOW)
    send(database)
    (token,) = set(tokens(text_of(mailbox.mails[-1]), "c"))
    return token


def known(database: Database) -> list[Subscription]:
    with database.connect() as connection:
        return subscriptions.every(connection)


def dump(database: Database) -> str:
    with database.connect() as connection:
        return "\n".join(str(connection.execute(sa.select(t)).all()) for t in metadata.sorted_tables)


@pytest.fixture
def team(database: Database, mailbox: Mailbox) -> Database:
    """A team of three mailboxes that was sent its welcome."""
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, mailbox.address("a@example.org", "B@example.org", "c@example.org"), name="team")
    with MessageSender(web=WEB) as courier:
        assert notify(database, courier, now=NOW).failed == []
    return database


@pytest.mark.both
def test_a_subscription_starts_with_a_confirmed_link_and_not_before(database: Database, mailbox: Mailbox) -> None:
    wish = Wish("Ann@Example.org", Filters(severity=Severity.HIGH), Schedule("daily", "Europe/Berlin", "22:00-07:00"))
    ask(database, wish, Applicant(client="192.0.2.1"), rules(mailbox), NOW)
    send(database)
    (mail,) = mailbox.mails
    assert mail["To"] == "Ann@Example.org"
    assert not mail["List-Unsubscribe"], "there is nothing to unsubscribe from yet"
    assert {*tokens(text_of(mail), "c")} == {*tokens(html_of(mail), "c")}
    assert "severity: high" in text_of(mail)
    assert "daily (Europe/Berlin), not between 22:00 and 07:00" in text_of(mail)
    (token,) = tokens(text_of(mail), "c")

    before = dump(database)
    for _ in range(30):
        assert self_service.look(database, token, NOW).state is Confirmation.WAITING
    assert dump(database) == before
    assert known(database) == []

    assert confirm(database, token, NOW).state is Confirmation.WAITING
    assert confirm(database, token, NOW).state is Confirmation.USED
    (made,) = known(database)
    assert (made.name, made.owner) == ("Ann@Example.org", "ann@example.org")
    assert (made.filters, made.schedule) == (wish.filters, wish.schedule)


def test_who_asks_again_changes_the_subscription_and_gets_no_second_one(database: Database, mailbox: Mailbox) -> None:
    confirm(database, asked(database, mailbox), NOW)
    ask(database, Wish("ANN@example.org", Filters(kev=True)), Applicant(client="192.0.2.2"), rules(mailbox), NOW)
    send(database)
    confirm(database, tokens(text_of(mailbox.mails[-1]), "c")[0], NOW)
    (made,) = known(database)
    assert made.filters.kev


def test_a_link_ends_after_48_hours_and_one_that_is_made_up_is_unknown(database: Database, mailbox: Mailbox) -> None:
    token = asked(database, mailbox)
    assert confirm(database, token, NOW + timedelta(hours=48)).state is Confirmation.EXPIRED
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), "", "x" * 5000, "\0"):
        with pytest.raises(UnknownName):
            confirm(database, forged, NOW)
    assert known(database) == []
    assert confirm(database, token, NOW + timedelta(hours=47)).state is Confirmation.WAITING


@pytest.mark.both
def test_a_mailbox_gets_three_confirmations_a_day_and_an_address_twenty(database: Database, mailbox: Mailbox) -> None:
    for name in ("ann", "Ann+x", "ann+y", "ann+z", "ann"):
        ask(database, Wish(f"{name}@example.org"), Applicant(client="192.0.2.1"), rules(mailbox), NOW)
    send(database)
    assert len(mailbox.mails) == 3
    for number in range(25):
        client = f"2001:db8::{number:x}"
        ask(database, Wish(f"u{number}@example.org"), Applicant(client=client), rules(mailbox), NOW)
    send(database)
    assert len(mailbox.mails) == 3 + 20, "one machine has a whole /64"
    ask(database, Wish("ann@example.org"), Applicant(client="192.0.2.9"), rules(mailbox), NOW + DAY)
    send_at = NOW + DAY
    with MessageSender(web=WEB) as courier:
        deliver(database, courier, Deliveries(), send_at, personal=True)
    assert len(mailbox.mails) == 24


def test_what_the_configuration_does_not_permit_gets_no_mail_and_the_same_answer(
    database: Database, mailbox: Mailbox
) -> None:
    for wish in ("ann@example.com", "ann@sub.example.org", "ann@notexample.org"):
        ask(database, Wish(wish), Applicant(client="192.0.2.1"), rules(mailbox), NOW)
    send(database)
    assert mailbox.mails == []


@pytest.mark.parametrize(
    "to",
    [
        "ann", "ann@example.org,bob@example.org", "ann@example.org&bcc=bob@example.org",
        "${NAVTEX_SECRET_KEY}@example.org",
        "https://example.org/hook",
        "file:///etc/cron.d/x", "ann@example.org\nBcc: bob@example.org",
    ],
)  # fmt: skip
def test_what_is_not_one_mailbox_is_refused(database: Database, mailbox: Mailbox, to: str) -> None:
    with pytest.raises(UsageProblem):
        ask(database, Wish(to), Applicant(client="192.0.2.1"), rules(mailbox), NOW)


def test_a_person_subscribes_only_to_hosts_that_they_may_see(database: Database, mailbox: Mailbox) -> None:
    limited = Applicant("bob", Scope(tags={"team": "a"}), "192.0.2.1")
    outside = Filters(scope=Scope(tags={"team": "b"}))
    with pytest.raises(UsageProblem, match="outside of what you may see"):
        ask(database, Wish("bob@example.org", outside), limited, rules(mailbox), NOW)
    with pytest.raises(UsageProblem, match="outside of what you may see"):
        ask(database, Wish("bob@example.org", outside), Applicant(), rules(mailbox, scope=limited.scope), NOW)
    ask(database, Wish("bob@example.org", Filters(scope=Scope(tags={"env": "prod"}))), limited, rules(mailbox), NOW)
    send(database)
    confirm(database, tokens(text_of(mailbox.mails[-1]), "c")[0], NOW)
    (made,) = known(database)
    assert made.filters.scope.tags == {"team": "a", "env": "prod"}
    assert made.owner == "bob"


def test_a_webhook_of_slack_is_confirmed_by_a_message_in_its_channel(database: Database) -> None:
    hook = "https://hooks.slack.com/services/T000/B000/abcdefgh12345678"
    bob = Applicant("bob", client="192.0.2.1")
    with over_http(Answer()) as slack:
        ask(database, Wish(hook), bob, rules(None, "hooks.slack.com"), NOW)
        ask(database, Wish("https://evil.example.org/x"), bob, rules(None, "hooks.slack.com"), NOW)
        send(database, slack=slack.url)
    (posted,) = slack.bodies
    confirm(database, tokens(posted, "c")[0], NOW)
    (made,) = known(database)
    assert made.targets == (hook,)
    assert "abcdefgh" not in made.name
    assert "abcdefgh" not in dump(database)


@pytest.mark.both
def test_one_click_takes_out_one_recipient_and_the_others_get_their_mails(team: Database, mailbox: Mailbox) -> None:
    of = {mail["To"]: mail for mail in mailbox.mails}
    assert len({mail["List-Unsubscribe"] for mail in of.values()}) == 3
    assert {mail["List-Unsubscribe-Post"] for mail in of.values()} == {"List-Unsubscribe=One-Click"}
    (token,) = tokens(of["B@example.org"]["List-Unsubscribe"], "u")
    assert f"{WEB}/u/{token}" in text_of(of["B@example.org"])
    assert f"{WEB}/u/{token}" in html_of(of["B@example.org"])

    before = dump(team)
    for _ in range(30):
        assert unsubscribing.look(team, token).recipient == "B@example.org"
    assert dump(team) == before

    operators = SelfServiceRules(web=WEB, operators=(mailbox.address("root@example.org"),))
    mailbox.mails.clear()
    for _ in range(2):
        assert unsubscribe(team, token, operators, NOW).done
    send(team, personal=False)
    assert sorted(m["To"] for m in mailbox.mails) == ["B@example.org", "root@example.org"]
    undo, notice = sorted(mailbox.mails, key=lambda m: str(m["To"]))
    assert "B@example.org unsubscribed from “team”" in text_of(notice)
    assert "/c/" not in text_of(notice), "the way back is that person's"

    mailbox.mails.clear()
    publish(team, record("CVE-2026-2", below="25.0.6"), at=NOW + DAY)
    with MessageSender(web=WEB) as courier:
        notify(team, courier, now=NOW + DAY)
    assert sorted(m["To"] for m in mailbox.mails) == ["a@example.org", "c@example.org"]

    assert confirm(team, tokens(text_of(undo), "c")[0], NOW + 2 * DAY).subscription == "team"
    mailbox.mails.clear()
    publish(team, record("CVE-2026-3", below="25.0.6"), at=NOW + 3 * DAY)
    with MessageSender(web=WEB) as courier:
        notify(team, courier, now=NOW + 3 * DAY)
    assert len(mailbox.mails) == 3


def test_news_wait_for_who_comes_back_where_nobody_is_left(database: Database, mailbox: Mailbox) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, mailbox.address("a@example.org"), name="ops")
    (ops,) = known(database)
    unsubscribe(database, unsubscribe_token(ops.id, "a@example.org"), SelfServiceRules(web=WEB), NOW)
    with MessageSender(web=WEB) as courier:
        assert notify(database, courier, now=NOW).digests == []
    (undo,) = mailbox.mails
    confirm(database, tokens(text_of(undo), "c")[0], NOW)
    with MessageSender(web=WEB) as courier:
        (digest,) = notify(database, courier, now=NOW + DAY).digests
    assert digest.welcome


def test_an_operator_who_names_the_channels_again_brings_everybody_back(team: Database, mailbox: Mailbox) -> None:
    (ops,) = known(team)
    unsubscribe(team, unsubscribe_token(ops.id, "a@example.org"), SelfServiceRules(web=WEB), NOW)
    edit_subscription(team, "team", SubscriptionEdit(values=((EditOption.KEV, True),)), NOW)
    assert known(team)[0].unsubscribed == {"a@example.org"}
    said = edit_subscription(team, "team", SubscriptionEdit(targets=ops.targets), NOW)
    assert "Had unsubscribed, and get digests again: a@example.org" in said.warnings
    assert not known(team)[0].unsubscribed


def test_who_unsubscribed_stays_out_when_the_file_is_synced_or_the_address_edited(
    database: Database, mailbox: Mailbox, tmp_path: Path
) -> None:
    def synced(server: str) -> None:
        text = f'[subscriptions.ops]\nto = ["{server}"]\n'
        sync_subscriptions(database, text, "ops.toml", NOW)

    synced(mailbox.address("a@example.org", "b@example.org"))
    (ops,) = known(database)
    assert unsubscribe(database, unsubscribe_token(ops.id, "a@example.org"), SelfServiceRules(web=WEB), NOW).done
    synced(mailbox.address("a@example.org", "b@example.org"))
    assert known(database)[0].unsubscribed == {"a@example.org"}
    synced(mailbox.address("a@example.org", "b@example.org").replace("127.0.0.1", "localhost"))
    assert "localhost" in str(known(database)[0].targets)
    assert known(database)[0].unsubscribed == {"a@example.org"}


def test_links_of_earlier_mails_work_while_their_key_stands_below(
    team: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ops,) = known(team)
    token = unsubscribe_token(ops.id, "a@example.org")
    former = os.environ["NAVTEX_SECRET_KEY"]
    newer = base64.b64encode(bytes(range(64))).decode()
    monkeypatch.setenv("NAVTEX_SECRET_KEY", f"{newer}\n{former}")
    assert unsubscribing.look(team, token).recipient == "a@example.org"
    assert unsubscribe_token(ops.id, "a@example.org") != token
    monkeypatch.setenv("NAVTEX_SECRET_KEY", newer)
    with pytest.raises(UnknownName):
        unsubscribing.look(team, token)


def test_a_link_of_what_was_removed_answers_and_does_nothing(team: Database) -> None:
    (ops,) = known(team)
    token = unsubscribe_token(ops.id, "a@example.org")
    remove_subscription(team, "team", NOW)
    assert unsubscribe(team, token, SelfServiceRules(web=WEB), NOW).done
    for forged in (token[:-1] + "_", unsubscribe_token(ops.id, "a@example.org")[1:], "", "é"):
        with pytest.raises(UnknownName):
            unsubscribe(team, forged, SelfServiceRules(web=WEB), NOW)


def test_a_retried_mail_is_the_same_to_the_byte() -> None:
    one = Delivery(7, "ops", Target("mailto://x", "a@example.org"), 0, render(NEWS), subscription_id=3)
    first, second = (personal_form(one, one.target, WEB) for _ in range(2))
    assert first == second
    assert first.one_click
    other = one.target._replace(recipient="b@example.org")
    assert personal_form(one, other, WEB).one_click != first.one_click


def test_a_template_without_the_link_sends_nothing(database: Database, mailbox: Mailbox, tmp_path: Path) -> None:
    (tmp_path / "confirm").mkdir()
    (tmp_path / "confirm" / "body.txt").write_text("Welcome!")
    with pytest.raises(ConfigError, match=r"confirm/body\.txt: the template leaves out"):
        ask(database, Wish("ann@example.org"), Applicant(), replace(rules(mailbox), templates=tmp_path), NOW)


def test_no_token_is_in_the_database_nor_in_what_is_shown_of_a_message(team: Database, mailbox: Mailbox) -> None:
    (ops,) = known(team)
    token = unsubscribe_token(ops.id, "a@example.org")
    unsubscribe(team, token, SelfServiceRules(web=WEB), NOW)
    confirmation = asked(team, mailbox, "dan@example.org")
    feed = subscription_feeds.new_feed(team, ops.id, NOW)
    undo = next(t for m in mailbox.mails for t in tokens(text_of(m), "c") if t != confirmation)
    everything = dump(team)
    for secret in (token, confirmation, feed, undo):
        assert len(secret) > 40
        assert secret not in everything
    listed: tuple[NotificationRow, ...] = list_notifications(team, NotificationQuery()).value.notifications
    shown = "".join(msgspec.json.encode(show_notification(team, row.id)).decode() for row in listed)
    assert [row.purpose for row in listed if row.subscription is None] == ["confirm", "undo"]
    assert confirmation not in shown
    assert undo not in shown


def test_a_feed_has_the_digests_of_its_subscription_and_an_address_that_changes(team: Database, tmp_path: Path) -> None:
    subscribe(team, f"file://{tmp_path}/other", name="other")
    (other, ops) = known(team)
    first = subscription_feeds.new_feed(team, ops.id, NOW)
    answer = subscription_feeds.read_feed(team, first, "", NOW)
    assert answer.document is not None
    entries = ET.fromstring(answer.document).findall("{http://www.w3.org/2005/Atom}entry")  # noqa: S314
    assert len(entries) == 1
    assert "CVE-2026-1" in answer.document
    assert subscription_feeds.read_feed(team, first, f'W/"x", {answer.etag}', NOW).document is None
    second = subscription_feeds.new_feed(team, ops.id, NOW)
    with pytest.raises(UnknownName):
        subscription_feeds.read_feed(team, first, "", NOW)
    assert subscription_feeds.read_feed(team, second, "", NOW).document == answer.document
    empty = subscription_feeds.read_feed(team, subscription_feeds.new_feed(team, other.id, NOW), "", NOW)
    assert empty.document is not None
    assert "CVE-2026-1" not in empty.document
    remove_subscription(team, "team", START)
    with pytest.raises(UnknownName):
        subscription_feeds.read_feed(team, second, "", NOW)
