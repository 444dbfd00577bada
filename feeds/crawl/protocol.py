"""What the parent and the crawling child say to each other: a job, and the result of each request."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from feeds.sources.base import Request, RequestContext
from feeds.sources.registries import ImageQuestions


class Validators(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a document between polls: its validators, and what it led to."""

    etag: str = ""
    last_modified: str = ""
    follow: tuple[Request, ...] = ()


class CrawlJob(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch, and how. Times are in seconds."""

    sources: tuple[str, ...] = ()
    """Which to ask; () is all of them."""
    disabled: frozenset[str] = frozenset()
    urls: dict[str, dict[str, str]] = {}
    wanted: RequestContext = RequestContext()
    known: dict[str, Validators] = {}
    not_before: dict[str, datetime] = {}
    """Hosts that asked to be left alone, and until when."""
    images: ImageQuestions = ImageQuestions()
    """What to ask registries."""
    mirror: str = ""
    contact: str = ""
    host_seconds: float = 60.0
    poll_seconds: float = 120.0
    bodies: bool = False
    """Whether outcomes are to hold what was read as it came."""


class ItemPayload(msgspec.Struct, frozen=True):
    """One item of a document: its key there, and its JSON, kept as it is until somebody needs the value."""

    key: str
    payload: msgspec.Raw


class FetchStatus(StrEnum):
    """What a question came to."""

    READ = "read"
    """Its items are new."""
    SAME = "same"
    """Nothing has changed (304)."""
    MISSING = "missing"
    """It is not there (404 or 410), where that may be."""
    FAILED = "failed"


class FetchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one question."""

    source: str
    url: str
    form: str
    complete: bool
    """Whether the source's documents list everything there is."""
    result: FetchStatus
    at: datetime
    reason: str = ""
    etag: str = ""
    last_modified: str = ""
    items: tuple[ItemPayload, ...] = ()
    listed: int = 0
    """How many entries it holds, those that were left out included."""
    follow: tuple[Request, ...] = ()
    retry_at: datetime | None = None
    status: int = 0
    """Of HTTP; 0 where nothing was answered."""
    body: bytes = b""
    too_many: bool = False
    """Whether the source brings more than a poll takes, so that nothing of it is believed."""
    refused: tuple[str, ...] = ()
    """Entries that were left out because they cannot be stored, and why."""


class CrawlMessage(msgspec.Struct, omit_defaults=True):
    """One line of the child's answer; the last one says that all questions were answered."""

    outcome: FetchResult | None = None
    done: bool = False
    problem: str = ""
