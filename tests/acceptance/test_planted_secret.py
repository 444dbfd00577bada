"""One secret, planted wherever a secret may be, and looked for in every encoding in everything that is written.

The services on the other side do what they can to give it away: they answer with what they were sent.
"""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import DEMO, Program
from tests.support import forked
from tests.support.unruly import Reply, Unruly

SECRET = 'pl4nted"s3cret/+é'
QUOTED = quote(SECRET, safe="")
USER = "navtex"
LOGINS = (f"{USER}:{SECRET}", f"\0{USER}\0{SECRET}", SECRET)


def encodings() -> set[bytes]:
    """The secret as it may leave. Base64 without its ends, which depend on what stands beside it."""
    found = {SECRET, QUOTED, quote(SECRET), quote_plus(SECRET), json.dumps(SECRET)[1:-1], SECRET.replace('"', "&quot;")}
    found |= {repr(SECRET)[1:-1], SECRET.replace('"', "&#34;"), "pl4nted", "s3cret"}
    for login in LOGINS:
        found |= {
            encode(login.encode()).decode().rstrip("=")[:-2] for encode in (base64.b64encode, base64.urlsafe_b64encode)
        }
    return {text.encode() for text in found}


def echo(handler: BaseHTTPRequestHandler) -> None:
    """Refuse, and repeat what came: the path, and every header."""
    sent = {"path": handler.path, **dict(handler.headers.items())}
    Reply({"error": sent, "plain": str(sent)}, 401, {"WWW-Authenticate": "Basic", "X-Echo": json.dumps(sent)})(handler)


class Mail(socketserver.StreamRequestHandler):
    """A mail server that refuses every login and repeats it."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example.org ESMTP\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO"):
                self.wfile.write(b"250-mail.example.org\r\n250 AUTH PLAIN LOGIN\r\n")
            elif word == b"AUTH":
                self.wfile.write(b"535 5.7.8 rejected: " + line.strip() + b"\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"530 5.7.0 " + line.strip() + b"\r\n")


@pytest.fixture
def mail() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.long
def test_a_planted_secret_is_in_nothing_that_a_whole_run_writes(
    program_with: Callable[..., Program], tmp_path: Path, mail: int
) -> None:
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as echoing:
        for place in ("hook", "services", "v2", "host"):
            echoing.reply(place, echo)
        port = echoing.url.rpartition(":")[2]
        registry = f"127.0.0.1:{port}"
        config = tmp_path / "outside" / "config.toml"
        config.parent.mkdir()
        config.write_text(
            f'[operator]\nto = ["json://{USER}:{QUOTED}@127.0.0.1:{port}/hook/{QUOTED}"]\n'
            f'[images]\nregistries = ["{registry}"]\n'
            f'[images.registry."{registry}"]\nhttp = true\nusername = "{USER}"\npassword = "${{REGISTRY}}"\n'
            '[log]\nlevel = "debug"\nfile = "navtex.log"\n[metrics]\ntextfile = "metrics.prom"\n'
        )
        variables = {"REGISTRY": SECRET, "SLACK": QUOTED, "GITHUB_TOKEN": SECRET, "NAVTEX_CONFIG": str(config)}
        navtex = program_with(NAVTEX_MIRROR=mirror.url, NAVTEX_SECRET_KEY="", **variables)
        said: list[str] = []

        def ask(*arguments: str, **more: str) -> None:
            environment = {**navtex.environment, **more}
            done = forked.call(arguments, stdin="", home=navtex.home, environment=environment, seconds=180)
            said.extend((done.stdout, done.stderr))

        ask("inventory", "import", str(DEMO / "inventory.csv"))
        for name, address in {
            "basic": f"json://{USER}:{QUOTED}@127.0.0.1:{port}/hook",
            "path": f"json://127.0.0.1:{port}/hook/{QUOTED}",
            "slack": "slack://T0123456/B0123456/${SLACK}",
            "mail": f"mailto://{USER}:{QUOTED}@127.0.0.1:{mail}?from=n@example.org&to=ops@example.org",
        }.items():
            ask("subscription", "add", name, "--to", address)
        for arguments in (
            "run", "run", "doctor", "doctor --format json", "config show", "subscription list --format json",
            "subscription show basic", "subscription test basic", "subscription test path", "subscription test mail",
            "notification list", "notification list --format json", "source list", "db backup copy.db",
        ):  # fmt: skip
            ask(*arguments.split())
        for scheme in ("postgresql://127.0.0.1:9/x?", f"postgresql://{USER}@127.0.0.1:9/x?connect_timeout=1&"):
            url = f"{scheme}password={QUOTED}&sslpassword={QUOTED}"
            for arguments in ("doctor", "config show", "db check"):
                ask(*arguments.split(), NAVTEX_DATABASE_URL=url)
        assert echoing.asked, "the services were asked"
    files = {str(f): f.read_bytes() for f in navtex.home.rglob("*") if f.is_file()}
    assert {"navtex.log", "copy.db"} <= {Path(f).name for f in files}
    written = files | {f"said {n}": text.encode() for n, text in enumerate(said)}
    assert [(name, form) for name, content in written.items() for form in encodings() if form in content] == []
