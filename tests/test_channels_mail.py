from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from feeds.errors import ChannelError
from notifier.channels import Courier, Target, expand
from notifier.render import Message, render
from tests.conftest import Mailbox, html_of, listening, text_of
from tests.digests import NEWS
from tests.loopback import Script, served

MESSAGE = render(NEWS)
OTHER = render(NEWS)


def send(address: str, *messages: Message, sender: str = "", ca_bundle: str = "") -> list[str]:
    """Deliver messages to all targets of an address with one courier; what was answered comes back."""
    with Courier(sender=sender, ca_bundle=ca_bundle) as courier:
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
    with pytest.raises(ChannelError, match=r"'(broken|@)' is no mail address"):
        expand(f"mailto://mail.example.org?from=navtex@example.org&to={to}")
    with pytest.raises(ChannelError, match="'broken' is no mail address"):
        expand("mailto://mail.example.org/ops@example.org/broken?from=navtex@example.org")


@pytest.mark.parametrize(
    ("rest", "recipients"),
    [
        ("?to=ops%2Bdocker@example.org", ["ops+docker@example.org"]),
        ("?to=Ops%20Team%3COps@example.org%3E", ["Ops@example.org"]),
        ("?to=a@example.org%20b@example.org", ["a@example.org", "b@example.org"]),
        ("/a@example.org/b@example.org?x=", ["a@example.org", "b@example.org"]),
        ("?x=", ["navtex@example.org"]),
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
    with Courier() as courier:
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
    with served(server), Courier() as courier:
        courier.deliver(target, MESSAGE)
        assert server.hung_up.acquire(timeout=10)
        courier.deliver(target, OTHER)
    assert len(server.mails) == 2
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(
            name, name, secret.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "mail.pem"
    key = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(key + made.public_bytes(serialization.Encoding.PEM))
    return path


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
    with Courier() as courier, pytest.raises(ChannelError) as error:
        courier.deliver(target, MESSAGE)
    assert "hunter2" not in str(error.value)
