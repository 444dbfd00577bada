"""A whole run as the system sees it: it connects to what is configured, and to nothing else.

Needs strace: `make network` installs it from Debian and runs this; elsewhere it is skipped, saying so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from tests.conftest import DEMO, Mailbox, Program, program
from tests.support.loopback import Answer, Receiver, over_http
from tests.support.polling import MOBY, entries
from tests.support.unruly import Reply, Unruly

STRACE = shutil.which("strace")
CALLS = "connect,bind,listen,sendto,sendmsg,sendmmsg"
TRIED = "[::1]:0"
"""Urllib3 binds to it as it is loaded, to see whether there is IPv6, and lets it go."""
LOOKUPS = re.compile(r"/(var/)?run/(nscd/socket|systemd/resolve/.*|systemd/userdb/.*)|/var/lib/sss/.*")
"""Where the C library asks this machine for names and users. Nothing else leaves the program by a unix socket."""

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(STRACE is None, reason="strace is not installed: `make network` installs it"),
]


class Seen(NamedTuple):
    """What a program was seen to do: where it sent something, and what it opened for others.

    A contact is HOST:PORT, or the path of a unix socket.
    """

    contacts: set[str]
    opened: set[str]


def seen(trace: str) -> Seen:
    """What a trace of strace shows. The kernel's own sockets (netlink) lead nowhere, and neither does no address."""
    found = Seen(set(), set())
    for line in trace.splitlines():
        call = re.search(rf"\b({CALLS.replace(',', '|')})\(", line)
        if call is None:
            continue
        into = found.opened if call[1] in ("bind", "listen") else found.contacts
        into.update(
            f"{host}:{port}"
            for port, host in re.findall(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)', line)
        )
        into.update(
            f"[{host}]:{port}"
            for port, host in re.findall(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"', line)
        )
        into.update(
            path for path in re.findall(r'sa_family=AF_UNIX, sun_path=@?"([^"]+)"', line) if not LOOKUPS.fullmatch(path)
        )
        into.update([line] if call[1] == "listen" else ())
        families = set(re.findall(r"sa_family=(\w+)", line))
        into.update(families - {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_UNSPEC"})
    return found


def watched(navtex: Program, *arguments: str, status: int = 0) -> Seen:
    """Run the program; what it and all its children were seen to do comes back."""
    assert STRACE
    trace = navtex.home / "trace"
    tracing = [STRACE, "-f", "-qq", "-o", str(trace), "-e", f"trace={CALLS}"]
    done = subprocess.run(
        [*tracing, sys.executable, "-m", "notifier.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=navtex.home,
        env=navtex.environment,
        timeout=180,
    )
    assert done.returncode == status, done.stderr
    return seen(trace.read_text())


def place(url: str) -> str:
    return urlsplit(url).netloc


@dataclass
class Channels:
    """A receiver of each kind on loopback, and the addresses that lead there."""

    box: Mailbox
    hook: Receiver
    ntfy: Receiver
    proxy: Receiver
    """It plays Slack."""
    trap: Receiver
    """Where nothing is configured to go."""
    certificate: Path
    to: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        hook, ntfy = place(self.hook.url), place(self.ntfy.url)
        slack = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
        self.to = [self.box.address(), f"json://{hook}/x", f"ntfy://{ntfy}/alerts", slack]

    @property
    def places(self) -> set[str]:
        """All but the trap."""
        return {f"127.0.0.1:{self.box.port}", *(place(r.url) for r in (self.hook, self.ntfy, self.proxy))}

    def program(self, home: Path, *lines: str, **variables: str) -> Program:
        """A program with a fleet and a subscription to each of them."""
        config = home.parent / "config.toml"
        config.write_text("\n".join([f'ca_bundle = "{self.certificate}"', *lines]))
        through = {"https_proxy": self.proxy.url, "no_proxy": "127.0.0.1"}
        navtex = program(home, NAVTEX_CONFIG=str(config), **through, **variables)
        navtex("inventory", "import", str(DEMO / "inventory.csv"))
        navtex("subscription", "add", "ops", *(option for one in self.to for option in ("--to", one)))
        return navtex

    def assert_each_got_one(self) -> None:
        assert len(self.box.mails) == len(self.hook.bodies) == 1
        assert self.ntfy.bodies
        assert self.proxy.paths[0] == "hooks.slack.com:443"
        assert self.trap.clients == set()


@pytest.fixture
def channels(mailbox: Mailbox, certificate: Path) -> Iterator[Channels]:
    with ExitStack() as stack:
        hook, ntfy, trap = (stack.enter_context(over_http(Answer(200, "{}"))) for _ in range(3))
        proxy = stack.enter_context(over_http(Answer(200, "ok"), proxy=certificate))
        yield Channels(mailbox, hook, ntfy, proxy, trap, certificate)


def test_a_run_talks_to_the_mirror_and_its_channels_and_to_nothing_else(tmp_path: Path, channels: Channels) -> None:
    with Mirror(DEMO / "day-1") as mirror:
        navtex = channels.program(tmp_path / "home", NAVTEX_MIRROR=mirror.url)
        found = watched(navtex, "run")
        again = watched(navtex, "run")
    channels.assert_each_got_one()
    # equal, not only within: what is not seen proves nothing
    assert found.contacts == channels.places | {place(mirror.url)}
    assert again.contacts == {place(mirror.url)}
    assert found.opened | again.opened <= {TRIED}


def test_links_and_redirects_in_documents_lead_nowhere_that_is_not_configured(
    tmp_path: Path, channels: Channels
) -> None:
    trap = channels.trap.url
    lured = [
        {**e, "html_url": f"{trap}/html", "description": f"See {trap}/text and ![x]({trap}/x.png)"} for e in entries(3)
    ]
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as site:
        site.reply(MOBY, Reply(lured, headers={"Link": f'<{trap}/next>; rel="next"'}))
        runc = "api.github.com/repos/opencontainers/runc/security-advisories"
        site.reply(runc, Reply("moved", 302, {"Location": f"{trap}/moved"}))
        urls = [
            f'[sources.{name}.urls]\napi = "{site.url}/{path}"'
            for name, path in (("moby-advisories", MOBY), ("runc-advisories", runc))
        ]
        asked = ("moby-advisories", "runc-advisories")
        off = [f"[sources.{s.name}]\nenabled = false" for s in SOURCES if s.name not in asked]
        navtex = channels.program(tmp_path / "home", *urls, *off)
        found = watched(navtex, "run", status=1)
    channels.assert_each_got_one()
    assert site.to(runc)
    assert found.contacts == channels.places | {place(site.url)}
    assert found.opened <= {TRIED}
