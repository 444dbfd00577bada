"""What Docker published: the package indexes on download.docker.com.

A tag in moby/moby is a source release; only the index of a channel says whether a distribution has a package of it.
Asked are the channels of the distributions in the inventory, and the static builds.  A channel that does not exist
answers 404, which is not a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from urllib.parse import urljoin

from feeds.advisories.facts import Package, Packages
from feeds.core.errors import ShapeError
from feeds.core.limits import INDEX
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers import markup
from feeds.sources.readers.compression import Unpacked
from feeds.versions.package_channels import STATIC, is_apt
from feeds.versions.package_versions import upstream
from feeds.versions.upstream import is_version

_PRODUCTS = {
    "docker-ce": "engine",
    "docker-ce-cli": "cli",
    "containerd.io": "containerd",
    "docker-buildx-plugin": "buildx",
    "docker-compose-plugin": "compose",
}
_BUILD = re.compile(r"^docker-(?P<version>\d[\w.]*(?:-\w[\w.]*)?)\.tgz$")
_REPO = "{http://linux.duke.edu/metadata/repo}"
_COMMON = "{http://linux.duke.edu/metadata/common}"


class DockerPackages(Source):
    """The packages and static builds of each channel."""

    complete: ClassVar[bool] = True
    guessed: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One index a channel. The static builds are an HTML page; the others are made for package managers."""
        yield Request(url=self.urls[STATIC], form=STATIC, robots=True, optional=True)
        for channel in sorted(wanted.channels - {STATIC}):
            kind = "apt" if is_apt(channel) else "rpm"
            system, _, release = channel.partition("/")
            architecture = "armhf" if system == "raspbian" else "amd64"
            url = self.urls[kind].format(system=system, release=release, architecture=architecture)
            yield Request(url=url, form=f"{kind}/{channel}", optional=True)

    def parse(self, document: Document) -> Parsed:
        """The packages of a channel; of an RPM repository's first file, what to ask next."""
        kind, _, channel = document.form.partition("/")
        if kind == "rpm":
            return Parsed((), (_primary(document, channel),))
        read = {"apt": _apt, "primary": _rpm}.get(kind, _static)
        packages = tuple(sorted(set(read(document))))
        if not packages:
            raise ShapeError("no package of Docker in it", where=document.url)
        return Parsed((Packages(channel=channel or STATIC, url=document.url, packages=packages),))


def _package(name: str, version: str, architecture: str) -> Iterator[Package]:
    """One package, where it is of a product that is followed and its version can be read."""
    number = upstream(version)
    if name in _PRODUCTS and architecture and is_version(number):
        yield Package(_PRODUCTS[name], number, name, version, architecture)


def _apt(document: Document) -> Iterator[Package]:
    from debian_inspector.debcon import get_paragraphs_data  # here, for it loads chardet

    text = Unpacked(document.body, document.url, INDEX).read().decode("utf-8", "replace")
    if not text.lstrip().startswith("Package:"):
        raise ShapeError("not an index of Debian packages", where=document.url)
    for fields in get_paragraphs_data(text):
        yield from _package(*(fields.get(f, "") for f in ("package", "version", "architecture")))


def _primary(document: Document, channel: str) -> Request:
    """The request for the primary file that `repomd.xml` names."""
    for data in markup.elements(Unpacked(document.body, document.url), f"{_REPO}data", document.url):
        place = data.find(f"{_REPO}location")
        if data.get("type") == "primary" and place is not None and place.get("href"):
            # the address is relative to the folder that holds repodata/
            url = urljoin(document.url, f"../{place.get('href')}")
            return Request(url=url, form=f"primary/{channel}")
    raise ShapeError("it names no primary file", where=document.url)


def _rpm(document: Document) -> Iterator[Package]:
    for element in markup.elements(Unpacked(document.body, document.url), f"{_COMMON}package", document.url):
        version = element.find(f"{_COMMON}version")
        if version is not None:
            name, architecture = (_text(element, tag) for tag in ("name", "arch"))
            yield from _package(name, _evr(version), architecture)


def _text(element: Any, tag: str) -> str:
    return str(element.findtext(f"{_COMMON}{tag}") or "")


def _evr(version: Any) -> str:
    epoch = str(version.get("epoch") or "0")
    number = f"{version.get('ver') or ''}-{version.get('rel') or ''}"
    return number if epoch == "0" else f"{epoch}:{number}"


def _static(document: Document) -> Iterator[Package]:
    for link in markup.page(document).iter("a"):
        found = _BUILD.match(str(link.get("href") or "").rpartition("/")[2])
        if found and is_version(found["version"]):
            yield Package("engine", found["version"], "docker", found[0], "x86_64")


SOURCE = DockerPackages(
    name="docker-packages",
    title="Docker's packages and static builds",
    home="https://download.docker.com/",
    urls={
        "apt": "https://download.docker.com/linux/{system}/dists/{release}/stable/binary-{architecture}/Packages.gz",
        "rpm": "https://download.docker.com/linux/{system}/{release}/x86_64/stable/repodata/repomd.xml",
        "static": "https://download.docker.com/linux/static/stable/x86_64/",
    },
)
