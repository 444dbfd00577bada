"""Container registries: which image a tag names, and what that image is made of. Pure.

Asked are only the registries that the configuration names. A tag is asked for by HEAD, which counts against no limit;
what a digest names never changes, so it is read once. Specification: OCI distribution-spec 1.1.

A poll goes from a tag to its manifest, its config, its provenance, and to the base that those name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from feeds.core.errors import ShapeError
from feeds.core.limits import TAG_PAGES, TAGS
from feeds.images import registry_documents
from feeds.images.records import ImageIndex, MemberRole, RegistryItem, TagAnswer
from feeds.images.references import HUB, Reference, digest, reference
from feeds.images.release_lines import Cycle
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings

NAME = "registries"
_LINES = "https://endoflife.date/api/v1/products/"
_HUB_HOST = "registry-1.docker.io"
_SPARE = 20
"""Pulls that are left to others: at so few remaining ones a registry is asked for no more manifests."""


class RegistryAccess(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a registry is reached. Credentials are sent to it, to its built-in token server, and to `token_hosts`."""

    name: str
    http: bool = False
    """Whether it speaks plain HTTP, as on loopback."""
    ca: str = ""
    """A file of certificates that sign the registry's."""
    token_hosts: tuple[str, ...] = ()
    username: str = ""
    password: str = ""
    identity_token: str = ""

    @property
    def host(self) -> str:
        """Where it is reached: Docker Hub's registry has another name than its images."""
        return _HUB_HOST if self.name == HUB else self.name

    @property
    def url(self) -> str:
        """The start of every address."""
        return f"http{'' if self.http else 's'}://{self.host}/v2/"


class ImageQuestions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to ask registries."""

    registries: tuple[RegistryAccess, ...] = ()
    tags: tuple[str, ...] = ()
    """`registry/repository:tag`, the one whose answer is oldest first."""
    lines: tuple[str, ...] = ()
    """Products of endoflife.date whose lines are asked for."""
    lists: tuple[str, ...] = ()
    """`registry/repository` of which all tags are asked for."""
    digests: tuple[str, ...] = ()
    """`registry/repository@digest` of images that run and are not known."""
    known: frozenset[str] = frozenset()
    """Digests that are read already."""
    pulls: int = 40
    """Manifests a poll and registry."""


@dataclass(frozen=True)
class Registries(Source):
    """Asks for tags, and reads what they lead to."""

    late: ClassVar[bool] = True
    remembers: ClassVar[bool] = True
    questions: ImageQuestions = field(default_factory=ImageQuestions)
    _pulled: dict[str, int] = field(default_factory=dict)
    _stopped: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """A HEAD for each tag; a list of tags where exact versions are to be compared."""
        del wanted
        for text in self.questions.tags:
            yield from self._tag(reference(text))
        for text in self.questions.digests:
            named = reference(text)
            if named is not None:
                yield from self._manifest(named, named.digest)
        for text in self.questions.lists:
            named = reference(text)
            if named is not None and (access := self._access(named.registry)):
                url = f"{access.url}{named.repository}/tags/list?n=1000"
                yield Request(url=url, form="tags", optional=True, scope=_scope(named.repository))
        for product in self.questions.lines:
            yield Request(url=f"{_LINES}{product}/", form=f"line/{product}", optional=True)

    def instead(self, ask: Request, status: int) -> Request | None:
        """A GET where a HEAD is not understood: some registries do not answer it, or not for an index."""
        if ask.form == "tag" and ask.method == "HEAD" and status in (404, 405, 501):
            return msgspec.structs.replace(ask, method="GET", form="tag-body")
        return None

    def parse(self, document: Document) -> Parsed:
        """What one answer says, and what to ask next."""
        if document.form.startswith("line/"):
            return _read_line(document)
        access = next((a for a in self.questions.registries if document.url.startswith(a.url)), None)
        if access is None:
            raise ShapeError("it is not the address of a registry", where=document.url)
        remaining = document.headers.get("ratelimit-remaining", "").partition(";")[0].strip()
        if remaining.isdecimal() and int(remaining) <= _SPARE:
            self._stopped.add(access.name)
        read = {
            "tag": self._read_tag,
            "tag-body": self._read_tag,
            "manifest": self._read_manifest,
            "config": self._read_config,
            "provenance": self._read_provenance,
            "tags": self._read_tags,
        }[document.form.partition("/")[0]]
        return read(document, access)

    def _read_tag(self, document: Document, access: RegistryAccess) -> Parsed:
        repository, tag = _place(document.url, access, "manifests")
        told = digest(document.headers.get("docker-content-digest", ""))
        if not told and document.form == "tag":
            get = Request(
                url=document.url,
                form="tag-body",
                accept=registry_documents.ACCEPT,
                optional=True,
                scope=_scope(repository),
            )
            return Parsed((), (get,))
        found = told or f"sha256:{hashlib.sha256(document.body).hexdigest()}"
        named = Reference(access.name, repository, tag)
        item = RegistryItem(f"tag:{named.tagged}", tag=TagAnswer(named.tagged, found))
        return Parsed((item,), tuple(self._manifest(named, found)))

    def _read_manifest(self, document: Document, access: RegistryAccess) -> Parsed:
        repository, own = _place(document.url, access, "manifests")
        named = Reference(access.name, repository)
        body = registry_documents.checked(document.body, own)
        found = registry_documents.manifest(body, own)
        follow = [*self._base(found.base_name, found.base_digest)]
        if isinstance(found, ImageIndex):
            for member in found.members:
                follow += self._manifest(named, member.manifest, about=member.about)
            return Parsed((RegistryItem(f"index:{own}", index=found),), tuple(follow))
        about = document.form.partition("/")[2]
        if found.kind is MemberRole.IMAGE:
            follow += self._blob(named, found.config, "config")
        for statement in found.statements if digest(about) else ():
            follow += self._blob(named, statement, f"provenance/{about}")
        return Parsed((RegistryItem(f"manifest:{own}", manifest=found),), tuple(follow))

    def _read_config(self, document: Document, access: RegistryAccess) -> Parsed:
        _, own = _place(document.url, access, "blobs")
        found = registry_documents.image(registry_documents.checked(document.body, own), own)
        follow = self._tag(reference(found.run_image)) if found.run_image else ()
        return Parsed((RegistryItem(f"image:{own}", image=found),), tuple(follow))

    def _read_provenance(self, document: Document, access: RegistryAccess) -> Parsed:
        _, own = _place(document.url, access, "blobs")
        about = document.form.partition("/")[2]
        found = registry_documents.materials(registry_documents.checked(document.body, own))
        follow = [request for m in found for request in self._base(m.uri, m.digest)]
        return Parsed((RegistryItem(f"materials:{about}", materials=found),), tuple(follow))

    def _read_tags(self, document: Document, access: RegistryAccess) -> Parsed:
        repository = document.url.removeprefix(access.url).partition("/tags/list")[0]
        try:
            top = msgspec.json.decode(document.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ShapeError(f"it is not JSON: {error}", where=document.url) from error
        listed = (top.get("tags") or []) if isinstance(top, dict) else None
        if not isinstance(listed, list):
            raise ShapeError("it has no list of tags", where=document.url)
        tags = tuple(t for t in listed if isinstance(t, str) and len(t) <= 128)[:TAGS]
        page = urlsplit(document.url).query
        item = RegistryItem(f"tags:{access.name}/{repository}?{page}", tags=tags)
        return Parsed((item,), tuple(self._next_page(document, access, repository, tags)))

    def _next_page(
        self, document: Document, access: RegistryAccess, repository: str, tags: tuple[str, ...]
    ) -> Iterator[Request]:
        """The next page, where the answer says that there is one; by the last tag, never by the address it gives."""
        if 'rel="next"' not in document.headers.get("link", "") or not tags:
            return
        key = f"{access.name}/{repository}"
        self._pulled[key] = self._pulled.get(key, 0) + 1
        if self._pulled[key] < TAG_PAGES:
            last = tags[-1]
            yield Request(
                url=f"{access.url}{repository}/tags/list?n=1000&last={last}",
                form="tags",
                optional=True,
                scope=_scope(repository),
            )

    def _base(self, name: str, own: str) -> Iterator[Request]:
        """What is asked of a base that a build names: its tag, and the image that it was then."""
        named = reference(name) if name else None
        if named is None:
            return
        yield from self._tag(named)
        if own:
            yield from self._manifest(named, own)

    def _tag(self, named: Reference | None) -> Iterator[Request]:
        if (
            named is None
            or not named.tag
            or not (access := self._access(named.registry))
            or named.tagged in self._asked
        ):
            return
        self._asked.add(named.tagged)
        yield Request(
            url=f"{access.url}{named.repository}/manifests/{named.tag}",
            form="tag",
            method="HEAD",
            accept=registry_documents.ACCEPT,
            optional=True,
            scope=_scope(named.repository),
        )

    def _manifest(self, named: Reference, own: str, about: str = "") -> Iterator[Request]:
        """The question for a manifest that is unknown, while the registry may be asked for more."""
        access = self._access(named.registry)
        if access is None or not own or own in self.questions.known or own in self._asked:
            return
        if access.name in self._stopped or self._pulled.get(access.name, 0) >= self.questions.pulls:
            return
        self._pulled[access.name] = self._pulled.get(access.name, 0) + 1
        self._asked.add(own)
        yield Request(
            url=f"{access.url}{named.repository}/manifests/{own}",
            form=f"manifest/{about}" if about else "manifest",
            accept=registry_documents.ACCEPT,
            optional=True,
            scope=_scope(named.repository),
        )

    def _blob(self, named: Reference, own: str, form: str) -> Iterator[Request]:
        access = self._access(named.registry)
        if access is None or own in self.questions.known or own in self._asked:
            return
        self._asked.add(own)
        url = f"{access.url}{named.repository}/blobs/{own}"
        yield Request(url=url, form=form, optional=True, scope=_scope(named.repository))

    def _access(self, registry: str) -> RegistryAccess | None:
        return next((a for a in self.questions.registries if a.name == registry), None)


def _read_line(document: Document) -> Parsed:
    """The release lines of a product, as endoflife.date has them."""
    data = mapping(mapping(json_body(document)).get("result"))
    cycles = []
    for release in mappings(data.get("releases")):
        ends = release.get("eolFrom")
        try:
            day = date.fromisoformat(ends) if isinstance(ends, str) else None
        except ValueError:
            day = None
        cycles.append(Cycle(str(release.get("name") or "")[:40], str(release.get("codename") or "")[:60], day))
    if not cycles:
        raise ShapeError("no releases in it", where=document.url)
    return Parsed((RegistryItem(f"line:{document.form.removeprefix('line/')}", cycles=tuple(cycles)),))


def _scope(repository: str) -> str:
    return f"repository:{repository}:pull"


def _place(url: str, access: RegistryAccess, kind: str) -> tuple[str, str]:
    """The repository, and the tag or digest, of an address."""
    repository, _, last = url.removeprefix(access.url).partition(f"/{kind}/")
    return repository, last


def tag_of(url: str, accesses: Iterable[RegistryAccess]) -> Reference | None:
    """The tag that a question was for, by its address; None if it was for something else."""
    url = url.partition("#")[0]
    for access in accesses:
        if url.startswith(access.url) and "/manifests/" in url:
            repository, last = _place(url, access, "manifests")
            return None if digest(last) else Reference(access.name, repository, last)
    return None


def source(questions: ImageQuestions) -> Registries:
    """The source that asks these questions."""
    urls = {access.name: access.url for access in questions.registries}
    return Registries(NAME, "Container registries", f"https://{_HUB_HOST}/v2/", urls, questions)
