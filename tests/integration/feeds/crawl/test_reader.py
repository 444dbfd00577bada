"""The process that reads: slow documents cost their own host its time, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from feeds.core.errors import ShapeError
from feeds.crawl.reader import Reader
from feeds.sources.base import Document, Parsed, Source
from tests.support.documents import AT


class Slow(Source):
    """Never ends reading what says so."""

    def parse(self, document: Document) -> Parsed:
        while document.body == b"slow":
            pass
        if document.body == b"dies":
            raise SystemExit
        return Parsed((), entries=len(document.body))


SLOW = Slow(name="slow", title="Slow", home="https://a.example/")


def document(host: str, body: bytes) -> Document:
    return Document(f"https://{host}/list", "api", body, {}, AT)


async def said(reader: Reader, host: str, body: bytes) -> str:
    try:
        parsed, *_ = await reader.read(SLOW, document(host, body))
    except ShapeError as error:
        return str(error)
    return f"{parsed.entries} entries"


def test_a_host_whose_documents_are_slow_to_read_fails_alone_while_the_loop_goes_on() -> None:
    async def go() -> tuple[list[str], float]:
        reader = Reader([SLOW], 60, of_host=0.5)
        slow = asyncio.ensure_future(said(reader, "a.example", b"slow"))
        worst = 0.0
        while not slow.done():
            began = monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, monotonic() - began)
        after = [await said(reader, "a.example", b"fine"), await said(reader, "b.example", b"fine")]
        return [slow.result(), *after], worst

    found, worst = asyncio.run(go())
    assert found == [
        "it cannot be read in 0.5 seconds",
        "the documents of a.example took 0.5 seconds to read",
        "4 entries",
    ]
    assert worst < 0.4


def test_a_reader_that_ends_is_told_and_stops_nothing() -> None:
    async def go() -> list[str]:
        reader = Reader([SLOW], 60)
        return [await said(reader, "a.example", body) for body in (b"fine", b"dies", b"fine")]

    assert asyncio.run(go()) == ["4 entries", *["the process that reads documents has ended"] * 2]


@pytest.mark.parametrize("body", [b"x", b"x" * (8 << 20)])
def test_large_documents_pass(body: bytes) -> None:
    async def go() -> str:
        return await said(Reader([SLOW], 60), "a.example", body)

    expected = "1 entries" if len(body) == 1 else "it has more than 20000 entries"
    assert asyncio.run(go()) == expected
