"""`atom:///FILE`: an Atom feed (RFC 4287) of the last digests, the newest first, for a web server to serve."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from feeds.core.errors import ChannelError
from feeds.core.files import shared_folder, write
from feeds.core.text import visible
from feeds.core.times import stamp
from notifier.domain.messages import Message

ENTRIES = 50
"""A feed keeps so many; the oldest leave it."""
_NS = "http://www.w3.org/2005/Atom"
_MOST = 64 << 20
# what XML 1.0 cannot hold
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def send(path: Path, message: Message) -> str:
    """Put a message into a feed. A repeat replaces its entry, so that a feed never has one twice.

    ChannelError where the file holds something else, which is left as it is.
    """
    try:
        shared_folder(path.parent)
        entries = _entries(path)
        mine = _entry(message)
        kept = [e for e in entries if e.findtext(_q("id")) != mine.findtext(_q("id"))]
        ordered = sorted([mine, *kept], key=lambda e: e.findtext(_q("updated")) or "", reverse=True)[:ENTRIES]
        # the same file keeps the same id, wherever it is served
        identity = uuid.uuid5(uuid.NAMESPACE_URL, path.resolve().as_uri()).urn
        write(path, _feed(identity, "Navtex", ordered, stamp(message.created_at)), mode=None)  # a web server reads it
    except OSError as error:
        raise ChannelError(f"cannot be written: {error.strerror}", where=str(path)) from error
    return str(path)


def document(name: str, title: str, messages: Iterable[Message], updated: datetime) -> str:
    """A feed of messages, the newest first. `name` tells it from other feeds; `updated` stands in one without any."""
    entries = [_entry(message) for message in messages]
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"navtex:feed:{name}").urn
    return _feed(identity, title, entries, stamp(updated))


def _q(name: str) -> str:
    return f"{{{_NS}}}{name}"


def _entries(path: Path) -> list[ET.Element]:
    """The entries of the feed as it is."""
    if not path.exists():
        return []
    if path.stat().st_size > _MOST:
        raise ChannelError("is too large to be a feed written by Navtex", where=str(path), permanent=True)
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - a file of our own, on the user's disk
    except ET.ParseError as error:
        raise _foreign(path) from error
    if root.tag != _q("feed") or not (root.findtext(_q("generator")) or "").startswith("Navtex"):
        raise _foreign(path)
    return root.findall(_q("entry"))


def _foreign(path: Path) -> ChannelError:
    return ChannelError(
        "is not a Navtex feed, and is left as it is",
        where=str(path),
        remedy="Move it away, or use another file",
        permanent=True,
    )


def _entry(message: Message) -> ET.Element:
    at = stamp(message.created_at)
    entry = ET.Element(_q("entry"))
    for name, text in (
        ("id", uuid.uuid5(uuid.NAMESPACE_URL, f"navtex:{message.key}").urn),
        ("title", message.subject),
        ("published", at),
        ("updated", at),
    ):
        ET.SubElement(entry, _q(name)).text = _clean(text)
    ET.SubElement(entry, _q("category"), term=_clean(message.key), label="digest")
    ET.SubElement(entry, _q("summary")).text = _clean(message.text)
    ET.SubElement(entry, _q("content"), type="html").text = _clean(message.html)
    return entry


def _feed(identity: str, title: str, entries: list[ET.Element], updated: str) -> str:
    feed = ET.Element(_q("feed"))
    ET.SubElement(feed, _q("id")).text = identity
    ET.SubElement(feed, _q("title")).text = _clean(title)
    ET.SubElement(feed, _q("updated")).text = entries[0].findtext(_q("updated")) if entries else updated
    ET.SubElement(ET.SubElement(feed, _q("author")), _q("name")).text = "Navtex"
    ET.SubElement(feed, _q("generator")).text = "Navtex"
    feed.extend(entries)
    ET.register_namespace("", _NS)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(feed, encoding="unicode")}\n'


def _clean(text: str) -> str:
    return visible(_NO_XML.sub("", text))
