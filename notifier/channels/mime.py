"""Compose a mail: plain text and HTML, headers that nothing can forge, and the same bytes at every attempt.

By hand, because `email.message.EmailMessage` with `email.policy.SMTP` takes 1.0 ms for a digest's mail and this 0.05:
1,000 mails over one connection would take 2.8 times as long as the bare `smtplib`, not 1.2 (benchmarks/delivery.py).
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime, parseaddr, quote
from functools import lru_cache

from feeds.core.errors import ChannelError
from feeds.core.text import one_line
from notifier.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes over the wire."""

    sender: str
    recipient: str
    headers: dict[str, str]
    body: bytes

    def as_bytes(self) -> bytes:
        """Return the whole mail, with CRLF line ends."""
        head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        return (head.encode() + b"\n" + self.body).replace(b"\n", b"\r\n")


def compose(
    message: Message,
    sender: str,
    recipient: str,
    *,
    reply_to: list[str] | None = None,
    unsubscribe: str = "",
    one_click: str = "",
) -> Mail:
    """Compose the mail of a message for a recipient. The same values always give the same bytes.

    List-Unsubscribe names `one_click`, where a POST unsubscribes this recipient (RFC 8058), and then `unsubscribe`.

    The Message-ID is made of the digest's key and the recipient. `message.thread`, the key of an earlier
    digest, puts the mail into its thread. Raises ChannelError for an invalid address.
    """
    name, address = _sender(sender)
    whom, key = _address(recipient), one_line(message.key)
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
        headers["In-Reply-To"] = headers["References"] = _id(one_line(message.thread), recipient, domain)
    headers |= {
        "X-Navtex-Digest": key,
        "Auto-Submitted": "auto-generated",
        "Precedence": "list",
        "List-Unsubscribe": ",\n ".join(f"<{a}>" for a in (one_click, unsubscribe) if a),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" if one_click else "",
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
        raise ChannelError(f"{one_line(address)!r} is not a mail address", permanent=True)
    return f"{local}@{_ascii(domain)}"


@lru_cache(maxsize=1024)
def _sender(sender: str) -> tuple[str, str]:
    """A sender's name, as a header has it, and address."""
    name, address = parseaddr(sender)
    return _name(one_line(name)), _address(address)


def _name(name: str) -> str:
    return (
        f'"{quote(name)}"'
        if name.isascii() and "=?" not in name and not re.fullmatch(r"[\w ]*", name)
        else _words(name)
    )


def _words(text: str, before: int = 0) -> str:
    """A header's text, folded, and encoded where it is not ASCII."""
    text = one_line(text)
    if text.isascii() and len(text) + before <= 76 and "=?" not in text:
        return text
    # "=?" in a source's words must not be read as an encoding, and a long word can be folded only where it is encoded
    simple = text.isascii() and "=?" not in text and max(map(len, text.split()), default=0) < 60
    charset = "us-ascii" if simple else "utf-8"
    return str(Header(text, charset, header_name="x" * max(before - 2, 0)).encode())


def _id(key: str, recipient: str, domain: str) -> str:
    mark = hashlib.sha256(recipient.lower().encode()).hexdigest()[:8]
    return f"<{key}.{mark}.navtex@{domain}>"


def _ascii(domain: str) -> str:
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        raise ChannelError(f"{one_line(domain)!r} is not a domain", permanent=True) from None
