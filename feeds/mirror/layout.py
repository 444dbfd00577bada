"""Where a mirror's folder keeps an answer, and how several answers become one file.  Pure.

A question for https://HOST/PATH lies in HOST/PATH: a folder in its index, JSON in PATH.json.  What
is asked of OSV by POST lies in PATH/ECOSYSTEM/NAME.json.  Pages of a list, and questions that
differ in their query only (EPSS), are put together, for a folder of files cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from feeds.core.errors import ShapeError

_ENDINGS = (".atom", ".html", ".json", ".md", ".mod", ".txt", ".xml")
_LONGEST = 200
"""Bytes of a part of a path."""
_XML = (b"<?xml", b"<rss", b"<feed")


def file_of(name: str, body: bytes) -> str:
    """The file of a question (an `Ask.name`) that was answered so; ShapeError where no file can be called so.

    >>> file_of("https://a.example/b/?page=1", b"<html>"), file_of("https://a.example/c", b"[]")
    ('a.example/b/index.html', 'a.example/c.json')
    """
    url, _, sent = name.partition("#")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ShapeError(f"it is not an address: {error}", where=name) from error
    path = [p for p in unquote(parts.path).split("/") if p]
    kind = _kind(body)
    if sent:
        path += _package(sent, name)
        path[-1] += ".json"
    elif not path or parts.path.endswith("/"):
        path.append(f"index.{kind}")
    elif not path[-1].endswith(_ENDINGS):
        path = [*path[:-1], f"{path[-1]}.json"] if kind == "json" else [*path, f"index.{kind}"]
    path = [parts.netloc.lower(), *path]
    if any(p in (".", "..") or not p.isprintable() or "\\" in p or len(p.encode()) > _LONGEST for p in path):
        raise ShapeError("no file can be called like this address", where=name)
    return "/".join(path)


def _package(sent: str, name: str) -> list[str]:
    try:
        package = msgspec.json.decode(sent)["package"]
        return [part for part in str(package["ecosystem"]).split("/") if part] + [quote(str(package["name"]), safe="")]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ShapeError("only queries for a package can be stored", where=name) from error


def _kind(body: bytes) -> str:
    start = body.lstrip()[:5].lower()
    if start[:1] in (b"[", b"{"):
        return "json"
    return "xml" if start.startswith(_XML) else "html"


def merged(parts: Sequence[bytes]) -> bytes:
    """Several answers as one: lists one after the other, and so the lists in objects; else ShapeError.

    >>> merged([b'{"data": [1], "total": 1}', b'{"data": [2], "total": 1}'])
    b'{"data":[1,2],"total":1}'
    """
    if len(parts) == 1:
        return parts[0]
    try:
        values = [msgspec.json.decode(part) for part in parts]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ShapeError(f"its parts cannot be put together: {error}") from error
    if all(isinstance(v, list) for v in values):
        return msgspec.json.encode(_once(one for v in values for one in v))
    if not all(isinstance(v, dict) for v in values):
        raise ShapeError("its parts cannot be put together: they are of different kinds")
    found: dict[str, Any] = {}
    for value in values:
        for key, one in value.items():
            if isinstance(one, list) and isinstance(found.get(key, []), list):
                found[key] = _once((*found.get(key, []), *one))
            elif key != "next_page_token":
                found.setdefault(key, one)
    return msgspec.json.encode(found)


def _once(values: Iterable[Any]) -> list[Any]:
    """The values without repetitions: a static mirror answers each question with all it has."""
    return list({msgspec.json.encode(v): v for v in values}.values())


def asked_for(body: bytes, cves: frozenset[str]) -> bytes:
    """Of a file of EPSS's scores those of some CVEs; the file as it is where it holds no scores."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    rows = value.get("data") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        return body
    chosen = [row for row in rows if isinstance(row, dict) and row.get("cve") in cves]
    return msgspec.json.encode({**value, "data": chosen})
