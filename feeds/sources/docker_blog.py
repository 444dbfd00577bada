"""Docker's blog: www.docker.com/blog/feed/, of which most is not security news.

What is kept is decided by RULES, in order: the first rule that a post meets says what it is.
Everything else is dropped.  The feed is a window of the newest posts, so a post that has gone
from it was not withdrawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from feeds.advisories.authority import DOCKERS, spoken
from feeds.advisories.prose import read_prose
from feeds.advisories.records import Kind, Record, cves_in, is_reserved
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers import markup
from feeds.sources.readers.bodies import last_part, unique


class Rule(NamedTuple):
    """Posts whose field matches are kept, as this kind, and `reason` says why."""

    kind: Kind
    where: str
    pattern: re.Pattern[str]
    reason: str


_PRODUCT = r"\b(?:docker|moby|runc|buildkit|containerd)\b"
RULES = tuple(
    Rule(kind, where, re.compile(pattern, re.IGNORECASE), reason)
    for kind, where, pattern, reason in (
        (
            Kind.ANNOUNCEMENT,
            "title",
            r"security (?:advisory|update|bulletin)|CVE-\d{4}-\d+",
            "the title announces a fix",
        ),
        (Kind.ANNOUNCEMENT, "title", rf"\bvulnerabilit(?:y|ies)\b.*{_PRODUCT}", "the title names a vulnerability"),
        (Kind.PUBLICATION, "title", r"\bwhite ?papers?\b", "a white paper"),
        (Kind.PUBLICATION, "summary", r"\bwhite ?papers?\b", "it presents a white paper"),
        (Kind.PUBLICATION, "title", r"\bbest[ -]practices?\b", "best practice"),
        (
            Kind.PUBLICATION,
            "category",
            r"^(?:security|best practices?|white ?papers?)$",
            "filed under Security or alike",
        ),
    )
)
_GUID = re.compile(r"[?&]p=(?P<post>\d{1,12})$")
"""The number of a post, which stays when its address is corrected."""
_FOOTER = re.compile(r"The post .{1,300}? appeared first on .{1,40}\.?\s*$", re.DOTALL)


class DockerBlog(Source):
    """The blog's RSS feed."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """The feed; made for programs, so robots.txt does not govern it."""
        yield Request(url=self.urls["rss"], form="rss")

    def parse(self, document: Document) -> Parsed:
        """The posts that a rule keeps; a post is named by its number, else by the last part of its address."""
        entries = markup.feed(document)
        return Parsed(unique(r for item in entries if (r := _kept(item))), entries=len(entries))


def _kept(item: markup.FeedItem) -> Record | None:
    rule = next((r for r in RULES if r.pattern.search(_field(item, r.where))), None)
    slug = last_part(item.link)
    if rule is None or not slug:
        return None
    text = _FOOTER.sub("", markup.plain(item.body))
    announced = rule.kind is Kind.ANNOUNCEMENT
    guid = _GUID.search(item.guid)
    aliases = [f"docker-blog/{slug}"] if guid else []
    # the name of a CVE or a release in an address says what the post speaks of, and is not a name of the post
    aliases += [slug] if announced and not is_reserved(unquote(slug)) else []
    return Record(
        id=f"docker-blog/{guid['post'] if guid else slug}",
        kind=rule.kind,
        title=item.title,
        url=item.link,
        # the announcements page gives an entry that it shares with the blog the same last part
        aliases=tuple(aliases),
        mentions=cves_in(f"{item.title} {text}"),
        summary=text[:600],
        published=item.published,
        claims=spoken(read_prose(f"{item.title}.\n\n{text}"), DOCKERS) if announced else (),
        reason=rule.reason,
    )


def _field(item: markup.FeedItem, where: str) -> str:
    if where == "category":
        return next((c for c in item.categories if RULES[-1].pattern.match(c)), "")
    return item.title if where == "title" else item.summary


SOURCE = DockerBlog(
    name="docker-blog",
    title="Docker blog",
    home="https://www.docker.com/blog/",
    urls={"rss": "https://www.docker.com/blog/feed/"},
)
