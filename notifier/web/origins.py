"""Whether a request is meant for this server, and comes from one of its own pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")


def hostname(authority: str) -> str:
    """The host of a Host header, in lower case; "" if the header is not well-formed.

    >>> hostname("Navtex.example.org:8420"), hostname("[::1]:8420"), hostname("a@b"), hostname("a/b")
    ('navtex.example.org', '[::1]', '', '')
    """
    found = _AUTHORITY.fullmatch(authority.strip().lower())
    return found[1].rstrip(".") if found else ""


def own_hosts(url: str, listen: str, more: Collection[str]) -> frozenset[str]:
    """The hosts that this server answers for: those of its address, of where it listens, and the configured ones.

    >>> sorted(own_hosts("https://navtex.example.org", "0.0.0.0:8420", ()))
    ['navtex.example.org']
    >>> sorted(own_hosts("", "127.0.0.1:8420", ()))
    ['127.0.0.1', '[::1]', 'localhost']
    """
    here = listen.rpartition(":")[0].lower()
    found = {hostname(urlsplit(url).netloc), *(h.lower() for h in more)}
    found |= set(LOOPBACK) if here in LOOPBACK else {here} - {"0.0.0.0", "[::]"}  # noqa: S104 - not listened on
    return frozenset(found - {""})


def comes_from_here(headers: Mapping[str, str], base: str, hosts: Collection[str]) -> bool:
    """Whether an unsafe request comes from a page of this server, as the browser says it.

    Browsers that do not send Sec-Fetch-Site, or not over plain HTTP, send Origin.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin", "")
    if not origin or origin == "null":
        return False
    if origin.lower() == _origin(base):
        return True
    parts = urlsplit(origin)
    same = parts.netloc.lower() == headers.get("host", "").strip().lower()
    return same and hostname(parts.netloc) in hosts and parts.scheme in ("http", "https")


def _origin(base: str) -> str:
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}".lower()


def local_path(text: str) -> str:
    r"""A path of this server to go to after signing in; "/" for anything that may lead elsewhere.

    >>> local_path("/hosts?tag=team%3Da"), local_path("//evil.example"), local_path("https://evil.example")
    ('/hosts?tag=team%3Da', '/', '/')
    >>> local_path("/\\evil.example"), local_path("/\t/evil.example"), local_path("/a\r\nSet-Cookie: x")
    ('/', '/', '/')
    """
    fine = re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", text)
    return text if fine and len(text) <= 2000 else "/"
