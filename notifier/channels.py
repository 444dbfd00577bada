"""Channels: the only import of apprise, smtplib and slack_sdk.

Apprise's addresses are the one way to name a channel, and Apprise delivers to its hundred services.
Mail and Slack go out natively, configured from the parsed address: mail with our own plain text and
HTML, a Message-ID that is the same at every try, and one connection for many; Slack as blocks.
`file:///folder` writes the message into a folder.
"""

from __future__ import annotations

import json
import logging
import re
import smtplib
import ssl
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

from feeds.errors import ChannelError
from notifier.render import Message

_SLACK = "https://hooks.slack.com/services"
_BLOCKS = 50
"""Slack takes this many blocks a message (docs.slack.dev, "Blocks")."""
_TIMEOUT = 30
_TOLD = ("WARNING", "ERROR", "CRITICAL")
"""Of what Apprise logs; its debugging quotes addresses."""


class Target(NamedTuple):
    """Where one message goes: a channel's address, and one of its recipients where it has several."""

    address: str
    recipient: str = ""


def expand(address: str) -> tuple[Target, ...]:
    """The targets of an address, one a recipient, so that one failing recipient delays no other.

    ChannelError where the address cannot be understood.
    """
    if _scheme(address) == "file":
        _folder(address)
        return (Target(address),)
    parsed = _parse(address)
    if not _is_mail(parsed):
        return (Target(address),)
    found = [e[1] for e in parsed.targets] + sorted(parsed.cc) + sorted(parsed.bcc)
    for named in _recipients(address):
        # Apprise leaves out what it takes for no mail address, and says nothing
        if not any(f.lower() in named.lower() for f in found):
            raise ChannelError(f"{named!r} is no mail address", remedy="See docs/reference/channels.md")
    return tuple(Target(address, r) for r in dict.fromkeys(found))


def _recipients(address: str) -> list[str]:
    """The recipients that a mail address names, as they are written."""
    parts = urlsplit(address)
    fields = [pair.partition("=") for pair in parts.query.split("&")]
    named = [value for name, _, value in fields if name in ("to", "cc", "bcc")] + parts.path.split("/")
    return [n.strip() for text in named for n in re.split("[,;]", unquote(text)) if n.strip()]


def shown(address: str) -> str:
    """The address as it may be shown: without passwords and tokens."""
    if _scheme(address) == "file":
        return address
    try:
        return str(_parse(address).url(privacy=True)).partition("?")[0]
    except ChannelError:
        return f"{_scheme(address)}://****"


def _scheme(address: str) -> str:
    return address.partition(":")[0].strip().lower()


def _parse(address: str) -> Any:
    """Apprise's object for an address; ChannelError where it understands none. The address itself is not shown."""
    import apprise

    # what it logs quotes addresses, which may hold passwords
    log = logging.getLogger("apprise")
    log.handlers, log.propagate = [logging.NullHandler()], False
    parsed = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if parsed is None:
        hint = (
            "; a mailto:// address needs from=ADDRESS and to=ADDRESS" if _scheme(address).startswith("mailto") else ""
        )
        raise ChannelError(
            f"the {_scheme(address)}:// address cannot be understood{hint}", remedy="See docs/reference/channels.md"
        )
    return parsed


def _is_mail(parsed: Any) -> bool:
    return type(parsed).__name__ == "NotifyEmail"


class Courier:
    """Delivers messages; a context manager that keeps mail connections open for the next message.

    `sender` is used for mails whose address names none; `slack` is where Slack's webhooks are.
    """

    def __init__(self, *, sender: str = "", ca_bundle: str = "", slack: str = _SLACK) -> None:
        self._sender = sender
        self._ca_bundle = ca_bundle or None
        self._slack = slack
        self._connections: dict[tuple[str, int, str, str], smtplib.SMTP] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()

    def deliver(self, target: Target, message: Message) -> str:
        """Send a message to a target. Returns what the channel answered; ChannelError where it failed."""
        if _scheme(target.address) == "file":
            return _write(_folder(target.address), message)
        parsed = _parse(target.address)
        if _is_mail(parsed):
            return self._mail(parsed, target, message)
        if type(parsed).__name__ == "NotifySlack":
            return self._post(parsed, message)
        return _notify(parsed, message)

    # mail

    def _mail(self, parsed: Any, target: Target, message: Message) -> str:
        mail = compose(message, self._from(parsed, target.address), target.recipient, reply_to=sorted(parsed.reply_to))
        key = (parsed.smtp_host, parsed.port or 0, parsed.secure_mode, parsed.user or "")
        reused = key in self._connections
        try:
            connection = self._connections.get(key) or self._connect(parsed)
            self._connections[key] = connection
            connection.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            with suppress(smtplib.SMTPException):
                self._connections[key].rset()
            code, said = next(iter(error.recipients.values()))
            raise ChannelError(
                f"{target.recipient} is refused: {code} {_decoded(said)}",
                where=parsed.smtp_host,
                permanent=code >= 500,
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            if key in self._connections:
                self._connections.pop(key).close()
            # 421: "idle for too long", as many a server says before it hangs up
            gone = isinstance(error, smtplib.SMTPServerDisconnected) or getattr(error, "smtp_code", 0) == 421
            if reused and gone:
                return self._mail(parsed, target, message)
            raise _mail_error(parsed, error) from error
        return f"accepted by {parsed.smtp_host}"

    def _from(self, parsed: Any, address: str) -> str:
        name, named = parsed.from_addr
        if self._sender and not parsed.user and "from" not in parse_qs(urlsplit(address).query):
            name, named = parseaddr(self._sender)
        return f"{name} <{named}>" if name and name != "Apprise" else f"Navtex <{named}>"

    def _connect(self, parsed: Any) -> smtplib.SMTP:
        mode = parsed.secure_mode
        context = ssl.create_default_context(cafile=self._ca_bundle)
        if not parsed.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        port = parsed.port or {"ssl": 465, "starttls": 587}.get(mode, 25)
        connection: smtplib.SMTP
        if mode == "ssl":
            connection = smtplib.SMTP_SSL(parsed.smtp_host, port, timeout=_TIMEOUT, context=context)
        else:
            connection = smtplib.SMTP(parsed.smtp_host, port, timeout=_TIMEOUT)
        try:
            if mode == "starttls":
                connection.starttls(context=context)
            if parsed.user and parsed.password:
                connection.login(parsed.user, parsed.password)
        except (OSError, smtplib.SMTPException):
            connection.close()
            raise
        return connection

    # Slack

    def _post(self, parsed: Any, message: Message) -> str:
        blocks = json.loads(message.slack)
        parts = [blocks[i : i + _BLOCKS] for i in range(0, len(blocks), _BLOCKS)]
        for part in parts:
            if parsed.mode == "hook":
                url = f"{self._slack}/{parsed.token_a}/{parsed.token_b}/{parsed.token_c}"
                _slack_hook(url, message.subject, part)
            else:
                for channel in parsed.channels:
                    _slack_bot(parsed.access_token, channel, message.subject, part)
        return "accepted by Slack"


def compose(message: Message, sender: str, recipient: str, *, reply_to: list[str] | None = None) -> EmailMessage:
    """The mail of a message: plain text and HTML, and a Message-ID made of the digest's key."""
    name, address = parseaddr(sender)
    mail = EmailMessage()
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = recipient
    if reply_to:
        mail["Reply-To"] = ", ".join(reply_to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.key}.navtex@{address.rpartition('@')[2] or 'localhost'}>"
    mail["X-Navtex-Digest"] = message.key
    mail["Auto-Submitted"] = "auto-generated"
    mail["Precedence"] = "list"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


def _mail_error(parsed: Any, error: Exception) -> ChannelError:
    where = f"{parsed.smtp_host}:{parsed.port or 25}"
    if isinstance(error, smtplib.SMTPResponseException):
        permanent = 500 <= error.smtp_code < 600 and not isinstance(error, smtplib.SMTPAuthenticationError)
        return ChannelError(
            f"the mail server says {error.smtp_code} {_decoded(error.smtp_error)}", where=where, permanent=permanent
        )
    return ChannelError(f"the mail server cannot be reached: {error}", where=where)


def _decoded(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:300]


def _slack_hook(url: str, text: str, blocks: list[dict[str, Any]]) -> None:
    from slack_sdk.webhook import WebhookClient

    try:
        answer = WebhookClient(url, timeout=_TIMEOUT, retry_handlers=[]).send(text=text, blocks=blocks)
    except (OSError, ValueError) as error:
        raise ChannelError(f"Slack cannot be reached: {error}") from error
    if answer.status_code != 200:
        raise _slack_error(answer.status_code, answer.body, answer.headers)


def _slack_bot(token: str, channel: str, text: str, blocks: list[dict[str, Any]]) -> None:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    try:
        WebClient(token, timeout=_TIMEOUT, retry_handlers=[]).chat_postMessage(
            channel=channel, text=text, blocks=blocks
        )
    except SlackApiError as error:
        raise _slack_error(
            error.response.status_code, str(error.response.get("error")), error.response.headers
        ) from error
    except OSError as error:
        raise ChannelError(f"Slack cannot be reached: {error}") from error


def _slack_error(status: int, said: str, headers: Any) -> ChannelError:
    wait = next((v for k, v in dict(headers).items() if k.lower() == "retry-after"), "")
    wait = wait[0] if isinstance(wait, list) else wait
    retry_at = datetime.now(UTC) + timedelta(seconds=int(wait)) if str(wait).isdecimal() else None
    permanent = 400 <= status < 500 and status not in (408, 429)
    return ChannelError(f"Slack says {status} {_decoded(said)}", retry_at=retry_at, permanent=permanent)


def _notify(parsed: Any, message: Message) -> str:
    """Deliver through Apprise: one object a delivery, so that a repeat reaches nobody twice."""
    import apprise

    if "overflow=" not in parsed.url().replace("overflow=upstream", ""):
        parsed.overflow_mode = apprise.OverflowMode.SPLIT
    box = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Navtex", app_desc="Navtex", async_mode=False))
    if not box.add(parsed):
        raise ChannelError("Apprise does not take the address")
    result = box.notify(title=message.subject, body=message.text, body_format=apprise.NotifyFormat.TEXT)
    if not result:
        said = "; ".join(dict.fromkeys(str(entry.message) for entry in result.logs() if entry.level in _TOLD))
        raise ChannelError(f"{parsed.service_name} did not take it{': ' + said[:300] if said else ''}")
    return f"accepted by {parsed.service_name}"


def _folder(address: str) -> Path:
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ChannelError(
            "a file:// address names a folder by its whole path", remedy="Write file:///var/lib/navtex/digests"
        )
    return Path(unquote(parts.path))


def _write(folder: Path, message: Message) -> str:
    """Write text and HTML into a folder, each complete or not at all."""
    stem = f"navtex-{message.created_at:%Y-%m-%d}-{message.key}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in ((".txt", f"{message.subject}\n\n{message.text}"), (".html", message.html)):
            with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False, encoding="utf-8") as part:
                part.write(content)
            try:
                Path(part.name).replace(folder / f"{stem}{suffix}")
            finally:
                Path(part.name).unlink(missing_ok=True)
    except OSError as error:
        raise ChannelError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    return str(folder / f"{stem}.html")
