"""Which certificates are trusted: those of the system, and for a registry with a file of its own, those in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer  # type: ignore[import-untyped]

from feeds.core.addresses import hostname
from feeds.crawl.protocol import CrawlJob


@implementer(IPolicyForHTTPS)
class Trust:
    """TLS options by host."""

    def __init__(self, default: Any, job: CrawlJob) -> None:
        """`default` gives the options of every other host. OSError where a file cannot be read."""
        self._default = default
        self._roots = {hostname(a.url): _roots(Path(a.ca)) for a in job.images.registries if a.ca}

    def creatorForNetloc(self, host: bytes, port: int) -> Any:  # noqa: N802 - Twisted's name
        """The options for a connection."""
        name = host.decode("ascii")
        roots = self._roots.get(name)
        if roots is None:
            return self._default.creatorForNetloc(host, port)
        return optionsForClientTLS(name, trustRoot=roots)


def _roots(file: Path) -> Any:
    end = b"-----END CERTIFICATE-----"
    parts = [part + end for part in file.read_bytes().split(end) if b"-----BEGIN CERTIFICATE-----" in part]
    return trustRootFromCertificates([Certificate.loadPEM(part) for part in parts])
