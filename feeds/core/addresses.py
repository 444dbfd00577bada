"""Whether an address is one of the public internet, in whatever spelling.  Pure."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from feeds.core.errors import ConfigError

Address = IPv4Address | IPv6Address

# Azure's host answers its machines there, with what should stay with them; the address looks public
_METADATA = frozenset({IPv4Address("168.63.129.16")})
# older Pythons know only parts of it; Oracle's cloud answers its machines there
_ASSIGNED = ipaddress.IPv4Network("192.0.0.0/24")
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


def literal(host: str) -> Address | None:
    """The address that a host's text is, as resolvers read it: "127.1", "0x7f000001", "[::1]"; None for a name.

    >>> literal("2130706433"), literal("0177.0.0.1"), literal("example.org")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), None)
    """
    text = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    numbers = [_number(part) for part in text.split(".")]
    if len(numbers) > 4 or any(n is None for n in numbers):
        return None
    *first, last = (n for n in numbers if n is not None)
    if any(n > 0xFF for n in first) or last >= 1 << 8 * (4 - len(first)):
        return None
    return IPv4Address(sum(n << 8 * (3 - at) for at, n in enumerate(first)) + last)


def _number(text: str) -> int | None:
    """A part of an IPv4 address as C reads it: decimal, octal after 0, hexadecimal after 0x."""
    base = 16 if text[:2].lower() == "0x" else 8 if text[:1] == "0" and len(text) > 1 else 10
    digits = text[2:] if base == 16 else text
    try:
        return int(digits, base) if digits.isascii() and digits.isalnum() and len(digits) < 16 else None
    except ValueError:
        return None


def public(address: Address) -> bool:
    """Whether an address is one of the internet: not private, loopback, link-local, multicast or of a cloud's metadata.

    IPv6 addresses that stand for one of IPv4 (mapped, 6to4, Teredo, NAT64) are what that one is.

    >>> public(ipaddress.ip_address("::ffff:169.254.169.254")), public(ipaddress.ip_address("140.82.121.6"))
    (False, True)
    """
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if any(address in net for net in _TRANSLATED):
            inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if any(a is not None and not public(a) for a in inner):
            return False
        if address.ipv4_mapped or any(address in net for net in _TRANSLATED):
            return True
    special = address.is_multicast or address in _METADATA or address in _ASSIGNED
    return address.is_global and not special


def hostname(url: str) -> str:
    """The host of an address in lower case, without its port; "" if there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def sqlite_address(path: object) -> str:
    """The database address of an SQLite file.

    >>> sqlite_address("/srv/100%/a?b#c.db")
    'sqlite:////srv/100%25/a%3Fb%23c.db'
    """
    return "sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F").replace("#", "%23")


def web_address(url: str, where: str) -> str:
    """A web address that somebody configured; ConfigError if it is none, or holds a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise ConfigError(f"{url!r} is not an address: {error}", where=where) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{url!r} is not an http:// or https:// address", where=where)
    if "@" in parts.netloc:
        remedy = "Let a proxy add it: addresses are stored, and appear in messages"
        raise ConfigError(f"the address at {parts.hostname} holds a user or a password", where=where, remedy=remedy)
    return url
