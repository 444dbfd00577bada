"""Release feeds: github.com/OWNER/REPO/releases.atom, the newest ten releases of each product.

Full of tags that are no releases of the product (`api/`, `client/`, betas), and a window that moves:
they bring news and notes early, and nothing relies on them for what exists.  For products without a
page of release notes (containerd, runc, ...) their notes are where fixes are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from feeds.advisories.authority import Precedence
from feeds.advisories.facts import Release
from feeds.advisories.records import Kind, Record
from feeds.sources.base import Document, Item, Parsed, Request, RequestContext, Source
from feeds.sources.git_tags import REPOSITORIES
from feeds.sources.readers import markup, note_records
from feeds.sources.readers.bodies import unique
from feeds.versions.upstream import is_version, read

_TAG = re.compile(r"/releases/tag/(?P<prefix>docker-)?v(?P<version>\d[^/]*)$")
_LABELS = {"engine": "Docker Engine", "cli": "Docker CLI", "compose": "Docker Compose", "buildkit": "BuildKit"}


class ReleaseFeeds(Source):
    """The feeds of every product's repository."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """All of them.  GitHub's robots.txt forbids *.atom to crawlers; a feed is made for programs."""
        for repository, url in self.urls.items():
            yield Request(url=url, form=repository, optional=True)

    def parse(self, document: Document) -> Parsed:
        """Each release of the product, and what its notes say it repairs."""
        product = REPOSITORIES.get(document.form, "")
        entries = markup.feed(document)
        items = unique(i for entry in entries for i in _items(entry, product, document.form))
        return Parsed(items, entries=len(entries))


def _items(entry: markup.FeedItem, product: str, repository: str) -> Iterator[Item]:
    tag = _TAG.search(entry.link)
    if tag is None or not is_version(tag["version"]) or not read(tag["version"]).final:
        return
    version = tag["version"]
    if product == "engine" and not tag["prefix"] and read(version).numbers[0] < 17:
        return
    blocks = list(markup.blocks(markup.fragment(entry.body)))
    found = list(note_records.fixes(blocks, product, repository))
    named = tuple(dict.fromkeys(i for fix in found for i in fix.ids))
    yield Release(
        product=product,
        version=version,
        url=entry.link,
        day=entry.published.date() if entry.published else None,
        repairs=note_records.repairs(blocks),
        bundles=note_records.bundles(blocks, product),
    )
    yield Record(
        id=f"{product}-{version}",
        kind=Kind.RELEASE,
        title=f"{_LABELS.get(product, product)} {version}",
        url=entry.link,
        mentions=named,
        summary=f"Fixes {', '.join(named)}." if named else "",
        published=entry.published,
        precedence=Precedence.RELEASE_FEED,
    )
    for fix in found:
        yield note_records.record(fix, version, entry.link, entry.published)


SOURCE = ReleaseFeeds(
    name="release-feeds",
    title="Release feeds of the products",
    home="https://github.com/moby/moby/releases",
    urls={r: f"https://github.com/{r}/releases.atom" for r in REPOSITORIES},
)
