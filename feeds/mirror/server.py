"""A mirror of the sources out of a folder, over HTTP on loopback.

A request for /HOST/PATH answers with the file FOLDER/HOST/PATH; a folder answers with its index.
Every answer carries an ETag, and a conditional request for what has not changed is answered 304,
so that a crawl of it is the crawl of the real sources.  A POST asks for a package, as OSV's API
takes it, and is answered with the file PATH/ECOSYSTEM/NAME, or {} where there is none.  Of a file of
EPSS's scores a query for some CVEs gets theirs.
"""

from __future__ import annotations

import hashlib
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from feeds.mirror.layout import asked_for

_LONGEST_QUESTION = 1 << 20
_INDEXES = ("index.html", "index.xml", "index.json")
_LONGEST_NAME = 240  # bytes of a file's name, its ending not counted; file systems take 255
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".xml": "application/xml",
}


class _Package(msgspec.Struct, frozen=True):
    name: str
    ecosystem: str


class _Question(msgspec.Struct, frozen=True):
    package: _Package


class Mirror:
    """A server of some folders; later ones lie over earlier ones. A context manager that ends it."""

    def __init__(self, *folders: Path) -> None:
        self._folders = [f.resolve() for f in folders]
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.requests: list[tuple[str, int]] = []
        """The path and the status of every request that was answered."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def lay_over(self, folder: Path) -> None:
        """Serve another folder's files before those of the folders so far."""
        self._folders.append(folder.resolve())

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find(self, path: str) -> Path | None:
        """The file that answers for a path; None if there is none, or it lies outside of the folders."""
        parts = [p for p in unquote(path).split("/") if p]
        if any("\0" in p or len(p.encode()) > _LONGEST_NAME for p in parts):
            return None
        for folder in reversed(self._folders):
            at = folder.joinpath(*parts)
            candidates = (at, *(at / index for index in _INDEXES), at.with_name(f"{at.name}.json") if parts else at)
            found = next((c for c in candidates if c.resolve().is_relative_to(folder) and c.is_file()), None)
            if found:
                return found
        return None

    def find_package(self, path: str, ecosystem: str, name: str) -> Path | None:
        """The file that answers for a package of an ecosystem, asked for at a path."""
        folder = f"{path}/{quote(ecosystem)}"
        # `find` takes one layer of quoting off; a name with a slash is quoted in its file, too
        names = (quote(quote(name, safe=""), safe=""), quote(name))
        return next((found for n in names if (found := self.find(f"{folder}/{n}"))), None)


def _asked_for(body: bytes, query: str) -> bytes:
    cves = parse_qs(query).get("cve")
    return asked_for(body, frozenset(",".join(cves).split(","))) if cves else body


def _package(file: BufferedIOBase, length: str) -> _Package:
    """The package that a question is for; ValueError or msgspec's error where it is none."""
    return msgspec.json.decode(file.read(min(int(length), _LONGEST_QUESTION)), type=_Question).package


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # a crawl opens more connections at once than the five that may wait by default
    request_queue_size = 128


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - the methods of a class, counted as one
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # headers and body in one packet: two of them cost 40 ms a request (Nagle meets delayed ACK)
        wbufsize = -1

        def do_GET(self) -> None:
            at = mirror.find(urlsplit(self.path).path)
            if at is None:
                self._answer(HTTPStatus.NOT_FOUND, b"not found", "text/plain")
                return
            body = _asked_for(at.read_bytes(), urlsplit(self.path).query)
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            if self.headers.get("If-None-Match") == tag:
                self._answer(HTTPStatus.NOT_MODIFIED, b"", "", tag)
            else:
                self._answer(HTTPStatus.OK, body, _TYPES.get(at.suffix, "application/octet-stream"), tag)

        do_HEAD = do_GET  # noqa: N815 - http.server's name; without the body

        def do_POST(self) -> None:
            try:
                package = _package(self.rfile, self.headers.get("Content-Length", "0"))
            except (ValueError, msgspec.MsgspecError):
                self._answer(HTTPStatus.BAD_REQUEST, b"no question for a package", "text/plain")
                return
            at = mirror.find_package(urlsplit(self.path).path, package.ecosystem, package.name)
            self._answer(HTTPStatus.OK, at.read_bytes() if at else b"{}", "application/json")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str, tag: str = "") -> None:
            mirror.requests.append((self.path, status.value))
            self.send_response(status)
            if tag:
                self.send_header("ETag", tag)
            if status is not HTTPStatus.NOT_MODIFIED:
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing: what was asked is kept in `requests`."""

    return Handler
