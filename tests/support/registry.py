"""A container registry on loopback that answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    authorization: str


@dataclass
class Registry:
    """What it holds, and how it answers."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    """Manifests and blobs by digest."""
    tags: dict[str, str] = field(default_factory=dict)
    """By `repository:tag`: a digest."""
    asked: list[Asked] = field(default_factory=list)
    status: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    """By a part of the path: the status and headers to answer with instead."""
    heads: bool = True
    """Whether HEAD is answered; else 405."""
    digests: bool = True
    """Whether `Docker-Content-Digest` is sent."""
    token: str = ""
    """The bearer token that is needed; "" for none."""
    realm: str = ""
    host: str = ""
    credentials: str = ""
    """The `Authorization` for which this server, as a token server, gives its token."""
    redirects: bool = False
    """Whether blobs are redirected to a store, which is `/cdn/` here."""
    lasts: Any = 300

    def put(self, value: Any, digest: str = "") -> str:
        """Keep a document; its digest comes back. With `digest`, under a wrong one."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        own = digest or "sha256:" + hashlib.sha256(body).hexdigest()
        self.blobs[own] = body
        return own

    def push(self, name: str, layers: list[str], **config: Any) -> str:
        """Keep an image of layers by words, under a tag; the digest of its manifest comes back."""
        diff_ids = ["sha256:" + hashlib.sha256(w.encode()).hexdigest() for w in layers]
        history = [{"created_by": f"COPY {w} /"} for w in layers]
        body = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}, "history": history, **config}
        of_config = self.put(body)
        blobs = [{"digest": "sha256:" + hashlib.sha256(f"{w}.gz".encode()).hexdigest()} for w in layers]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": of_config}, "layers": blobs}
        self.tags[name] = self.put(manifest)
        return self.tags[name]

    def counted(self, method: str) -> int:
        """How many requests of a method there were, but for tokens."""
        return sum(a.method == method and a.path.startswith("/v2/") for a in self.asked)


@contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    """The registry on a port of its own, as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(self, registry)

        do_HEAD = do_POST = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, registry: Registry) -> None:
    authorization = handler.headers.get("Authorization", "")
    path = handler.path
    registry.asked.append(Asked(handler.command, path, authorization))
    if length := int(handler.headers.get("Content-Length") or 0):
        registry.asked[-1] = Asked(handler.command, f"{path}?{handler.rfile.read(length).decode()}", authorization)
    for part, (status, headers) in registry.status.items():
        if part in path:
            _send(handler, status, b'{"errors": []}', headers)
            return
    if path.startswith("/cdn/"):
        body = registry.blobs.get(path.rpartition("/")[2], b"")
        _send(handler, 200 if body else 404, body, {})
    elif path.startswith("/token"):
        body = json.dumps({"token": registry.token, "expires_in": registry.lasts}).encode()
        _send(handler, 200, body, {}) if authorization == registry.credentials else _send(handler, 401, b"{}", {})
    elif registry.token and authorization != f"Bearer {registry.token}":
        challenge = f'Bearer realm="{registry.realm}",service="lab",scope="x"'
        _send(handler, 401, b"{}", {"WWW-Authenticate": challenge})
    else:
        _send_document(handler, registry, path.removeprefix("/v2/"))


def _send_document(handler: BaseHTTPRequestHandler, registry: Registry, path: str) -> None:
    if path.endswith("/tags/list") or "/tags/list?" in path:
        repository = path.partition("/tags/list")[0]
        tags = sorted(t.partition(":")[2] for t in registry.tags if t.startswith(f"{repository}:"))
        _send(handler, 200, json.dumps({"name": repository, "tags": tags}).encode(), {})
        return
    if handler.command == "HEAD" and not registry.heads:
        _send(handler, 405, b"", {})
        return
    kind = "manifests" if "/manifests/" in path else "blobs"
    repository, _, last = path.partition(f"/{kind}/")
    if kind == "blobs" and registry.redirects:
        _send(handler, 307, b"", {"Location": f"http://{registry.host}/cdn/{last}"})
        return
    own = last if last.startswith("sha256:") else registry.tags.get(f"{repository}:{last}", "")
    body = registry.blobs.get(own)
    if body is None:
        _send(handler, 404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', {})
        return
    told = {"Docker-Content-Digest": own} if registry.digests else {}
    _send(handler, 200, body, {"Content-Type": MANIFEST, **told})


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
