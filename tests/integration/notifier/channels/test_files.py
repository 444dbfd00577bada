"""What is written to the disk: an Atom feed and a digest as JSON, each whole or as it was."""

from __future__ import annotations

import json
import os
import stat
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import feedparser
import msgspec
import pytest

from feeds.core.errors import ChannelError
from notifier.channels import MessageSender, expand
from notifier.domain.messages import Message, Target
from notifier.rendering.messages import render
from tests.conftest import ROOT
from tests.support.digests import NEWS, WELCOME
from tests.support.schemas import problems

MESSAGE = render(NEWS)
SCHEMA = json.loads((ROOT / "docs/reference/schemas/files/digest.json").read_text())
ATOM = "{http://www.w3.org/2005/Atom}"


def numbered(number: int) -> Message:
    at = MESSAGE.created_at + timedelta(hours=number)
    return msgspec.structs.replace(MESSAGE, key=f"{number:016x}", subject=f"News {number}", created_at=at)


def feed_of(path: Path, *messages: Message) -> ET.Element:
    with MessageSender() as courier:
        (target,) = expand(f"atom://{path}")
        for message in messages:
            assert courier.deliver(target, message) == str(path)
    return ET.fromstring(path.read_bytes())  # noqa: S314 - the program's own


def titles(feed: ET.Element) -> list[str | None]:
    return [e.findtext(f"{ATOM}title") for e in feed.findall(f"{ATOM}entry")]


def test_a_feed_has_what_the_standard_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "www" / "feed.xml"
    feed_of(path, MESSAGE, numbered(1))
    parsed = feedparser.parse(path.read_bytes())
    assert not parsed.bozo
    assert parsed.version == "atom10"
    assert all(parsed.feed[name] for name in ("id", "title", "updated", "author"))
    for entry in parsed.entries:
        assert entry.id.startswith("urn:uuid:")
        assert entry.updated.endswith("Z")
        assert entry.content[0].type == "text/html"
    newest, first = parsed.entries
    assert (newest.title, first.title) == ("News 1", MESSAGE.subject)
    assert first.tags[0].term == MESSAGE.key
    assert "CVE-2026-41567" in first.summary
    assert newest.id != first.id


def test_a_repeat_replaces_its_entry(tmp_path: Path) -> None:
    first = feed_of(tmp_path / "feed.xml", numbered(1), numbered(2))
    again = feed_of(tmp_path / "feed.xml", numbered(1))
    assert titles(first) == titles(again) == ["News 2", "News 1"]


def test_a_feed_keeps_the_fifty_newest(tmp_path: Path) -> None:
    feed = feed_of(tmp_path / "feed.xml", *(numbered(n) for n in range(53)))
    assert titles(feed) == [f"News {n}" for n in range(52, 2, -1)]


def test_what_xml_cannot_hold_is_left_out(tmp_path: Path) -> None:
    odd = msgspec.structs.replace(MESSAGE, subject="a\x00b\ufffe & <c>", text="\x1b[1mx", html="<p>&amp;\x0b</p>")
    assert titles(feed_of(tmp_path / "feed.xml", odd)) == ["ab & <c>"]


@pytest.mark.parametrize(
    "content",
    ["not xml", "", "<rss/>", '<feed xmlns="http://www.w3.org/2005/Atom"><generator>Other</generator></feed>'],
)
def test_a_file_that_is_no_feed_of_navtex_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(content)
    with MessageSender() as courier, pytest.raises(ChannelError, match="is not a Navtex feed") as error:
        courier.deliver(Target(f"atom://{path}"), MESSAGE)
    assert error.value.permanent
    assert path.read_text() == content


@pytest.mark.parametrize(("umask", "made"), [(0o000, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_a_feed_can_be_read_by_a_web_server_and_keeps_the_permissions_it_was_given(
    tmp_path: Path, umask: int, made: int
) -> None:
    path = tmp_path / "feeds" / "feed.xml"
    before = os.umask(umask)
    try:
        feed_of(path, numbered(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == made
    assert not stat.S_IMODE(path.parent.stat().st_mode) & stat.S_IWOTH
    path.chmod(0o640)
    feed_of(path, numbered(2))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["feed.xml"]


def test_a_feed_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with MessageSender() as courier, pytest.raises(ChannelError, match=r"file/feed\.xml: cannot be written"):
        courier.deliver(Target(f"atom://{tmp_path}/file/feed.xml"), MESSAGE)


@pytest.mark.parametrize("address", ["atom://feed.xml", "atom://host/feed.xml", "atom:feed", "atom:///a%00b"])
def test_a_feed_is_named_by_its_whole_path(address: str) -> None:
    with pytest.raises(ChannelError, match=r"Write atom:///var/www/navtex\.xml"):
        expand(address)


@pytest.mark.parametrize("message", [MESSAGE, render(WELCOME), msgspec.structs.replace(MESSAGE, data="", thread="k")])
def test_the_json_of_a_digest_is_what_its_schema_says(tmp_path: Path, message: Message) -> None:
    with MessageSender() as courier:
        courier.deliver(Target(f"file://{tmp_path}"), message)
    (path,) = tmp_path.glob("*.json")
    said = json.loads(path.read_text(encoding="utf-8"))
    assert list(problems(said, SCHEMA)) == []
    assert said["text"] == message.text
    assert (said["digest"] or {"key": message.key})["key"] == said["key"] == message.key
