"""Unpack gzip, xz and zstd as a stream: bounded in memory and in length.  Pure."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zlib
from typing import IO, cast

from feeds.core.errors import ShapeError
from feeds.core.limits import PACKAGES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError)


class Unpacked(io.RawIOBase):
    """A packed body as a readable stream; what is not packed is read as it is.

    ShapeError, with the URL, where the body is broken or cut off, or longer than `largest` bytes when unpacked.
    """

    def __init__(self, body: bytes, url: str, largest: int = PACKAGES) -> None:
        super().__init__()
        self._stream, self._url, self._left, self._largest = _opened(body), url, largest, largest

    def readable(self) -> bool:
        """Always true."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; all there are with -1."""
        try:
            piece = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        except _ERRORS as error:
            raise ShapeError(f"cannot be unpacked: {error}", where=self._url) from error
        self._left -= len(piece)
        if self._left < 0:
            raise ShapeError(f"larger than {self._largest >> 20} MiB when unpacked", where=self._url)
        return piece


def _opened(body: bytes) -> IO[bytes]:
    packed = io.BytesIO(body)
    if body[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
    if body[:6] == b"\xfd7zXZ\0":
        return lzma.LZMAFile(packed)
    if body[:4] == b"\x28\xb5\x2f\xfd":
        return cast("IO[bytes]", zstd.ZstdFile(packed))
    return packed
