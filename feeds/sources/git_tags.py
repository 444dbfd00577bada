"""Git tags: api.github.com/repos/OWNER/REPO/tags, a hundred a page.

They say which releases exist, so that a fix which was merged and never released does not count, and
by their commits which engine release a tag of the Go module moby/moby/v2 is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from feeds.advisories.facts import Tag, Tags
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings, next_page

REPOSITORIES = {
    "moby/moby": "engine",
    "docker/cli": "cli",
    "containerd/containerd": "containerd",
    "opencontainers/runc": "runc",
    "moby/buildkit": "buildkit",
    "docker/compose": "compose",
    "docker/buildx": "buildx",
}
# of a release, or of the engine's Go module (Compose 1 had no "v"); not api/v1.52.0, docs-v1.12.0 or dockerfile/1.9.0
_RELEASE = re.compile(r"^(?:docker-)?v?\d+\.\d+")

_COMMIT = re.compile(r"/repos/([\w.-]+/[\w.-]+)/commits/")


class TagLists(Source):
    """The tags of every product's repository."""

    complete: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """The first page of each; an API, which robots.txt does not govern."""
        for repository, url in self.urls.items():
            yield Request(url=url, form=repository, accept="application/vnd.github+json")

    def parse(self, document: Document) -> Parsed:
        """One fact: the releases' tags on this page; and the next page."""
        entries = json_body(document)
        if not any(e.get("name") for e in mappings(entries)):
            raise ShapeError("no list of tags", where=document.url)
        tags = tuple(
            Tag(str(e["name"]), str(mapping(e.get("commit")).get("sha") or ""))
            for e in mappings(entries)
            if _RELEASE.match(str(e.get("name")))
        )
        if others := {r for e in mappings(entries) if (r := _repository(e))} - {document.form}:
            raise ShapeError(f"it lists tags of {min(others)}", where=document.url)
        following = next_page(document)
        follow = (
            (Request(url=following, form=document.form, accept="application/vnd.github+json"),) if following else ()
        )
        fact = Tags(product=REPOSITORIES.get(document.form, ""), repository=document.form, tags=tags)
        return Parsed((fact,), follow)


def _repository(entry: dict[str, Any]) -> str:
    """The repository of ours that a tag's commit is in; "" if it does not say so."""
    found = _COMMIT.search(str(mapping(entry.get("commit")).get("url")))
    return found[1] if found and found[1] in REPOSITORIES else ""


SOURCE = TagLists(
    name="tags",
    title="Git tags of the products",
    home="https://github.com/moby/moby/tags",
    urls={r: f"https://api.github.com/repos/{r}/tags?per_page=100" for r in REPOSITORIES},
)
