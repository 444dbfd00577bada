"""A mirror answers as the real sources would, and with nothing but its folders' files."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from feeds.mirror.server import Mirror

FILES = {
    "a.example/page/index.html": "<p>page</p>",
    "a.example/feed/index.xml": "<rss/>",
    "a.example/lines/index.json": "{}",
    "a.example/list.json": "[]",
    "a.example/notes.md": "# Notes",
    "a.example/raw": "raw",
    "a.example/white space.md": "# Space",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return grown(tmp_path / "tree", FILES)


@pytest.fixture
def mirror(tree: Path) -> Iterator[Mirror]:
    with Mirror(tree) as running:
        yield running


def grown(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        at = folder / name
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)
    return folder


def get(mirror: Mirror, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Ask for a path exactly as it is written."""
    parts = urlsplit(mirror.url)
    assert parts.hostname is not None
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)) as connection:
        connection.request(
            "POST" if body else "GET", path, body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read().decode(), {k.lower(): v for k, v in response.getheaders()}


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/a.example/page/", "<p>page</p>", "text/html; charset=utf-8"),
        ("/a.example/page", "<p>page</p>", "text/html; charset=utf-8"),
        ("/a.example/feed/", "<rss/>", "application/xml"),
        ("/a.example/feed/index.xml", "<rss/>", "application/xml"),
        ("/a.example/lines/", "{}", "application/json"),
        ("/a.example/list", "[]", "application/json"),
        ("/a.example/list?per_page=100&page=2", "[]", "application/json"),
        ("/a.example/notes.md", "# Notes", "text/markdown; charset=utf-8"),
        ("/a.example/raw", "raw", "application/octet-stream"),
        ("/a.example/white%20space.md", "# Space", "text/markdown; charset=utf-8"),
    ],
)
def test_an_address_answers_with_its_file(mirror: Mirror, path: str, body: str, kind: str) -> None:
    status, text, headers = get(mirror, path)
    assert (status, text, headers["content-type"]) == (200, body, kind)
    assert mirror.requests == [(path, 200)]


def test_what_is_not_there_is_not_found(mirror: Mirror) -> None:
    for path in ("/", "/a.example/", "/a.example/other", "/b.example/page/"):
        assert get(mirror, path)[0] == 404
    assert {status for _, status in mirror.requests} == {404}


def test_what_has_not_changed_is_not_sent_again(mirror: Mirror, tree: Path) -> None:
    tag = get(mirror, "/a.example/raw")[2]["etag"]
    status, body, headers = get(mirror, "/a.example/raw", If_None_Match=tag)
    assert (status, body, headers["etag"]) == (304, "", tag)
    assert "content-type" not in headers
    assert get(mirror, "/a.example/raw", If_None_Match='"another"')[:2] == (200, "raw")
    (tree / "a.example/raw").write_text("new")
    status, body, headers = get(mirror, "/a.example/raw", If_None_Match=tag)
    assert (status, body) == (200, "new")
    assert headers["etag"] != tag


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/a.example/../../secret",
        "/%2e%2e/secret",
        "/a.example/%2e%2e/%2E%2E/secret",
        "/..%2fsecret",
        "/a.example%2f..%2f..%2fsecret",
        "/../tree-beside/secret",
        "{absolute}",
        "//{absolute}",
        "/a.example/link-to-file",
        "/a.example/link-to-folder/secret",
        "/a.example/link-to-folder/",
        "/a.example/linked-index/",
        "/a.example/linked-json",
        "/a.example/%00",
        "/a.example/raw%00",
        "/a.example/" + "x" * 300,
        "/a.example/" + "%C3%A4" * 130,
    ],
)
def test_nothing_outside_of_the_folder_is_served(tmp_path: Path, tree: Path, path: str) -> None:
    outside = grown(tmp_path, {"secret": "secret", "index.html": "secret", "tree-beside/secret": "secret"})
    (tree / "a.example/link-to-file").symlink_to(outside / "secret")
    (tree / "a.example/link-to-folder").symlink_to(outside)
    (tree / "a.example/linked-index").mkdir()
    (tree / "a.example/linked-index/index.html").symlink_to(outside / "secret")
    (tree / "a.example/linked-json.json").symlink_to(outside / "secret")
    with Mirror(tree) as mirror:
        status, body, _ = get(mirror, path.format(absolute=outside / "secret"))
    assert (status, body) == (404, "not found")


@pytest.mark.parametrize(
    ("ecosystem", "name", "answer"),
    [
        ("Debian:12", "docker.io", '{"vulns": []}'),
        ("Debian:12", "runc", "{}"),
        ("Debian:11", "docker.io", "{}"),
        ("../../..", "secret", "{}"),
        ("%2e%2e", "../../secret", "{}"),
    ],
)
def test_a_package_is_asked_for_by_post(tmp_path: Path, tree: Path, ecosystem: str, name: str, answer: str) -> None:
    grown(tmp_path, {"secret": "secret", "tree/osv.example/v1/query/Debian:12/docker.io.json": '{"vulns": []}'})
    with Mirror(tree) as mirror:
        question = json.dumps({"package": {"ecosystem": ecosystem, "name": name}}).encode()
        status, text, _ = get(mirror, "/osv.example/v1/query", body=question)
    assert (status, text) == (200, answer)


def test_a_link_within_the_folder_is_followed(mirror: Mirror, tree: Path) -> None:
    (tree / "a.example/same").symlink_to(tree / "a.example/raw")
    assert get(mirror, "/a.example/same")[:2] == (200, "raw")


def test_later_folders_lie_over_earlier_ones(tmp_path: Path, tree: Path) -> None:
    second = grown(tmp_path / "second", {"a.example/raw": "second", "b.example/raw": "only second"})
    third = grown(tmp_path / "third", {"a.example/raw": "third"})
    with Mirror(tree, second) as mirror:
        assert get(mirror, "/a.example/raw")[1] == "second"
        assert get(mirror, "/b.example/raw")[1] == "only second"
        assert get(mirror, "/a.example/notes.md")[1] == "# Notes"
        mirror.lay_over(third)
        assert get(mirror, "/a.example/raw")[1] == "third"
        assert get(mirror, "/b.example/raw")[1] == "only second"


def test_after_its_end_nobody_listens(tree: Path) -> None:
    with Mirror(tree) as mirror:
        assert get(mirror, "/a.example/raw")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(mirror, "/a.example/raw")
