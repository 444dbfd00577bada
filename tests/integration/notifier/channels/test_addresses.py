"""Addresses: what is understood, what is refused, and that nothing of either shows a secret or goes elsewhere."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st

from feeds.core.errors import ChannelError
from notifier.channels import MessageSender, described, expand, shown
from notifier.channels.mail_address import mail_address
from notifier.domain.messages import Message, Target
from notifier.rendering.messages import render
from tests.conftest import Mailbox, listening, text_of
from tests.support.digests import NEWS
from tests.support.loopback import over_http

FROM = "from=navtex@example.org"
MESSAGE = render(NEWS)
HOOK = "T0000000A/B0000000C/aBcDeFgHiJkLmNoPqRsTuVwX"

UNDERSTOOD = [
    # mail: the recipients, exactly
    (f"mailto://mail.example.org?{FROM}&to=o'brien@example.org", ["o'brien@example.org"]),
    (f"mailto://mail.example.org/o'brien@example.org?{FROM}", ["o'brien@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a+b@example.org", ["a+b@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a%2Bb@example.org", ["a+b@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a_b-c=d@example.org", ["a_b-c=d@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a%26b@example.org", ["a&b@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a%2Fb@example.org", ["a/b@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=%23ops@example.org", ["#ops@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=!x!y@example.org", ["!x!y@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=ops@m%C3%BCller.example", ["ops@xn--mller-kva.example"]),
    (f"mailto://mail.example.org?{FROM}&to=ops@stra%C3%9Fe.example", ["ops@xn--strae-oqa.example"]),
    (f"mailto://mail.example.org?{FROM}&to=ren%C3%A9@example.org", ["rené@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org;b@example.org", ["a@example.org", "b@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org&cc=b@example.org", ["a@example.org", "b@example.org"]),
    ("mailtos://u:p@mail.example.org:2525?to=a@example.org", ["a@example.org"]),
    ("mailtos://user:pass@gmail.com", ["user@gmail.com"]),
    ("mailtos://u%40example.org:p@mail.example.org?to=a@example.org", ["a@example.org"]),
    ("mailto://[2001:db8::1]:2525?from=a@example.org&to=b@example.org", ["b@example.org"]),
    ("mailto://localhost?to=a@example.org", ["a@example.org"]),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org&format=text&overflow=split", ["a@example.org"]),
    # Slack
    (f"slack://{HOOK}", [""]),
    (f"slack://navtex@{HOOK}", [""]),
    (f"https://hooks.slack.com/services/{HOOK}", [""]),
    (f"https://hooks.slack-gov.com/services/{HOOK}", [""]),
    ("https://hooks.slack.com/workflows/T0000000A/F0000000B/512345678901234567/aBcDeFgH", [""]),
    ("https://hooks.slack.com/triggers/T0000000A/5123456789012/0a1b2c3d4e5f6a7b8c9d0e1f", [""]),
    ("slack://xoxb-1234-1234-abc124/#one/two/C0123456789", ["#one", "#two", "C0123456789"]),
    ("slack://xoxb-1234-1234-abc124?to=%23one,two", ["#one", "#two"]),
    # what Apprise delivers
    ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?avatar=no", [""]),
    ("https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", [""]),
    ("tgram://123456789:abcdefg_hijklmnop/12315544/-10012345?silent=yes", [""]),
    ("ntfy://topic", [""]),
    ("ntfys://user:p%40ss@ntfy.example.org/topic?priority=high", [""]),
    ("ntfys://us'er:pa;ss@ntfy.example.org/topic", [""]),
    ("gotify://host.example.org:8080/path/token?priority=high", [""]),
    ("matrixs://user:pw@matrix.example.org/!room:example.org/#alias", [""]),
    ("rocket://user:pw@chat.example.org/#a/@b/room", [""]),
    ("mmosts://chat.example.org:8065/token?channel=ops", [""]),
    ("opsgenie://apikey/@team/#sched/user@example.org?priority=high", [""]),
    ("pover://user@token/device?priority=high", [""]),
    ("gchat://workspace/key/token", [""]),
    ("sendgrid://SG.key:from@example.org/to@example.org", [""]),
    ("zulip://bot@org/abcdefghijklmnopqrstuvwxyz012345/stream", [""]),
    (
        "twilio://AC12345678901234567890123456789012:abcdef0123456789abcdef0123456789@15551234567/+1%20(555)%20123-4568",
        [""],
    ),
    ("jsons://user:p%40ss@example.org/hook?+X-Key=1&-page=q&:title=subject", [""]),
    ("json://example.org:8080/hook?method=put&verify=no", [""]),
    ("form://example.org/hook?-page=1", [""]),
    ("signal://localhost:8080/15551112222/15553334444", [""]),
    ("pagerduty://intkey0123456789@apikey0123456789/source/component?region=eu", [""]),
    ("file:///var/lib/navtex/digests", [""]),
    ("atom:///var/www/navtex.xml", [""]),
]

REFUSED = [
    # an unescaped sign in a login, and the escape to write
    (f"mailto://ops:p@ssw0rd@mail.example.org?{FROM}&to=a@example.org", "%40"),
    (f"mailto://ops:geh#eim1@mail.example.org?{FROM}&to=a@example.org", "%23"),
    (f"mailto://ops@example.org:Geheim1@mail.example.org?{FROM}&to=a@example.org", "%40"),
    (f"mailto://ops:geh/eim1@mail.example.org?{FROM}&to=a@example.org", "%2F"),
    (f"mailto://ops:12/eim1@mail.example.org?{FROM}&to=a@example.org", "%2F"),
    (f"mailto://ops:geh?eim1@mail.example.org?{FROM}&to=a@example.org", "%3F"),
    (f"mailto://ops:geh%eim1@mail.example.org?{FROM}&to=a@example.org", "%25"),
    (f"mailto://ops:geh;eim1@mail.example.org?{FROM}&to=a@example.org", "%3B"),
    (f"mailto://ops:geh eim1@mail.example.org?{FROM}&to=a@example.org", "%20"),
    (f"mailto://mail.example.org?user=ops&pass=12;34xy&{FROM}&to=a@example.org", "%3B"),
    (f"mailto://mail.example.org?user=ops&pass=12&34xy&{FROM}&to=a@example.org", "%26"),
    (f"mailto://ops:p%E4ss@mail.example.org?{FROM}&to=a@example.org", "UTF-8"),
    # what is missing or unknown
    (f"mailto://?{FROM}&to=a@example.org", "no server"),
    (f"mailto://mail.example.org:99999?{FROM}&to=a@example.org", "port"),
    (f"mailto://mail_.-example?{FROM}&to=a@example.org", "host name"),
    ("mailto://mail.example.org?to=a@example.org", "from=ADDRESS"),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org&tow=b@example.org", "'tow'"),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org&mode=tls", "mode=starttls"),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org,b", "'b'"),
    (f"mailto://mail.example.org?{FROM}&to=a@exa_mple..org", "not a mail address"),
    (f"mailto://mail.example.org?{FROM}&to=a@example.org&pgp=sign", "'pgp'"),
    # Slack's
    ("slack://xoxp-1234-1234-1234-4ddbc191d40ee098/#general", "xoxb-"),
    ("slack://xapp-1-A012-1234-4ddbc191d40ee098/#general", "xoxb-"),
    ("slack://xoxb-1234-1234-abc124", "#channel"),
    ("https://hooks.slack.com/services/T0000000A/B0000000C", "complete address"),
    ("https://hooks.slack.com/somewhere/T0000000A/B0000000C/aBcDeFgH", "triggers"),
    (f"slack://{HOOK}/#general", "channel"),
    (f"slack://{HOOK}?colour=red", "'colour'"),
    # what Apprise would lose
    ("sendgrid://SG.key:from@example.org/o'brien@example.org", "cut off"),
    ("mailgun://user@example.org/abcdefghijklmnopqrstuvwxyzabcdef-12345678-12345678/o'brien@example.org", "cut off"),
    ("jsons://example.org/hook?page=1", "'page'"),
    ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?chanel=x", "'chanel'"),
    ("ntfys://user:p@ss@ntfy.example.org/topic", "%40"),
    ("json://me:12/ter2@host.example.org/path", "%2F"),
    ("https://example.org/hook", "jsons://"),
    ("http://example.org/hook", "json://"),
    ("nonsense://host", "navtex help channels"),
]


@pytest.mark.parametrize(("address", "recipients"), UNDERSTOOD, ids=lambda v: v if isinstance(v, str) else "")
def test_an_address_is_understood_whole(address: str, recipients: list[str]) -> None:
    assert [t.recipient for t in expand(address)] == recipients
    assert described(address)


@pytest.mark.parametrize(("address", "says"), REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_an_address_that_would_be_misread_is_refused_with_the_escape_to_write(address: str, says: str) -> None:
    with pytest.raises(ChannelError) as error:
        expand(address)
    assert says in str(error.value)
    for secret in ("ssw0rd", "eim1", "34xy", "ter2", "4ddbc191"):
        assert secret not in str(error.value)
        assert secret not in shown(address)


LOCAL = st.text(st.sampled_from("abcXYZ019!#$%&'*+-/=?^_`{|}~ñé"), min_size=1, max_size=20)
SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=("L", "N", "P", "S")), min_size=1)


@given(LOCAL, SECRET, SECRET)
def test_what_is_escaped_comes_back_as_it_was(local: str, user: str, password: str) -> None:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    read = mail_address(f"mailto://{login}@mail.example.org?{FROM}&to={quote(local, safe='')}@example.org")
    assert (read.user, read.password) == (user, password)
    assert read.recipients == (f"{local}@example.org",)
    assert (read.smtp_host, read.port) == ("mail.example.org", 25)


@given(st.text(st.sampled_from("aB1:/?#@;%&='\" +,[]\\"), min_size=1, max_size=12))
def test_a_login_that_is_not_escaped_is_read_as_it_is_written_or_refused(secret: str) -> None:
    address = f"mailto://ops:x{secret}x@mail.example.org?{FROM}&to=a@example.org"
    try:
        read = mail_address(address)
    except ChannelError as error:
        assert f"x{secret}x" not in str(error)  # noqa: PT017 - both outcomes are right
        return
    assert (read.smtp_host, read.recipients) == ("mail.example.org", ("a@example.org",))
    assert read.password in (f"x{secret}x", f"x{secret}x".replace("%25", "%"))


class Login:
    """An authenticator that notes the logins it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, bytes]] = []

    def __call__(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.seen.append((data.login, data.password))
        return AuthResult(success=True)


@pytest.mark.parametrize("excluded", [[], ["PLAIN"]])
def test_a_login_may_hold_letters_that_are_not_ascii(excluded: list[str]) -> None:
    login, box = Login(), Mailbox()
    with listening(box, authenticator=login, auth_require_tls=False, auth_exclude_mechanism=excluded):
        address = f"mailto://j%C3%B6rg:p%C3%A4ss@127.0.0.1:{box.port}?{FROM}&to=ops@example.org"
        with MessageSender() as sender:
            sender.deliver(expand(address)[0], MESSAGE)
    assert login.seen == [("jörg".encode(), "päss".encode())]
    assert len(box.mails) == 1


def test_a_mail_goes_to_the_recipient_who_was_named(mailbox: Mailbox) -> None:
    address = mailbox.address("o'brien@example.org")
    with MessageSender() as sender:
        sender.deliver(expand(address)[0], MESSAGE)
    assert [m["To"] for m in mailbox.mails] == ["o'brien@example.org"]
    assert text_of(mailbox.mails[0])


@pytest.mark.parametrize("name", ["Smith, John", 'The "Ops"', "Jörg", "a <b> c", "=?utf-8?q?x?="])
def test_a_senders_name_is_quoted_and_encoded_once(mailbox: Mailbox, name: str) -> None:
    address = f"{mailbox.address()}&name={quote(name)}"
    with MessageSender() as sender:
        sender.deliver(expand(address)[0], MESSAGE)
    (shown_name,) = mailbox.mails[0]["From"].addresses
    assert shown_name.display_name == name
    assert shown_name.addr_spec == "navtex@example.org"


@pytest.mark.parametrize(
    "kind", ["workflows/T0000000A/F0000000B/512345678901234567", "triggers/T0000000A/5123456789012"]
)
def test_a_workflow_gets_texts_and_no_blocks(kind: str) -> None:
    path = f"{kind}/0a1b2c3d4e5f6a7b8c9d0e1f"
    with over_http() as slack, MessageSender(slack=slack.url) as sender:
        sender.deliver(Target(f"https://hooks.slack.com/{path}"), MESSAGE)
    assert slack.paths == [f"/{path}"]
    assert json.loads(slack.bodies[0]) == {"title": MESSAGE.subject, "text": MESSAGE.text, "key": MESSAGE.key}


def test_a_long_digest_for_a_workflow_is_cut_and_says_so() -> None:
    long = Message("key", "subject", "line of text\n" * 2000, "", "[]", MESSAGE.created_at)
    address = "https://hooks.slack.com/triggers/T0000000A/5123456789012/0a1b2c3d4e5f6a7b8c9d0e1f"
    with over_http() as slack, MessageSender(slack=slack.url) as sender:
        sender.deliver(Target(address), long)
    text = json.loads(slack.bodies[0])["text"]
    assert len(text) <= 10_020
    assert text.endswith("[cut]")
