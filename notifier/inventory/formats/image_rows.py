"""Rows of your own that say which image runs where: CSV with `host,image,digest`."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from feeds.images.references import digest, reference
from notifier.domain.components import BadRow, Found, host_name
from notifier.domain.images import HostImages, ImageUse
from notifier.inventory.formats.shared.headers import lacking
from notifier.inventory.text import Text, first_lines

NAME = "image-csv"
SIGN = "its first line is a header with a column for the host and a column `image`"
_HOST = ("host", "hostname", "node")


def recognises(text: Text) -> bool:
    """Whether its first line is a header with a host and an image, and without a product."""
    return bool(_delimiter(text))


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The images of each host; a row whose image is not a name, or whose digest is none, is bad."""
    del host  # every row names its own
    delimiter = _delimiter(text)
    lines = (line for line in text.lines() if line.strip())
    header = [c.strip().lower() for c in _cells(next(lines, ""), delimiter or ",")]
    name = next((h for h in _HOST if h in header), "")
    if missing := [c for c, there in (("host", name), ("image", "image" in header)) if not there]:
        raise lacking(header, missing, "Name the columns host,image; digest is optional")
    hosts: dict[str, set[ImageUse]] = {}
    for number, line in enumerate(lines, 2):
        values = dict(zip(header, _cells(line, delimiter), strict=False))
        try:
            host_of_row, use = host_name(values.get(name, "")), _use(values)
            hosts.setdefault(host_of_row, set()).add(use)
        except ValueError as error:
            yield BadRow(f"line {number}", str(error))
    for each, uses in hosts.items():
        yield HostImages(each, tuple(sorted(uses)))


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line; no image, host or digest holds a line break. None if the line cannot be read."""
    try:
        return [c.strip() for c in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]
    except csv.Error:
        return []


def _use(values: dict[str, str]) -> ImageUse:
    named = reference(values.get("image", ""))
    if named is None:
        raise ValueError(f"{values.get('image', '')[:80]!r} is not the name of an image")
    told = values.get("digest", "")
    own = digest(told) if told else named.digest
    if told and not own:
        raise ValueError(f"{told[:80]!r} is not a digest (sha256: and 64 digits)")
    return ImageUse(str(named), own)


def _delimiter(text: Text) -> str:
    first = next(iter(first_lines(text.head, 1000)), "").lower()
    for delimiter in ",;\t":
        columns = [c.strip().strip('"') for c in first.split(delimiter)]
        if "image" in columns and "product" not in columns and any(h in columns for h in _HOST):
            return delimiter
    return ""
