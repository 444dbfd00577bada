"""What comes of an answer: it is read within bounds, and told as one line of standard output."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response

from feeds.advisories.records import Record
from feeds.core.errors import NavtexError, ShapeError
from feeds.core.limits import HOST_READING, REASON, RESPONSE, TITLE
from feeds.core.text import one_line
from feeds.crawl.download import OutOfTime
from feeds.crawl.protocol import CrawlMessage, FetchResult, FetchStatus, ItemPayload
from feeds.crawl.storable_values import admitted
from feeds.crawl.timer import TooLong, within
from feeds.sources.base import Document, Parsed, Request, Source

_WORDS = {
    DownloadTimeoutError: "no complete answer in time",
    ResponseDataLossError: "the answer broke off",
    DownloadConnectionRefusedError: "the connection was refused",
    CannotResolveHostError: "its host name cannot be resolved",
    DownloadCancelledError: f"the answer is larger than {RESPONSE >> 20} MiB",
}

_encode = msgspec.json.Encoder().encode
_output = io.BufferedWriter(io.FileIO(1, "w", closefd=False), 1 << 16)


def _titled(item: Any) -> Any:
    """An item with a title of bounded length."""
    if not isinstance(item, Record) or len(item.title) <= TITLE:
        return item
    return replace(item, title=f"{item.title[: TITLE - 3].rstrip()}...")


def document_of(ask: Request, response: Response) -> Document:
    """The answer as a source sees it."""
    headers = {k.decode("latin-1").lower(): v[-1].decode("latin-1") for k, v in response.headers.items() if v}
    return Document(ask.url, ask.form, response.body, headers, datetime.now(UTC))


class Reading(NamedTuple):
    """What a document holds: its items, their JSON, and why some were left out."""

    parsed: Parsed
    pieces: tuple[ItemPayload, ...]
    refused: tuple[str, ...] = ()


class TookTooLong(ShapeError):
    """A document was not read in the time that it had."""


def read(source: Source, document: Document, seconds: float = HOST_READING) -> Reading:
    """What a document holds; ShapeError with a reason whatever happens to the reader."""
    try:
        with within(seconds):
            parsed = source.parse(document)
            parsed = replace(parsed, items=tuple(_titled(item) for item in parsed.items))
            items, pieces, refused = admitted(document, parsed)
    except NavtexError as error:
        raise ShapeError(str(error).removeprefix(f"{document.url}: ")) from error
    except TooLong:
        raise TookTooLong(f"it cannot be read in {seconds:.1f} seconds") from None
    except RecursionError:
        raise ShapeError("it is too deeply nested to be read") from None
    except MemoryError:
        raise ShapeError("it needs more memory than the crawl may use") from None
    except Exception as error:
        raise ShapeError(f"cannot be read: {type(error).__name__}: {error}") from error
    return Reading(replace(parsed, items=items), pieces, refused)


def words(error: BaseException) -> str:
    """Why there is no answer, for a person."""
    if isinstance(error, IgnoreRequest | OutOfTime):
        return str(error)
    if said := next((words for kind, words in _WORDS.items() if isinstance(error, kind)), ""):
        return said
    # Twisted hides what happened to the connection (a certificate, a reset) in a list of failures
    causes = [c.getErrorMessage() for c in getattr(error.__cause__, "reasons", ())]
    if causes:
        return f"the connection failed: {'; '.join(causes)}"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def tell(source: Source, ask: Request, result: FetchStatus, **more: Any) -> None:
    """Tell what came of a question; a reason is one line, and not a long one, whatever an error holds."""
    if reason := more.get("reason"):
        more["reason"] = one_line(reason, REASON)
    outcome = FetchResult(
        source=source.name,
        url=ask.name,
        form=ask.form,
        complete=source.complete,
        result=result,
        at=datetime.now(UTC),
        **more,
    )
    write(CrawlMessage(outcome=outcome))


def write(line: CrawlMessage) -> None:
    """Write one line of the answer to standard output, with the next `flush` or before."""
    _output.write(_encode(line) + b"\n")


def flush() -> None:
    """Give the parent what is written."""
    _output.flush()
