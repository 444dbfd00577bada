"""Mail: our own plain text and HTML, a Message-ID that is the same at every attempt, one connection for many."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parseaddr, quote
from functools import partial
from typing import Any

from feeds.core.errors import ChannelError
from feeds.core.text import one_line
from notifier.channels.limits import Limits, Watchdog
from notifier.channels.mail_address import MailAddress
from notifier.channels.mime import Mail, compose
from notifier.domain.messages import Message, Target

_LINES = 100
"""Lines that one answer of a mail server may have."""


class SmtpClient:
    """Mail servers, each with a connection that stays open for the next mail.

    `sender` is used for mails whose address names none; `unsubscribe` stands in List-Unsubscribe.
    """

    def __init__(self, sender: str, unsubscribe: str, ca_bundle: str, limits: Limits, watchdog: Watchdog) -> None:
        self._sender, self._unsubscribe = sender, unsubscribe
        self._ca_bundle = ca_bundle or None
        self._limits, self._watchdog = limits, watchdog
        self._connections: dict[tuple[str, int, str, str, bool], _Plain] = {}

    def close(self) -> None:
        """Say goodbye to every server."""
        for connection in self._connections.values():
            with suppress(OSError, smtplib.SMTPException), self._watchdog.within(5, partial(_cut, connection)):
                connection.quit()
        self._connections.clear()

    def send(self, parsed: MailAddress, target: Target, message: Message, one_click: str = "") -> str:
        """Send a message to a recipient, who unsubscribes at `one_click`.

        Returns what the server answered; ChannelError where it failed.
        """
        mail = compose(
            message,
            _from(parsed, self._sender),
            target.recipient,
            reply_to=sorted(parsed.reply_to),
            unsubscribe=self._unsubscribe,
            one_click=one_click,
        )
        held: list[_Plain] = []
        with self._watchdog.within(self._limits.total, lambda: _cut(*held)):
            if not self._try(parsed, target, mail, held):
                self._try(parsed, target, mail, held)
        return f"accepted by {parsed.smtp_host}"

    def _try(self, parsed: MailAddress, target: Target, mail: Mail, held: list[_Plain]) -> bool:
        """Hand a mail over; false if the server had hung up on an idle connection, so that another is needed."""
        key = (parsed.smtp_host, parsed.port, parsed.secure_mode, parsed.user, parsed.verify_certificate)
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
            unanswered = bool(held) and held[0].unanswered
            if key in self._connections and not _usable(error):
                self._connections.pop(key).close()
            if reused and _hung_up(error) and not unanswered and not self._watchdog.bitten:
                return False
            cut = self._limits if self._watchdog.bitten else None
            raise _error(parsed, error, cut, unanswered=unanswered) from error
        return True

    def _connect(self, parsed: MailAddress, held: list[_Plain]) -> _Plain:
        mode = parsed.secure_mode
        connection = _Tls(self._context(parsed), self._limits) if mode == "ssl" else _Plain(self._limits)
        held[:] = [connection]
        try:
            code, said = connection.connect(parsed.smtp_host, parsed.port)
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

    def _context(self, parsed: MailAddress) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_bundle)
        if not parsed.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _NoUtf8(smtplib.SMTPNotSupportedError):
    """The server takes ASCII addresses only."""


class _Plain(smtplib.SMTP):
    """A connection with a time to connect of its own, that takes no endless answer."""

    unanswered = False
    """Whether a mail was sent whole, and nothing was answered: it may have arrived."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        super().__init__(timeout=limits.idle)

    # smtplib parses both addresses and rewrites every line once more, though all were checked when the mail was
    # composed: without these three methods, 1,000 mails take 1.4 times as long as the bare library, with them 1.25

    def mail(self, sender: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        """Send MAIL FROM."""
        if "SMTPUTF8" in options:
            self.command_encoding = "utf-8"
        return self.docmd("MAIL", " ".join((f"FROM:<{sender}>", *options)))

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        """Send RCPT TO."""
        return self.docmd("RCPT", " ".join((f"TO:<{recip}>", *options)))

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send DATA, and the mail, whose lines end in CRLF."""
        code, said = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        self.send(msg.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        self.unanswered = True
        answer = self.getreply()
        self.unanswered = False
        return answer

    def login(self, user: str, password: str, *, initial_response_ok: bool = True) -> tuple[int, bytes]:
        """Log in. smtplib sends a login in ASCII only; RFC 4616 has PLAIN in UTF-8, and servers read LOGIN as UTF-8."""
        if (user + password).isascii():
            return super().login(user, password, initial_response_ok=initial_response_ok)
        self.ehlo_or_helo_if_needed()
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            said = self.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
        elif "LOGIN" in offered:
            said = self.docmd("AUTH", f"LOGIN {_base64(user)}")
            said = self.docmd(_base64(password)) if said[0] == 334 else said
        else:
            raise smtplib.SMTPNotSupportedError("it offers neither PLAIN nor LOGIN, which a UTF-8 login needs")
        if said[0] not in (235, 503):
            raise smtplib.SMTPAuthenticationError(*said)
        return said

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


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class _Bounded:
    """A mail server's lines, up to so many an answer."""

    def __init__(self, file: Any) -> None:
        self._file, self.lines = file, 0

    def readline(self, size: int = -1) -> bytes:
        self.lines += 1
        if self.lines > _LINES:
            raise OSError("its answer is too long")
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
            raise _NoUtf8("it accepts only ASCII addresses (no SMTPUTF8)")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    connection.sendmail(mail.sender, [mail.recipient], mail.as_bytes(), options)


def _from(parsed: MailAddress, configured: str) -> str:
    """The sender: the address's own, else the configured one; a name is quoted once, whatever it holds."""
    name, address = parsed.sender_name, parsed.sender
    if not address:
        configured_name, address = parseaddr(configured)
        name = name or configured_name
    return f'"{quote(name or "Navtex")}" <{address or "navtex@localhost"}>'


def _usable(error: Exception) -> bool:
    """Whether the connection can carry the next mail: the server only refused this one."""
    return isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused) and error.smtp_code != 421


def _hung_up(error: Exception) -> bool:
    """Whether the server only closed a connection that was idle; many say 421 before they do."""
    return isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError) or getattr(error, "smtp_code", 0) == 421


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _refused(parsed: MailAddress, target: Target, error: smtplib.SMTPRecipientsRefused) -> ChannelError:
    code, said = next(iter(error.recipients.values()))
    return ChannelError(
        f"{target.recipient} was refused: {code} {decoded(said)}", where=parsed.smtp_host, permanent=code >= 500
    )


def _error(parsed: MailAddress, error: Exception, cut: Limits | None, *, unanswered: bool) -> ChannelError:
    where = f"{parsed.smtp_host}:{parsed.port}"
    sent = "; the mail was sent and may have arrived, so it may arrive twice" if unanswered else ""
    if cut:
        said = f"the mail server took longer than {cut.total:g} seconds{sent}"
        return ChannelError(said, where=where, unreachable=True)
    if isinstance(error, smtplib.SMTPResponseException):
        greeting = isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError) or error.smtp_code == 421
        does = "refused the login:" if isinstance(error, smtplib.SMTPAuthenticationError) else "answered"
        return ChannelError(
            f"the mail server {does} {error.smtp_code} {decoded(error.smtp_error)}",
            where=where,
            permanent=500 <= error.smtp_code < 600 and not greeting,
            unreachable=greeting,
            too_large=error.smtp_code in (523, 552) or b"5.3.4" in _bytes(error.smtp_error),
        )
    if isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError):
        # STARTTLS or a login may be back: one server of several is set up wrongly, or somebody in between took it out
        never = isinstance(error, _NoUtf8 | UnicodeError)
        return ChannelError(f"the mail server does not support this: {error}", where=where, permanent=never)
    return ChannelError(f"the mail server cannot be reached: {error}{sent}", where=where, unreachable=True)


def decoded(said: bytes | str) -> str:
    """What a server said, as one short line."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return one_line(text)[:300]
