"""A text from a stream of bytes, read line by line or as JSON.  Pure.

Rows are yielded as they come, so that a file of a million rows needs little memory.  A document is read whole,
once.  Bytes that are not UTF-8 are read as Latin-1; UTF-16 is recognised by its byte order mark.  Colours are
removed, and terminal output around JSON.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import itertools
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import msgspec

from feeds.core.errors import InventoryError
from notifier.domain.components import BadRow
from notifier.inventory.terminal_noise import (
    is_labels,
    is_noise,
    is_quoted,
    json_start,
    margin,
    outdented,
    plain,
    several,
    unquoted,
)

HEAD = 1 << 16
"""How many characters are examined to recognise a format."""
_FIRST_ROWS = 100
MAX_LINE = 1 << 24
"""The rest of a longer line is dropped, so its row is bad."""
MAX_DOCUMENT = 1 << 29
"""A longer document is an error."""


def _latin(error: UnicodeError) -> tuple[str, int]:
    """The bytes that are not UTF-8, as Latin-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("navtex-latin-1", _latin)


class Item(NamedTuple):
    """One JSON value of a text, and its place."""

    where: str
    value: Any


class Text:
    """A text over a binary stream. Lines, items and the document can be read once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = _characters(stream)
        self._ahead = plain(self._more(HEAD))
        self._whole = False
        if is_quoted(self._ahead):
            self._ahead = unquoted(self.whole())
        if blanks := margin(self._ahead):
            self._ahead = outdented(self.whole(), blanks)
        self._shape = ""
        self._values: list[Any] = []
        self._sample: Any = None
        self.head = self._ahead
        """The first characters."""

    @classmethod
    def of(cls, text: str | bytes) -> Text:
        """A text in memory."""
        return cls(io.BytesIO(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text))

    @property
    def empty(self) -> bool:
        """Whether it has nothing but blanks."""
        while not self._ahead.strip():
            self._ahead = self._more(HEAD)
            if not self._ahead:
                return True
        return False

    @property
    def sample(self) -> Any:
        """The first JSON value by which a format is recognised; None if the text is not JSON.

        A document's own value, or the first of its list; of a text of rows, the first row.
        InventoryError if the text begins like JSON and cannot be read.
        """
        if not self._shape:
            self._shape = self._find_shape()
        return self._sample

    @property
    def is_document(self) -> bool:
        """Whether it is JSON, and not one value a line."""
        return self.sample is not None and self._shape == "document"

    def first_values(self) -> list[Any]:
        """The JSON values among the first characters, by which a format is recognised; none if it is not JSON."""
        if self.sample is None:
            return []
        if self._shape == "document":
            values = self._documents()
            return values[0] if len(values) == 1 and isinstance(values[0], list) else values
        found = []
        for line in first_lines(self._ahead[:HEAD], _FIRST_ROWS):
            with contextlib.suppress(InventoryError):
                found.append(decoded(line))
        return found

    def lines(self) -> Iterator[str]:
        """The lines, with their ends."""
        ahead, self._ahead = io.StringIO(self._ahead), ""
        while True:
            line = ahead.readline(MAX_LINE)
            if not line.endswith("\n") and len(line) < MAX_LINE:
                line += self._line(MAX_LINE - len(line))
            if not line:
                return
            if not line.endswith("\n") and len(line) >= MAX_LINE:
                while (rest := ahead.readline(HEAD) or self._line(HEAD)) and not rest.endswith("\n"):
                    pass
            yield plain(line)

    def whole(self) -> str:
        """All of it; InventoryError if it is too long."""
        if not self._whole:
            self._ahead = plain(self._ahead + self._more(MAX_DOCUMENT + 1 - len(self._ahead)))
            if len(self._ahead) > MAX_DOCUMENT:
                raise InventoryError(
                    f"it is longer than {MAX_DOCUMENT >> 20} million characters", remedy="Split it, or use rows"
                )
            self._whole = True
        return self._ahead

    def document(self) -> Any:
        """The JSON value that the whole text is; InventoryError if it is not JSON, or several values."""
        values = self._documents()
        if len(values) > 1:
            raise InventoryError(
                f"it holds several documents ({len(values)}), and only one can be read", remedy="Import each separately"
            )
        return values[0]

    def items(self, *, rows: bool = False) -> Iterator[Item | BadRow]:
        """The JSON values of lists, of rows, or those that the text is; rows that are no JSON are bad.

        With `rows`, every line is one, whatever the text looks like.
        """
        if rows or (self.sample is not None and self._shape == "rows"):
            yield from self._rows()
            return
        values = self._documents()
        for number, value in enumerate(values, 1):
            where = "the document" if len(values) == 1 else f"document {number}"
            if isinstance(value, list):
                prefix = "" if len(values) == 1 else f"{where}, "
                yield from (Item(f"{prefix}[{i}]", v) for i, v in enumerate(value))
            else:
                yield Item(where, value)

    def _rows(self) -> Iterator[Item | BadRow]:
        first = self._ahead.count("\n", 0, max(0, json_start(self._ahead[:HEAD])))
        for number, line in enumerate(self.lines(), 1):
            if line.strip() and number > first:
                try:
                    yield Item(f"line {number}", decoded(line))
                except InventoryError as error:
                    if not is_noise(line):
                        yield BadRow(f"line {number}", error.what)

    def _documents(self) -> list[Any]:
        """The JSON values that the text is, one or several after each other."""
        if not self._values:
            start = max(0, json_start(self.whole()[:HEAD]))
            try:
                self._values = [decoded(self._ahead[start:])]
            except InventoryError as error:
                self._values = several(self._ahead[start:]) if "trailing" in error.what else []
                if not self._values:
                    raise
        return self._values

    def _find_shape(self) -> str:
        if self.empty:
            return "text"
        begins, start = self._ahead.lstrip(), json_start(self._ahead)
        at_once = begins[0] in "{[" and not is_noise(begins.partition("\n")[0]) and not is_labels(begins)
        if start < 0 and not at_once:
            return "text"
        first, alone = self._first_line(max(0, start))
        if not alone:
            with contextlib.suppress(InventoryError):
                self._sample = decoded(first)
                return "rows"
        try:
            value = self._documents()[0]
        except InventoryError:
            if at_once:
                raise
            return "text"
        self._sample = next(iter(value), None) if isinstance(value, list) else value
        return "document"

    def _first_line(self, start: int) -> tuple[str, bool]:
        """The first line from there on that says something, and whether nothing else follows it."""
        start += len(self._ahead[start:]) - len(self._ahead[start:].lstrip())
        end = self._ahead.find("\n", start)
        if end < 0:
            self._ahead += self._line(MAX_LINE)
            end = self._ahead.find("\n", start)
        if end < 0:
            return self._ahead[start:], True
        if not (rest := self._ahead[end:]).strip():
            self._ahead += self._more(HEAD)
            rest = self._ahead[end:]
        short = len(rest) < HEAD
        return self._ahead[start:end], short and all(not x.strip() or is_noise(x) for x in rest.splitlines())

    def _more(self, size: int) -> str:
        try:
            return self._stream.read(size)
        except (UnicodeError, OSError) as error:
            raise _unreadable(error) from error

    def _line(self, size: int) -> str:
        try:
            return self._stream.readline(size)
        except (UnicodeError, OSError) as error:
            raise _unreadable(error) from error


def _characters(stream: BinaryIO) -> io.TextIOBase:
    """A stream's characters, its lines ending in a newline alone; a small one is read at once, which is faster."""
    first = bytearray()
    while len(first) < HEAD and (more := stream.read(HEAD - len(first))):
        first += more
    wide = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding, errors = ("utf-16", "strict") if wide else ("utf-8-sig", "navtex-latin-1")
    if len(first) == HEAD:
        return io.TextIOWrapper(io.BufferedReader(_Rejoined(bytes(first), stream)), encoding, errors)
    try:
        return io.StringIO(first.decode(encoding, errors), newline=None)
    except UnicodeError as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> InventoryError:
    return InventoryError(f"not readable as text: {error}")


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first, self._rest = first, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._first[: len(buffer)] or self._rest.read(len(buffer))
        self._first = self._first[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def decoded(text: str) -> Any:
    """The JSON value that a text is; InventoryError if it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise InventoryError("the JSON cannot be read: it is too deep") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InventoryError(f"the JSON cannot be read: {error}") from error


def obj(value: Any, *path: str) -> dict[str, Any]:
    """The object at a path inside a JSON value; an empty one if there is none."""
    found = _at(value, path)
    return found if isinstance(found, dict) else {}


def seq(value: Any, *path: str) -> list[Any]:
    """The list at a path inside a JSON value; an empty one if there is none."""
    found = _at(value, path)
    return found if isinstance(found, list) else []


def word(value: Any, *path: str) -> str:
    """The text (or number) at a path inside a JSON value, without blanks around it; "" if there is none."""
    found = _at(value, path)
    plain = isinstance(found, str) or (isinstance(found, int | float) and not isinstance(found, bool))
    return str(found).strip() if plain else ""


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def first_lines(head: str, count: int) -> list[str]:
    """The first lines that say something; not the last of the head, which may be cut."""
    lines = head.splitlines() if len(head) < HEAD else head.splitlines()[:-1]
    return list(itertools.islice((line for line in lines if line.strip()), count))
