"""Unpacking of answers: strict, and stopped while it inflates.

Scrapy's own takes what it gets of a cut stream, and then half a page looks whole.
"""

from __future__ import annotations

import zlib

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

_PIECE = 1 << 16
_GZIP, _RAW = 47, -15  # zlib's window bits: gzip or zlib by its head, and deflate without any
_MEMBERS = 1000


class Unpacking:
    """Asks for gzip or deflate, and unpacks it; IgnoreRequest where that cannot be done, with the reason."""

    def __init__(self, crawler: Crawler) -> None:
        self._largest = crawler.settings.getint("DOWNLOAD_MAXSIZE")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Unpacking:
        """Scrapy's way of making a middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Say what can be unpacked."""
        request.headers.setdefault("Accept-Encoding", b"gzip, deflate")

    def process_response(self, request: Request, response: Response) -> Response:
        """The response as it was before it was packed."""
        said = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1").lower()
        layers = [layer for part in said.split(",") if (layer := part.strip()) and layer != "identity"]
        if not layers or not response.body or response.status != 200:
            return response
        if layers[1:] or layers[0] not in ("gzip", "x-gzip", "deflate"):
            raise IgnoreRequest(f"its compression was not requested ({said[:60]!r})")
        body = unpacked(response.body, self._largest)
        return response.replace(
            body=body, headers={k: v for k, v in response.headers.items() if k != b"Content-Encoding"}
        )


def unpacked(body: bytes, largest: int) -> bytes:
    """What gzip or deflate packed; IgnoreRequest where it is broken, cut off, or larger than `largest` bytes."""
    try:
        return _inflated(body, largest, _GZIP)
    except zlib.error as error:
        try:
            # what some servers call deflate has no head
            return _inflated(body, largest, _RAW)
        except zlib.error:
            raise IgnoreRequest(f"it cannot be unpacked: {error}") from error


def _inflated(body: bytes, largest: int, window: int) -> bytes:
    found = bytearray()
    at = 0
    for _ in range(_MEMBERS):
        stream = zlib.decompressobj(window)
        while not stream.eof:
            packed = body[at : at + _PIECE]
            at += len(packed)
            while not stream.eof:
                piece = stream.decompress(packed, _PIECE)
                packed = stream.unconsumed_tail
                found += piece
                if len(found) > largest:
                    raise IgnoreRequest(f"the answer is larger than {largest >> 20} MiB when it is unpacked")
                if not packed and not piece:
                    break
            if at >= len(body) and not stream.eof:
                raise IgnoreRequest("the answer is incomplete: the compressed data ends early")
        at -= len(stream.unused_data)
        if window == _RAW or not body[at:].strip(b"\0"):
            return bytes(found)
    raise IgnoreRequest("it is packed in too many pieces")
