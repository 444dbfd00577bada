"""Mail: our own plain text and HTML, a Message-ID that is the same at every try, one connection for many."""

from __future__ import annotations

import binascii
import hashlib
import re
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime, parseaddr, quote
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from feeds.errors import ChannelError
from notifier.channels.addresses import Target, parse
from notifier.channels.limits import Limits, Watchdog
from notifier.render import Message

_LINES = 100
"""Lines that one answer of a mail server may have."""


class Post:
    """Mail servers, each with a connection that stays open for the next mail.

    `sender` is used for mails whose address names none; `unsubscribe` stands in List-Unsubscribe.
    """

    def __init__(self, sender: str, unsubscribe: str, ca_bundle: str, limits: Limits, watchdog: Watchdog) -> None:
        self._sender, self._unsubscribe = sender, unsubscribe
        self._ca_bundle = ca_bundle or None
        self._limits, self._watchdog = limits, watchdog
        self._connections: dict[tuple[str, int, str, str, bool], smtplib.SMTP] = {}

    def close(self) -> None:
        """Say goodbye to every server."""
        for connection in self._connections.values():
            with suppress(OSError, smtplib.SMTPException), self._watchdog.within(5, partial(_cut, connection)):
                connection.quit()
        self._connections.clear()

    def send(self, parsed: Any, target: Target, message: Message) -> str:
        """Send a message to a recipient. Returns what the server answered; ChannelError where it failed."""
        mail = compose(
            message,
            _from(target.address, self._sender),
            target.recipient,
            reply_to=sorted(parsed.reply_to),
            unsubscribe=self._unsubscribe,
        )
        key = (parsed.smtp_host, parsed.port or 0, parsed.secure_mode, parsed.user or "", parsed.verify_certificate)
        held: list[smtplib.SMTP] = []
        with self._watchdog.within(self._limits.total, lambda: _cut(*held)):
            for again in (True, False):
                reused = key in self._connections
                try:
                    if not reused:
                        self._connections[key] = self._connect(parsed, held)
                    held[:] = [self._connections[key]]
                    _hand_over(held[0], mail)
                except smtplib.SMTPRecipientsRefused as error:
                    with suppress(OSError, smtplib.SMTPException):
                        self._connections[key].rset()
                    raise _refused(parsed, target, error) from error
                except (OSError, smtplib.SMTPException, ValueError) as error:
                    if key in self._connections and not _usable(error):
                        self._connections.pop(key).close()
                    if again and reused and _hung_up(error) and not self._watchdog.bitten:
                        continue
                    raise _error(parsed, error, self._limits if self._watchdog.bitten else None) from error
                break
        return f"accepted by {parsed.smtp_host}"

    def _connect(self, parsed: Any, held: list[smtplib.SMTP]) -> smtplib.SMTP:
        mode = parsed.secure_mode
        port = parsed.port or {"ssl": 465, "starttls": 587}.get(mode, 25)
        connection: smtplib.SMTP = _Tls(self._context(parsed), self._limits) if mode == "ssl" else _Plain(self._limits)
        held[:] = [connection]
        try:
            code, said = connection.connect(parsed.smtp_host, port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if mode == "starttls":
                connection.starttls(context=self._context(parsed))
            if parsed.user and parsed.password:
                connection.login(parsed.user, parsed.password)
        except (OSError, smtplib.SMTPException):
            connection.close()
            raise
        return connection

    def _context(self, parsed: Any) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_bundle)
        if not parsed.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _Plain(smtplib.SMTP):
    """A connection with a time to connect of its own, that takes no endless answer."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        super().__init__(timeout=limits.idle)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        self._host = host  # the name that STARTTLS verifies
        return super().connect(host, port, source_address)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), self._limits.connect, self.source_address)
        connection.settimeout(timeout)
        return connection

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        if isinstance(self.file, _Bounded):
            self.file.lines = 0
        return super().getreply()


class _Tls(_Plain):
    """The same, with TLS from the first byte."""

    default_port = smtplib.SMTP_SSL_PORT

    def __init__(self, context: ssl.SSLContext, limits: Limits) -> None:
        self._context = context
        super().__init__(limits)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


class _Bounded:
    """A mail server's lines, up to so many an answer."""

    def __init__(self, file: Any) -> None:
        self._file, self.lines = file, 0

    def readline(self, size: int = -1) -> bytes:
        self.lines += 1
        if self.lines > _LINES:
            raise OSError("its answer does not end")
        line: bytes = self._file.readline(size)
        return line

    def close(self) -> None:
        self._file.close()


def _cut(*connections: smtplib.SMTP) -> None:
    for connection in connections:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _hand_over(connection: smtplib.SMTP, mail: Mail) -> None:
    """Send one mail; an address that is not ASCII needs a server that takes it."""
    options: list[str] = []
    if not (mail.sender + mail.recipient).isascii():
        connection.ehlo_or_helo_if_needed()
        if not connection.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError("it takes no address that is not ASCII (SMTPUTF8)")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    connection.sendmail(mail.sender, [mail.recipient], mail.as_bytes(), options)


@lru_cache(maxsize=1024)
def _from(address: str, configured: str) -> str:
    parsed = parse(address)
    name, named = parsed.from_addr
    if configured and not parsed.user and "from" not in parse_qs(urlsplit(address).query):
        name, named = parseaddr(configured)
    return f"{name} <{named}>" if name and name != "Apprise" else f"Navtex <{named}>"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes over the wire. Made by hand: the email package takes four milliseconds for one."""

    sender: str
    recipient: str
    headers: dict[str, str]
    body: bytes

    def as_bytes(self) -> bytes:
        """All of it, with the lines ended as mail has them."""
        head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        return (head.encode() + b"\n" + self.body).replace(b"\n", b"\r\n")


def compose(
    message: Message, sender: str, recipient: str, *, reply_to: list[str] | None = None, unsubscribe: str = ""
) -> Mail:
    """The mail of a message to a recipient: every byte of it follows from these values, so a repeat is the same.

    The Message-ID is made of the digest's key and the recipient. `message.thread`, the key of an earlier
    digest, puts the mail into its thread. ChannelError where an address is none.
    """
    name, address = _sender(sender)
    whom, key = _address(recipient), _line(message.key)
    domain = address.rpartition("@")[2]
    headers = {
        "From": f"{name} <{address}>",
        "To": whom,
        "Reply-To": ", ".join(_address(parseaddr(r)[1]) for r in reply_to or ()),
        "Subject": _words(message.subject, len("Subject: ")),
        "Date": format_datetime(message.created_at),
        "Message-ID": _id(key, recipient, domain),
    }
    if message.thread and message.thread != message.key:
        headers["In-Reply-To"] = headers["References"] = _id(_line(message.thread), recipient, domain)
    headers |= {
        "X-Navtex-Digest": key,
        "Auto-Submitted": "auto-generated",
        "Precedence": "list",
        "List-Unsubscribe": f"<{unsubscribe}>" if unsubscribe else "",
        "MIME-Version": "1.0",
        # quoted-printable writes "=" as "=3D", so "=_" can stand in no part
        "Content-Type": f'multipart/alternative;\n boundary="=_{key}"',
    }
    body = b"".join([_part(key, message.text, "plain"), _part(key, message.html, "html"), f"--=_{key}--\n".encode()])
    return Mail(address, whom, {n: v for n, v in headers.items() if v}, body)


def _part(key: str, text: str, subtype: str) -> bytes:
    """One part, in lines of at most 76 characters, whatever the text has."""
    head = f'--=_{key}\nContent-Type: text/{subtype}; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n'
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return head.encode() + binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True) + b"\n"


@lru_cache(maxsize=4096)
def _address(address: str) -> str:
    """An address as a header and an envelope may have it: nothing that ends it, its domain in ASCII."""
    local, _, domain = address.rpartition("@")
    if not re.fullmatch(r"[^\s<>()\[\]\\,;:\"@\x00-\x1f\x7f]+", local) or not re.fullmatch(r"[^\s<>(),;:\"@]+", domain):
        raise ChannelError(f"{_line(address)!r} is no mail address", permanent=True)
    return f"{local}@{_ascii(domain)}"


@lru_cache(maxsize=1024)
def _sender(sender: str) -> tuple[str, str]:
    """A sender's name, as a header has it, and address."""
    name, address = parseaddr(sender)
    return _name(_line(name)), _address(address)


def _name(name: str) -> str:
    return (
        f'"{quote(name)}"'
        if name.isascii() and "=?" not in name and not re.fullmatch(r"[\w ]*", name)
        else _words(name)
    )


def _words(text: str, before: int = 0) -> str:
    """A header's text, folded, and encoded where it is not ASCII."""
    text = _line(text)
    if text.isascii() and len(text) + before <= 76 and "=?" not in text:
        return text
    # "=?" in a source's words must not be read as an encoding, and a long word can be folded only where it is encoded
    simple = text.isascii() and "=?" not in text and max(map(len, text.split()), default=0) < 60
    charset = "us-ascii" if simple else "utf-8"
    return str(Header(text, charset, header_name="x" * max(before - 2, 0)).encode())


@lru_cache(maxsize=4096)
def _mark(recipient: str) -> str:
    return hashlib.sha256(recipient.lower().encode()).hexdigest()[:8]


def _id(key: str, recipient: str, domain: str) -> str:
    return f"<{key}.{_mark(recipient)}.navtex@{domain}>"


@lru_cache(maxsize=256)
def _ascii(domain: str) -> str:
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        raise ChannelError(f"{_line(domain)!r} is no domain", permanent=True) from None


def _line(text: str) -> str:
    """A header's value as one line, whatever it held."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def _usable(error: Exception) -> bool:
    """Whether the connection can carry the next mail: the server only refused this one."""
    return isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused) and error.smtp_code != 421


def _hung_up(error: Exception) -> bool:
    """Whether the server only closed a connection that was idle; many say 421 before they do."""
    return isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError) or getattr(error, "smtp_code", 0) == 421


def _refused(parsed: Any, target: Target, error: smtplib.SMTPRecipientsRefused) -> ChannelError:
    code, said = next(iter(error.recipients.values()))
    return ChannelError(
        f"{target.recipient} is refused: {code} {decoded(said)}", where=parsed.smtp_host, permanent=code >= 500
    )


def _error(parsed: Any, error: Exception, cut: Limits | None) -> ChannelError:
    where = f"{parsed.smtp_host}:{parsed.port or {'ssl': 465, 'starttls': 587}.get(parsed.secure_mode, 25)}"
    if cut:
        return ChannelError(f"the mail server took longer than {cut.total:g} seconds", where=where, unreachable=True)
    if isinstance(error, smtplib.SMTPResponseException):
        greeting = isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError) or error.smtp_code == 421
        does = "refuses the login:" if isinstance(error, smtplib.SMTPAuthenticationError) else "says"
        return ChannelError(
            f"the mail server {does} {error.smtp_code} {decoded(error.smtp_error)}",
            where=where,
            permanent=500 <= error.smtp_code < 600 and not greeting,
            unreachable=greeting,
        )
    if isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError):
        return ChannelError(f"the mail server cannot be used so: {error}", where=where, permanent=True)
    return ChannelError(f"the mail server cannot be reached: {error}", where=where, unreachable=True)


def decoded(said: bytes | str) -> str:
    """What a server said, as one short line."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return _line(text)[:300]
