"""The pages where people subscribe, confirm, unsubscribe, and change what they get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from feeds.core.errors import UnknownName
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.config import Config, Operator, Web, WebSubscribe
from notifier.domain.access import Actor, Role, TokenScope, Viewer, Way
from notifier.domain.filters import Filters, Scope
from notifier.domain.subscriptions import Subscription
from notifier.rendering.pages import Pages
from notifier.services.installation.audit_log import list_entries
from notifier.services.people.accounts import add_user, change_user, remove_user
from notifier.services.sending.notifications import notify
from notifier.storage import self_service, subscriptions
from notifier.web.handler_values import Answer, Call
from notifier.web.permissions import permitted
from notifier.web.self_service import own
from notifier.web.self_service.routes import SUBSCRIBING
from tests.conftest import Mailbox, text_of
from tests.support.access import signed_in
from tests.support.html import parsed
from tests.support.samples import NOW, START, install, publish, record, subscribe
from tests.support.web import Browser, browser

URL = "https://navtex.example.org"
FORM = {"to": "ann@example.org", "severity": "high", "product": "engine", "every": "daily", "zone": "Europe/Berlin"}


def config(mailbox: Mailbox, *domains: str, operator: bool = False, **more: Any) -> Config:
    server = f"mailto://127.0.0.1:{mailbox.port}?from=navtex@example.org"
    web = Web(url=URL, threads=2, subscribe=WebSubscribe(domains, server, **more))
    return Config(web=web, operator=Operator((mailbox.address("root@example.org"),) if operator else ()))


@contextmanager
def visitor(database: Database, settings: Config) -> Iterator[Browser]:
    with browser(database, settings) as one:
        one.now = NOW
        yield one


def links(mailbox: Mailbox, kind: str) -> list[str]:
    return [m for mail in mailbox.mails for m in re.findall(rf"{URL}(/{kind}/[\w-]+)", text_of(mail))]


def known(database: Database) -> list[Subscription]:
    with database.connect() as connection:
        return subscriptions.every(connection)


def call(database: Database, settings: Config, viewer: Viewer, **values: Any) -> Call:
    said = {"base": URL, "client": "192.0.2.7", **values}
    return Call(database, settings, NOW, Pages(), viewer=viewer, **said)


def body(answer: Answer) -> str:
    assert isinstance(answer.body, bytes)
    return answer.body.decode()


def person(name: str, role: Role = Role.VIEWER, **tags: str) -> Viewer:
    return Viewer(name, role, Scope(tags=tags), Way.SESSION)


def test_it_is_closed_unless_domains_are_named(sqlite_database: Database, mailbox: Mailbox) -> None:
    with visitor(sqlite_database, config(mailbox)) as one:
        assert one.get("/subscribe").status == 404
        assert one.post("/subscribe", FORM).status == 404
    assert mailbox.mails == []


def test_a_mailbox_is_subscribed_from_the_form_to_the_confirmation(database: Database, mailbox: Mailbox) -> None:
    with visitor(database, config(mailbox, "example.org")) as one:
        assert 'for="field-to"' in one.get("/subscribe").text
        replies = [one.post("/subscribe", {**FORM, "to": f"{who}"}) for who in ("ann@example.org", "ann@example.com")]
        (link,) = links(mailbox, "c")
        assert link.startswith("/c/")
        for method in ("GET", "HEAD") * 15:
            assert one.send(method, link).status == 200
        assert known(database) == []
        assert one.send("POST", link, headers={"sec-fetch-site": "cross-site"}).status == 403
        assert one.post(link).status == 200
        assert one.post(link).status == 410
        assert one.get(link[:-1]).status == 404
        replies.append(one.post("/subscribe", FORM))
    assert {(r.status, r.body) for r in replies} == {(200, replies[0].body)}, "who is known is not told"
    (made,) = known(database)
    assert made.filters.scope.products == ("engine",)
    assert (made.schedule.every, made.schedule.zone) == ("daily", "Europe/Berlin")
    assert len(mailbox.mails) == 2


def test_nobody_waits_for_the_mail(sqlite_database: Database, mailbox: Mailbox) -> None:
    form = {name: (value,) for name, value in FORM.items()}
    asked = call(sqlite_database, config(mailbox, "example.org"), Viewer(), form=form)
    answer = own.ask(asked)
    assert (answer.status, mailbox.mails) == (200, [])
    assert answer.after is not None
    answer.after()
    answer.after()
    assert len(mailbox.mails) == 1


def test_a_form_that_cannot_be_read_comes_back_as_it_was_filled_in(sqlite_database: Database, mailbox: Mailbox) -> None:
    with visitor(sqlite_database, config(mailbox, "example.org")) as one:
        reply = one.post("/subscribe", {**FORM, "tags": "<env>", "quiet_from": "25:00"})
    assert reply.status == 422
    assert "&#39;&lt;env&gt;&#39; is not a tag" in reply.text
    assert 'value="ann@example.org"' in reply.text


def test_one_click_unsubscribes_one_recipient_again_and_again(database: Database, mailbox: Mailbox) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, mailbox.address("a@example.org", "b@example.org"), name="team")
    with MessageSender(web=URL) as courier:
        notify(database, courier, now=NOW)
    header = next(str(m["List-Unsubscribe"]) for m in mailbox.mails if m["To"] == "b@example.org")
    link = header.strip("<>").removeprefix(URL)
    mailbox.mails.clear()
    with visitor(database, config(mailbox, operator=True)) as one:
        for method in ("GET", "HEAD") * 15:
            assert one.send(method, link).status == 200
        assert not known(database)[0].unsubscribed
        assert mailbox.mails == []
        form = {"content-type": "application/x-www-form-urlencoded"}
        clicks = [one.send("POST", link, b"List-Unsubscribe=One-Click", form) for _ in range(2)]
        assert [(c.status, c.header("set-cookie"), c.header("location")) for c in clicks] == [(200, "", "")] * 2
        assert clicks[0].body == clicks[1].body
        assert one.send("POST", link[:-1] + "-", b"List-Unsubscribe=One-Click", form).status == 404
        assert [m["To"] for m in mailbox.mails] == ["b@example.org"], "the undo is sent at once, and once"
        (undo,) = links(mailbox, "c")
        assert known(database)[0].unsubscribed == {"b@example.org"}
        assert one.post(undo).status == 200
    assert not known(database)[0].unsubscribed


def test_a_feed_is_read_with_its_address_alone(sqlite_database: Database, mailbox: Mailbox) -> None:
    subscribe(sqlite_database, mailbox.address(), name="team")
    operator = call(sqlite_database, config(mailbox), person("root", Role.OPERATOR), path={"number": "1"})
    (link,) = re.findall(rf"{URL}(/f/[\w-]+\.atom)", body(own.feed(operator)))
    with visitor(sqlite_database, config(mailbox)) as one:
        reply = one.get(link)
        assert (reply.status, reply.header("cache-control")) == (200, "private, max-age=300")
        assert reply.header("content-type") == "application/atom+xml; charset=utf-8"
        again = one.get(link, if_none_match=reply.header("etag"))
        assert (again.status, again.body) == (304, b"")
        assert one.get("/f/guessed.atom").status == 404
    assert link not in body(own.show(operator)), "it is shown once"
    own.feed(_with(operator, end="yes"))
    with visitor(sqlite_database, config(mailbox)) as one:
        assert one.get(link).status == 404


def _with(made: Call, **form: str) -> Call:
    return replace(made, form={name: (value,) for name, value in form.items()})


def test_a_person_changes_and_ends_only_what_is_theirs_and_within_their_tags(
    sqlite_database: Database, mailbox: Mailbox
) -> None:
    settings = config(mailbox, "example.org")
    install(sqlite_database, lab_1="25.0.5", web_1="25.0.5")
    publish(sqlite_database, record("CVE-2026-1", below="25.0.6"))
    own_scope = Filters(scope=Scope(tags={"of": "lab"}), keywords=("flaw",))
    with sqlite_database.begin() as connection:
        for name, filters, owner in (("bobs", own_scope, "bob"), ("wide", Filters(), "bob"), ("team", Filters(), "")):
            subscriptions.add(connection, Subscription(name, ("file:///tmp/x",), filters, START, owner=owner))
    bob, eve = person("bob", of="lab"), person("eve")
    assert "/subscribe/1" in body(own.form(call(sqlite_database, settings, bob)))
    assert "/subscribe/1" not in body(own.form(call(sqlite_database, settings, eve)))
    mine = call(sqlite_database, settings, bob, path={"number": "1"})
    saved = own.save(_with(mine, severity="critical", tags="of=lab", quiet_from="22:00", quiet_to="07:00"))
    assert saved.status == 303
    (made,) = (s for s in known(sqlite_database) if s.name == "bobs")
    assert made.filters.keywords == ("flaw",), "what the form does not have stays"
    assert made.schedule.quiet == "22:00-07:00"
    refused = own.save(_with(mine, tags="of=web"))
    assert refused.status == 422
    assert "outside of what you may see" in body(refused)
    own.save(_with(mine, tags=""))
    assert {s.name: s.filters.scope.tags for s in known(sqlite_database)}["bobs"] == {"of": "lab"}

    page = body(own.show(mine))
    assert "lab-1" in page, "the preview"
    assert "web-1" not in page
    wide = body(own.show(call(sqlite_database, settings, bob, path={"number": "2"})))
    assert "web-1" not in wide, "it was made when bob could see more"
    for viewer, number in (
        (eve, "1"),
        (bob, "3"),
        (eve, "999999999999"),
        (person("root", Role.OPERATOR, of="lab"), "3"),
    ):
        for handler in (own.show, own.save, own.end, own.feed):
            with pytest.raises(UnknownName):
                handler(call(sqlite_database, settings, viewer, path={"number": number}))
    assert own.end(mine).status == 303
    assert [s.name for s in known(sqlite_database)] == ["team", "wide"]


def test_whoever_unsubscribed_their_own_mailbox_has_another_confirmation_sent(
    sqlite_database: Database, mailbox: Mailbox
) -> None:
    settings = config(mailbox, "example.org")
    install(sqlite_database, lab_1="25.0.5")
    add_user(sqlite_database, Actor("root"), NOW, "bob", Role.VIEWER)
    with visitor(sqlite_database, settings) as one:
        signed_in(one, "bob")
        one.post("/subscribe", {**FORM, "to": "bob@example.org", "kev": "yes"})
        one.post(links(mailbox, "c")[0])
        (made,) = known(sqlite_database)
        with sqlite_database.begin() as connection:
            self_service.unsubscribe(connection, made.id, "bob@example.org", NOW)
        reply = one.get("/subscribe/1")
        assert "bob@example.org is unsubscribed" in reply.text
        form = parsed(reply.text).text
        assert "Subscribe bob@example.org again" in form
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', reply.text))
        assert one.post("/subscribe", fields).status == 200
        one.post(links(mailbox, "c")[-1])
        (again,) = known(sqlite_database)
    assert (again.filters, again.schedule, again.unsubscribed) == (made.filters, made.schedule, frozenset())


def test_whoever_is_signed_in_is_told_which_domains_get_a_message(sqlite_database: Database, mailbox: Mailbox) -> None:
    add_user(sqlite_database, Actor("root"), NOW, "bob", Role.VIEWER)
    with visitor(sqlite_database, config(mailbox, "example.org")) as one:
        unknown = one.post("/subscribe", {**FORM, "to": "bob@exmaple.org"})
        assert "exmaple.org" not in unknown.text
        signed_in(one, "bob")
        reply = one.post("/subscribe", {**FORM, "to": "bob@exmaple.org"})
    assert "webhooks of example.org get a message. You entered <b>bob@exmaple.org</b>" in reply.text


def test_the_menu_leads_to_no_closed_door(sqlite_database: Database, mailbox: Mailbox) -> None:
    for name, role in (("bob", Role.VIEWER), ("ada", Role.ADMIN)):
        add_user(sqlite_database, Actor("root"), NOW, name, role)
    offered = {}
    for state, settings in (("closed", config(mailbox)), ("open", config(mailbox, "example.org"))):
        for name in ("bob", "ada"):
            with visitor(sqlite_database, settings) as one:
                signed_in(one, name)
                offered[state, name] = 'href="/subscribe"' in one.get("/hosts").text
                assert ("Subscribe yourself" in one.get("/subscriptions").text) is (state == "open")
    assert offered == {("closed", "bob"): False, ("closed", "ada"): True, ("open", "bob"): True, ("open", "ada"): True}


def test_who_may_see_fewer_hosts_is_told_of_fewer_and_who_is_removed_of_none(
    sqlite_database: Database, mailbox: Mailbox
) -> None:
    root = Actor("root")
    add_user(sqlite_database, root, NOW, "bob", Role.VIEWER)
    with sqlite_database.begin() as connection:
        for name, tags, owner in (("all", {}, "bob"), ("b", {"team": "b"}, "bob"), ("eves", {}, "eve")):
            wanted = Filters(scope=Scope(tags=tags))
            subscriptions.add(connection, Subscription(name, ("file:///tmp/x",), wanted, START, owner=owner))
    operator = call(sqlite_database, config(mailbox), person("root", Role.OPERATOR), path={"number": "1"})
    (link,) = re.findall(rf"{URL}(/f/[\w-]+\.atom)", body(own.feed(operator)))
    change_user(sqlite_database, root, NOW, "bob", role=Role.VIEWER, tags={"team": "a"})
    assert {s.name: s.filters.scope.tags for s in known(sqlite_database)} == {"all": {"team": "a"}, "eves": {}}
    with visitor(sqlite_database, config(mailbox)) as one:
        assert one.get(link).status == 404, "it has digests of all hosts"
    remove_user(sqlite_database, root, NOW, "bob")
    assert [s.name for s in known(sqlite_database)] == ["eves"]
    assert {e.action for e in list_entries(sqlite_database)} >= {"feed.add", "user.change", "user.remove"}


def test_a_token_that_only_reads_changes_no_subscription() -> None:
    reader = Viewer("bob", Role.OPERATOR, way=Way.TOKEN, scopes=frozenset({TokenScope.READ}))
    refused = {r.path for r in SUBSCRIBING if r.path.startswith("/subscribe/") and not permitted(r, reader)}
    assert len(refused) == 3
