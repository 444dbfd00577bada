"""The crawl as a process: it runs again and again, ends with its parent, and speaks TLS and through proxies."""

from __future__ import annotations

import os
import select
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feeds.crawl.client import _GRACE, Crawl
from feeds.crawl.protocol import CrawlJob
from tests.support.forked import environment
from tests.support.unruly import Reply, Unruly, crawled, hang

BLOG = "https://www.docker.com/blog/feed/"


def test_one_process_crawls_again_and_again(site: Unruly) -> None:
    job = CrawlJob(mirror=site.url, sources=("docker-blog",))
    with Crawl(environment()) as early, Crawl(environment()) as late:  # both wait for their job
        assert [[o.result for o in crawl.run(job)] for crawl in (late, early)] == [["read"], ["read"]]
    assert crawled(job)[BLOG].result == "read"
    assert len(site.asked) == 3


def test_a_proxy_is_used_for_a_mirror_unless_it_is_excepted(site: Unruly) -> None:
    feed = site.mirror.find("www.docker.com/blog/feed/")
    assert feed is not None
    through = "http://mirror.example.org/www.docker.com/blog/feed/"
    site.reply(through, Reply(feed.read_bytes()))
    job = CrawlJob(mirror="http://mirror.example.org", sources=("docker-blog",))
    assert crawled(job, http_proxy=site.url)[BLOG].result == "read"
    assert [a.path for a in site.asked] == [through]
    job = CrawlJob(mirror=site.url, sources=("docker-blog",))
    assert crawled(job, http_proxy="http://127.0.0.1:9", no_proxy="127.0.0.1")[BLOG].result == "read"


@contextmanager
def watched(pid: int) -> Iterator[Callable[[], bool]]:
    """A way to wait for the end of a process that is not ours."""
    descriptor = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        yield lambda: bool(poll.poll(15_000))
    finally:
        os.close(descriptor)


PARENT = """if True:
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is started without
    from feeds.crawl.client import Crawl
    from feeds.crawl.protocol import CrawlJob
    crawl = Crawl()
    print(crawl._child.pid, flush=True)
    if len(sys.argv) > 1:
        list(crawl.run(CrawlJob(mirror=sys.argv[1], sources=("docker-blog",))))
    sys.stdin.read()
"""


@pytest.mark.parametrize("at_work", [True, False], ids=["at work", "waiting for its job"])
def test_the_child_dies_with_its_parent(site: Unruly, *, at_work: bool) -> None:
    site.reply("www.docker.com", hang)
    command = [sys.executable, "-c", PARENT, *([site.url] if at_work else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as parent:
        assert parent.stdout is not None
        with watched(int(parent.stdout.readline())) as ended:
            if at_work:
                site.await_question("www.docker.com")
            parent.kill()
            assert ended(), "the crawl outlived the process that asked for it"


def test_ctrl_c_on_a_terminal_stops_the_parent_and_the_child_says_nothing(site: Unruly) -> None:
    site.reply("www.docker.com", hang)
    command = [sys.executable, "-c", PARENT, site.url]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=environment(), text=True, process_group=0, **pipes) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        with watched(int(parent.stdout.readline())) as ended:
            site.await_question("www.docker.com")
            os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: every process of the group gets it
            assert ended()
        said = parent.stderr.read()
    assert said.count("Traceback") == 1, said  # the parent's own


def test_a_crawl_that_is_left_ends(site: Unruly) -> None:
    site.reply("cveawg.mitre.org", hang)
    with Crawl(environment()) as crawl:
        outcomes = crawl.run(CrawlJob(mirror=site.url, sources=("docker-blog", "cve-records")))
        assert next(outcomes).url == BLOG
        with watched(crawl._child.pid) as ended:
            crawl.close()
            assert ended()
    assert not crawl.complete


def test_a_crawl_that_breaks_off_says_so_and_keeps_what_it_had(site: Unruly) -> None:
    site.reply("cveawg.mitre.org", hang)
    seen = []
    with Crawl(environment()) as crawl:
        for outcome in crawl.run(CrawlJob(mirror=site.url, sources=("docker-blog", "cve-records"))):
            seen.append(outcome.url)
            crawl._child.send_signal(signal.SIGSEGV)
    assert BLOG in seen
    assert not crawl.complete
    assert crawl.problem == "the crawl ended early (exit status -11)"


def test_a_crawl_that_is_stuck_is_ended(site: Unruly) -> None:
    with Crawl(environment()) as crawl:
        crawl._child.send_signal(signal.SIGSTOP)
        waking = threading.Timer(20, crawl._child.send_signal, [signal.SIGCONT])  # so that nobody waits for ever
        waking.start()
        stuck = CrawlJob(mirror=site.url, sources=("docker-blog",), poll_seconds=0.5 - _GRACE)
        assert list(crawl.run(stuck)) == []
        waking.cancel()
    assert not crawl.complete
    assert crawl.problem == "the crawl ended early (out of time)"


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A TLS server's side for localhost, and the certificate that a client must trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key: Any = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


def test_a_certificate_is_verified_and_the_operators_own_is_trusted(
    site: Unruly, certified: tuple[ssl.SSLContext, Path]
) -> None:
    context, trusted = certified
    feed = site.mirror.find("www.docker.com/blog/feed/")
    assert feed is not None
    site.reply("feed.xml", Reply(feed.read_bytes()))
    address = f"{site.over_tls(context)}/feed.xml"
    job = CrawlJob(sources=("docker-blog",), urls={"docker-blog": {"rss": address}}, host_seconds=1)
    refused = crawled(job)[address]
    assert refused.result == "failed"
    assert "certificate verify failed" in refused.reason
    assert not site.asked
    assert crawled(job, SSL_CERT_FILE=str(trusted))[address].result == "read"
