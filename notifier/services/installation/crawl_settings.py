"""A crawl as the configuration describes it. Light, so that the child process starts before the database is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from feeds.core.addresses import web_address
from feeds.core.environment import for_child
from feeds.core.errors import ConfigError, UnknownName
from feeds.core.secrets import from_environment
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob
from notifier.config import Config


def start_crawl(config: Config, environment: Mapping[str, str]) -> Crawl:
    """Start the child process that fetches. It is a context manager, and waits for its job.

    It gets the certificates to trust and, if it will ask GitHub itself, the token. ConfigError if the token's file
    cannot be read.
    """
    token = from_environment(environment, "GITHUB_TOKEN") or environment.get("GH_TOKEN", "")
    needed = "" if config.mirror else token
    return Crawl(for_child(environment, GITHUB_TOKEN=needed, SSL_CERT_FILE=config.ca_bundle))


def crawl_job(config: Config, **more: Any) -> CrawlJob:
    """The job of a crawl with the configuration's settings; `more` holds further fields of CrawlJob."""
    return CrawlJob(
        disabled=config.disabled,
        urls=config.urls,
        mirror=config.mirror,
        contact=config.poll.contact,
        host_seconds=config.poll.host_seconds,
        poll_seconds=config.poll.poll_seconds,
        **more,
    )


def check_sources(config: Config, names: Iterable[str] = ()) -> None:
    """Check the sources that are named, and those of the configuration with their addresses.

    UnknownName if there is no such source; ConfigError if an address is wrong, or for a form that the source
    does not have.
    """
    wanted = [*names, *config.sources]
    if not wanted:
        return
    from feeds.sources.all_sources import SOURCES  # loads every parser
    from feeds.sources.registries import NAME as REGISTRIES

    forms = {s.name: s.urls for s in SOURCES}
    if config.images.registries:
        forms[REGISTRIES] = {}
    for name in wanted:
        if name not in forms:
            raise UnknownName(f"there is no source {name!r}", remedy="See `navtex source list`")
    for name, urls in config.urls.items():
        for form, url in urls.items():
            web_address(url, f"sources.{name}.urls.{form}")
        for form in sorted(urls.keys() - forms[name].keys()):
            raise ConfigError(
                f"sources.{name}.urls has {form!r}, which is not an address of that source",
                remedy=f"Its addresses are {', '.join(forms[name])}",
            )
