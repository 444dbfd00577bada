"""All sources: SOURCES lists them. Loads every parser, so import it where it is needed."""

from __future__ import annotations

from dataclasses import replace

from feeds.sources import (
    cis_benchmark,
    cve_records,
    docker_announcements,
    docker_blog,
    docker_cna,
    docker_packages,
    endoflife,
    engine_modules,
    epss,
    git_tags,
    github_advisories,
    go_vulndb,
    kev,
    osv,
    registries,
    release_feeds,
    release_notes,
)
from feeds.sources.base import Source
from feeds.sources.registries import ImageQuestions

SOURCES: tuple[Source, ...] = (
    docker_announcements.SOURCE,
    docker_blog.SOURCE,
    cis_benchmark.SOURCE,
    *github_advisories.SOURCES,
    release_notes.SOURCE,
    release_notes.DESKTOP,
    release_feeds.SOURCE,
    git_tags.SOURCE,
    docker_packages.SOURCE,
    engine_modules.SOURCE,
    go_vulndb.SOURCE,
    docker_cna.SOURCE,
    cve_records.SOURCE,
    osv.SOURCE,
    endoflife.SOURCE,
    kev.SOURCE,
    epss.SOURCE,
)


def configured(
    urls: dict[str, dict[str, str]], disabled: frozenset[str] = frozenset(), images: ImageQuestions | None = None
) -> tuple[Source, ...]:
    """The sources as an operator wants them: some off, some at other addresses.

    `urls` maps a source's name to the forms whose address is replaced; `images` are the questions for registries, which
    are a source where there are some.
    """
    kept = (s for s in SOURCES if s.name not in disabled)
    found = tuple(replace(s, urls={**s.urls, **urls[s.name]}) if s.name in urls else s for s in kept)
    if images is None or not images.registries or registries.NAME in disabled:
        return found
    return (*found, registries.source(images))
