from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from aiosmtpd.smtp import AuthResult

from feeds.core.errors import ChannelError
from notifier.channels import Limits, MessageSender, compose, expand
from notifier.domain.messages import Message, Target
from notifier.rendering.messages import render
from tests.conftest import Mailbox, html_of, listening, text_of
from tests.support.digests import NEWS
from tests.support.loopback import Script, hanging, served

MESSAGE = render(NEWS)
OTHER = render(NEWS)


def send(address: str, *messages: Message, sender: str = "", ca_bundle: str = "") -> list[str]:
    """Deliver messages to all targets of an address with one courier; what was answered comes back."""
    with MessageSender(sender=sender, ca_bundle=ca_bundle) as courier:
        return [courier.deliver(target, m) for m in messages or (MESSAGE,) for target in expand(address)]


def test_a_mail_carries_the_digest_in_text_and_html(mailbox: Mailbox) -> None:
    assert send(mailbox.address()) == ["accepted by 127.0.0.1"]
    (mail,) = mailbox.mails
    assert text_of(mail) == MESSAGE.text
    assert html_of(mail).strip() == MESSAGE.html.strip()
    assert mail.get_content_type() == "multipart/alternative"


def test_a_mails_headers_say_who_to_whom_what_and_when(mailbox: Mailbox) -> None:
    send(mailbox.address("ops@example.org") + "&reply=desk@example.org")
    (mail,) = mailbox.mails
    assert mail["From"] == "Navtex <navtex@example.org>"
    assert mail["To"] == "ops@example.org"
    assert mail["Reply-To"] == "desk@example.org"
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Date"].datetime == MESSAGE.created_at
    assert mail["X-Navtex-Digest"] == MESSAGE.key
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_message_id_holds_the_key_and_is_the_same_at_every_try(mailbox: Mailbox) -> None:
    send(mailbox.address())
    send(mailbox.address())
    assert [m["Message-ID"] for m in mailbox.mails] == [f"<{MESSAGE.key}.19ab8d68.navtex@example.org>"] * 2


def test_every_recipient_is_a_target_of_its_own_and_sees_no_other(mailbox: Mailbox) -> None:
    address = mailbox.address("a@example.org", "b@example.org") + "&cc=c@example.org&bcc=d@example.org"
    targets = expand(address)
    assert [t.recipient for t in targets] == ["a@example.org", "b@example.org", "c@example.org", "d@example.org"]
    send(address)
    assert [m["To"] for m in mailbox.mails] == [t.recipient for t in targets]
    assert not any(m["Cc"] or m["Bcc"] for m in mailbox.mails)


def test_a_recipient_who_is_named_twice_gets_one_mail(mailbox: Mailbox) -> None:
    assert len(expand(mailbox.address("a@example.org", "a@example.org") + "&cc=a@example.org")) == 1


@pytest.mark.parametrize("to", ["broken", "ops@example.org,broken", "@", "ops@example.org&cc=broken", "&bcc=broken"])
def test_a_recipient_that_is_no_address_is_told_and_not_dropped(to: str) -> None:
    with pytest.raises(ChannelError, match=r"'(broken|@)' is not a mail address"):
        expand(f"mailto://mail.example.org?from=navtex@example.org&to={to}")
    with pytest.raises(ChannelError, match="'broken' is not a mail address"):
        expand("mailto://mail.example.org/ops@example.org/broken?from=navtex@example.org")


@pytest.mark.parametrize(
    ("rest", "recipients"),
    [
        ("?to=ops%2Bdocker@example.org", ["ops+docker@example.org"]),
        ("?to=Ops%20Team%3COps@example.org%3E", ["Ops@example.org"]),
        ("?to=a@example.org%20b@example.org", ["a@example.org", "b@example.org"]),
        ("/a@example.org/b@example.org?verify=yes", ["a@example.org", "b@example.org"]),
        ("?verify=yes", ["navtex@example.org"]),
    ],
)
def test_recipients_may_be_written_in_several_ways(rest: str, recipients: list[str]) -> None:
    found = expand(f"mailto://mail.example.org{rest}&from=navtex@example.org")
    assert [t.recipient for t in found] == recipients


@pytest.mark.parametrize(
    ("query", "sender", "shown"),
    [
        ("from=navtex@example.org", "", "Navtex <navtex@example.org>"),
        ("from=Security%20News%3Cnews@example.org%3E", "", "Security News <news@example.org>"),
        ("from=navtex@example.org", "Team <team@example.org>", "Navtex <navtex@example.org>"),
        ("", "Team <team@example.org>", "Team <team@example.org>"),
        ("", "team@example.org", "Navtex <team@example.org>"),
    ],
)
def test_the_sender_is_the_addresss_own_else_the_configured_one(
    mailbox: Mailbox, query: str, sender: str, shown: str
) -> None:
    send(f"mailto://localhost:{mailbox.port}?to=ops@example.org&{query}", sender=sender)
    assert mailbox.mails[0]["From"] == shown


def test_text_in_any_script_arrives_as_it_is(mailbox: Mailbox) -> None:
    message = Message(
        "k", "[Navtex] Größe 大きさ", "Zeile ñ 行\n" + "x" * 2000 + "\n", "<p>ñ 行</p>", "[]", MESSAGE.created_at
    )
    send(mailbox.address(), message)
    (mail,) = mailbox.mails
    assert mail["Subject"] == message.subject
    assert text_of(mail) == message.text
    assert html_of(mail).strip() == message.html


def test_many_mails_go_over_one_connection() -> None:
    peers = set()

    class Watching(Mailbox):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            peers.add(session.peer)
            return await super().handle_DATA(server, session, envelope)

    box = Watching()
    with listening(box):
        send(box.address("a@example.org", "b@example.org"), MESSAGE, OTHER)
    assert len(box.mails) == 4
    assert len(peers) == 1


@pytest.mark.parametrize(("answer", "permanent"), [("550 no such user", True), ("450 greylisted", False)])
def test_a_refused_recipient_is_told_and_the_others_still_get_theirs(
    mailbox: Mailbox, answer: str, permanent: bool
) -> None:
    mailbox.refuse["gone@example.org"] = answer
    first, gone, last = expand(mailbox.address("a@example.org", "gone@example.org", "z@example.org"))
    with MessageSender() as courier:
        courier.deliver(first, MESSAGE)
        with pytest.raises(ChannelError, match=answer) as error:
            courier.deliver(gone, MESSAGE)
        courier.deliver(last, MESSAGE)
    assert error.value.permanent is permanent
    assert "gone@example.org" in str(error.value)
    assert [m["To"] for m in mailbox.mails] == ["a@example.org", "z@example.org"]


@pytest.mark.parametrize(
    ("answer", "permanent"), [(b"452 mailbox full", False), (b"554 looks like spam", True), (b"421 going down", False)]
)
def test_a_mail_that_the_server_does_not_take_is_an_error_with_its_words(answer: bytes, permanent: bool) -> None:
    server = Script(data_answer=answer)
    with served(server), pytest.raises(ChannelError) as error:
        send(f"mailto://127.0.0.1:{server.port}?from=a@example.org&to=b@example.org")
    assert answer.decode() in str(error.value)
    assert error.value.permanent is permanent


def test_a_server_that_is_gone_is_a_temporary_error_that_names_it(mailbox: Mailbox) -> None:
    with served(gone := Script()):
        pass
    with pytest.raises(ChannelError, match=f"127.0.0.1:{gone.port}") as error:
        send(f"mailto://127.0.0.1:{gone.port}?from=a@example.org&to=b@example.org")
    assert not error.value.permanent
    assert error.value.retry_at is None


@pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 idle for too long"])
def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(farewell: bytes) -> None:
    server = Script(farewell)
    (target,) = expand(f"mailto://127.0.0.1:{server.port}?from=a@example.org&to=b@example.org")
    with served(server), MessageSender() as courier:
        courier.deliver(target, MESSAGE)
        assert server.hung_up.acquire(timeout=10)
        courier.deliver(target, OTHER)
    assert len(server.mails) == 2
    assert server.connections == 2


@pytest.fixture
def secure(certificate: Path) -> Iterator[Mailbox]:
    """A mail server that speaks TLS from the first byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box = Mailbox()
    with listening(box, ssl_context=context):
        yield box


def test_a_certificate_is_verified_with_the_users_bundle(secure: Mailbox, certificate: Path) -> None:
    address = f"mailtos://127.0.0.1:{secure.port}?mode=ssl&from=navtex@example.org&to=ops@example.org"
    with pytest.raises(ChannelError, match="certificate") as error:
        send(address)
    assert not error.value.permanent
    assert secure.mails == []
    send(address, ca_bundle=str(certificate))
    assert len(secure.mails) == 1


def test_a_certificate_goes_unverified_only_where_the_address_says_so(secure: Mailbox) -> None:
    send(f"mailtos://127.0.0.1:{secure.port}?mode=ssl&verify=no&from=navtex@example.org&to=ops@example.org")
    assert len(secure.mails) == 1


def test_a_password_is_in_no_error() -> None:
    with served(gone := Script()):
        pass
    target = Target(f"mailto://me:hunter2@127.0.0.1:{gone.port}?from=a@example.org&to=b@example.org", "b@example.org")
    with MessageSender() as courier, pytest.raises(ChannelError) as error:
        courier.deliver(target, MESSAGE)
    assert "hunter2" not in str(error.value)


@pytest.fixture
def starting(certificate: Path) -> Iterator[Mailbox]:
    """A mail server that offers STARTTLS and takes no mail without it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box = Mailbox()
    with listening(box, tls_context=context, require_starttls=True):
        yield box


def test_starttls_is_used_and_its_certificate_is_verified(starting: Mailbox, certificate: Path) -> None:
    address = f"mailtos://127.0.0.1:{starting.port}?from=navtex@example.org&to=ops@example.org"
    with pytest.raises(ChannelError, match="certificate"):
        send(address)
    assert starting.mails == []
    send(address, MESSAGE, OTHER, ca_bundle=str(certificate))
    assert len(starting.mails) == 2


def test_a_server_without_starttls_gets_no_mail_in_the_clear_and_may_offer_it_later(mailbox: Mailbox) -> None:
    for address, what in (("mailtos://127.0.0.1", "STARTTLS"), ("mailto://u:p@127.0.0.1", "AUTH")):
        with pytest.raises(ChannelError, match=what) as error:
            send(f"{address}:{mailbox.port}?from=navtex@example.org&to=ops@example.org")
        assert not error.value.permanent
    assert mailbox.mails == []


def test_a_login_that_is_refused_is_not_tried_again() -> None:
    def nobody(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    box = Mailbox()
    with (
        listening(box, authenticator=nobody, auth_require_tls=False),
        pytest.raises(ChannelError, match="refused the login: 535") as error,
    ):
        send(f"mailto://me:hunter2@127.0.0.1:{box.port}?from=navtex@example.org&to=ops@example.org&mode=insecure")
    assert error.value.permanent
    assert "hunter2" not in str(error.value)


def test_an_update_is_in_the_thread_of_the_digest_that_told_of_it_first(mailbox: Mailbox) -> None:
    update = msgspec.structs.replace(MESSAGE, key="fedcba9876543210", thread=MESSAGE.key)
    send(mailbox.address("a@example.org", "b@example.org"), MESSAGE, update)
    first = {m["To"]: m["Message-ID"] for m in mailbox.mails[:2]}
    assert len(set(first.values())) == 2
    for mail in mailbox.mails[2:]:
        assert mail["In-Reply-To"] == mail["References"] == first[mail["To"]]
        assert mail["Message-ID"] != first[mail["To"]]
    assert all(m["In-Reply-To"] is None for m in mailbox.mails[:2])


def test_a_mail_says_how_to_get_no_more_of_them_where_that_is_configured(mailbox: Mailbox) -> None:
    (target,) = expand(mailbox.address())
    with MessageSender(unsubscribe="mailto:ops@example.org?subject=unsubscribe") as courier:
        courier.deliver(target, MESSAGE)
    send(mailbox.address())
    said, silent = mailbox.mails
    assert said["List-Unsubscribe"] == "<mailto:ops@example.org?subject=unsubscribe>"
    assert silent["List-Unsubscribe"] is None


def test_the_bytes_of_a_mail_follow_from_the_message_alone_and_its_lines_are_short() -> None:
    mails = [compose(MESSAGE, "Größe <a@example.org>", "b@example.org").as_bytes() for _ in range(2)]
    assert mails[0] == mails[1]
    assert max(map(len, mails[0].split(b"\r\n"))) <= 78
    assert mails[0].isascii()


@pytest.mark.parametrize(
    "subject",
    ["plain", "x" * 900, "ñ" * 300, "=?utf-8?q?forged?=", "a\r\nBcc: x@example.org", "\u202ehidden", "tab\there", ""],
)
def test_a_subject_is_one_header_whatever_it_holds(subject: str) -> None:
    message = msgspec.structs.replace(MESSAGE, subject=subject)
    data = compose(message, "Navtex <a@example.org>", "b@example.org").as_bytes()
    mail = email.message_from_bytes(data, policy=email.policy.default)
    wanted = " ".join("".join(c if c.isprintable() else " " for c in subject).split())
    assert (mail["Subject"] or "") == wanted
    assert mail["Bcc"] is None
    assert mail["To"] == "b@example.org"
    assert max(map(len, data.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("name", ["Größe", 'O"Neil', "A, B", "=?utf-8?q?x?=", "大きさ"])
def test_a_senders_name_may_be_anything(name: str) -> None:
    quoted = name.replace('"', '\\"')
    mail = email.message_from_bytes(
        compose(MESSAGE, f'"{quoted}" <a@example.org>', "b@example.org").as_bytes(), policy=email.policy.default
    )
    assert mail["From"].addresses[0].display_name == name
    assert mail["From"].addresses[0].addr_spec == "a@example.org"


@pytest.mark.parametrize(
    "recipient", ["a@b\r\nBcc: c@d", "a b@example.org", "<a@example.org>", "a@", "@b", "a,b@c", ""]
)
def test_a_recipient_that_could_be_more_than_one_is_none(recipient: str) -> None:
    with pytest.raises(ChannelError, match="is not a mail address") as error:
        compose(MESSAGE, "a@example.org", recipient)
    assert error.value.permanent


def test_a_domain_in_any_script_goes_out_in_ascii(mailbox: Mailbox) -> None:
    with MessageSender() as courier:
        courier.deliver(Target(mailbox.address(), "ops@bücher.example"), MESSAGE)
    assert [m["To"] for m in mailbox.mails] == ["ops@xn--bcher-kva.example"]


@pytest.mark.parametrize("takes", [True, False])
def test_a_name_in_any_script_needs_a_server_that_takes_it(takes: bool) -> None:
    box = Mailbox()
    with listening(box, enable_SMTPUTF8=takes), MessageSender() as courier:
        target = Target(box.address(), "öps@example.org")
        if takes:
            courier.deliver(target, MESSAGE)
        else:
            with pytest.raises(ChannelError, match="SMTPUTF8") as error:
                courier.deliver(target, MESSAGE)
            assert error.value.permanent
    assert [m["To"] for m in box.mails] == ["öps@example.org"] * takes


QUICK = Limits(connect=5, idle=5, total=0.3)


@pytest.mark.parametrize(
    ("says", "drips"), [(b"", b""), (b"2", b""), (b"220-on\r\n", b""), (b"220-", b"x"), (b"220 a\r\n", b"")]
)
def test_a_server_that_hangs_or_drips_is_left_after_a_while(says: bytes, drips: bytes) -> None:
    with hanging(says, drips) as port, MessageSender(limits=QUICK) as courier:
        (target,) = expand(f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org")
        with pytest.raises(ChannelError, match=r"took longer than 0\.3 seconds") as error:
            courier.deliver(target, MESSAGE)
    assert error.value.unreachable
    assert not error.value.permanent


def test_a_server_that_never_ends_its_answer_is_left() -> None:
    with hanging(b"220-more\r\n" * 200) as port, MessageSender() as courier:
        (target,) = expand(f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org")
        with pytest.raises(ChannelError, match="cannot be reached"):
            courier.deliver(target, MESSAGE)


def test_a_mail_that_is_refused_leaves_the_connection_to_the_next() -> None:
    answers = ["554 spam", "250 taken"]

    class Choosy(Mailbox):
        peers: ClassVar[set[Any]] = set()

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            self.peers.add(session.peer)
            await super().handle_DATA(server, session, envelope)
            return answers.pop(0)

    box = Choosy()
    with listening(box), MessageSender() as courier:
        (target,) = expand(box.address())
        with pytest.raises(ChannelError, match="554 spam"):
            courier.deliver(target, MESSAGE)
        courier.deliver(target, OTHER)
    assert len(box.peers) == 1


def test_lines_that_begin_with_a_dot_arrive_as_they_are(mailbox: Mailbox) -> None:
    text = ".\n..two\n.three\n"
    send(mailbox.address(), msgspec.structs.replace(MESSAGE, text=text))
    assert text_of(mailbox.mails[0]) == text
