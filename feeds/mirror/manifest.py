"""The manifest of a mirror: when and by which version it was filled, and the result of each request."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO

import msgspec

from feeds.core.limits import MIRROR_LIST

NAME = "navtex-mirror.json"
"""The manifest's file, at the top of a mirror."""
_TIMEOUT = 10


class ManifestEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question: the HTTP status of its last answer (0: none), when it was asked, and when its file was answered.

    `file` is where the answer lies below the folder, "" if there is none; `problem` is why the last
    try brought nothing.
    """

    url: str
    status: int
    asked_at: datetime
    file: str = ""
    fetched_at: datetime | None = None
    problem: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A mirror's manifest. `fetched_at` is when it was last filled: when at least one document was answered."""

    navtex: str
    fetched_at: datetime
    documents: tuple[ManifestEntry, ...] = ()


class _Head(msgspec.Struct, frozen=True):
    fetched_at: datetime


def read(folder: Path) -> Manifest | None:
    """The manifest of a folder; None if it has none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def fetched_at(mirror: str, ca_bundle: str = "") -> datetime | None:
    """When a mirror, a folder or a web address, was last filled; None if it does not say so (a proxy)."""
    try:
        body = _asked(mirror, ca_bundle) if mirror.startswith(("http://", "https://")) else _file(Path(mirror))
        at = msgspec.json.decode(body, type=_Head).fetched_at
    except (OSError, ValueError, HTTPException, msgspec.MsgspecError, urllib.error.URLError):
        return None
    return at if at.tzinfo else None


def _file(folder: Path) -> bytes:
    with (folder / NAME).open("rb") as file:
        return file.read(MIRROR_LIST)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the library's signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """A manifest lies where the mirror does, or nowhere."""
        return None


def _asked(mirror: str, ca_bundle: str) -> bytes:
    context = ssl.create_default_context(cafile=ca_bundle or None)
    opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{mirror.rstrip('/')}/{NAME}", timeout=_TIMEOUT) as answer:
        body: bytes = answer.read(MIRROR_LIST)
        return body


def told(documents: Mapping[str, ManifestEntry]) -> tuple[ManifestEntry, ...]:
    """The entries of a manifest, sorted by their address."""
    return tuple(documents[url] for url in sorted(documents))
