"""Every file in tests/unit/notifier/inventory/examples gives what stands beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feeds.core.errors import InventoryError
from notifier import inventory
from notifier.domain import components
from notifier.domain.components import Bare, gathered
from notifier.inventory import FORMATS
from notifier.inventory.text import Text
from tests.support.inventories import read

FIXTURES = Path(__file__).resolve().parent / "examples"
FILES = sorted(p for p in FIXTURES.rglob("*") if p.is_file() and not p.name.endswith(".expected.json"))


def told(raw: bytes) -> dict[str, Any]:
    """All that a file gives, as JSON: read without a name of the host, and with one where that is asked for."""
    recognised = [f.NAME for f in FORMATS if f.recognises(Text.of(raw))]
    named = ""
    try:
        found = read(raw)
    except InventoryError:
        named = "lab-1"
        found = read(raw, host=named)
    return {
        "format": recognised[0],
        "named": named,
        "hosts": [
            {
                "host": h.name,
                "view": h.view,
                "tags": h.tags,
                "components": [
                    {"product": c.product, "version": c.version, "package": c.package, "distro": c.distro}
                    for c in h.components
                ],
            }
            for h in found.hosts
        ],
        "bad": [f"{b.where}: {b.reason}" for b in found.bad],
        "notes": list(found.notes),
    } | ({"images": json.loads(msgspec.json.encode(found.images))} if found.images else {})


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(FIXTURES)))
def test_a_file_gives_exactly_what_stands_beside_it(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.name}.expected.json").read_text(encoding="utf-8"))
    assert told(path.read_bytes()) == expected
    assert expected["format"] == path.parent.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(FIXTURES)))
def test_one_format_alone_recognises_a_file_and_gives_the_same_when_it_is_named(path: Path) -> None:
    raw = path.read_bytes()
    assert [f.NAME for f in FORMATS if f.recognises(Text.of(raw))] == [path.parent.name]
    assert read(raw, path.parent.name, host="lab-1") == read(raw, host="lab-1")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(FIXTURES)))
def test_a_file_without_an_engine_says_why(path: Path) -> None:
    found = read(path.read_bytes(), host="lab-1")
    assert any(h.components for h in found.hosts) or found.notes or found.bad or found.images


def test_every_format_has_files_and_no_expectation_is_without_its_file() -> None:
    assert {p.parent.name for p in FILES} == {f.NAME for f in FORMATS}
    assert sorted(f"{p}.expected.json" for p in FILES) == sorted(str(p) for p in FIXTURES.rglob("*.expected.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(FIXTURES)))
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_from_windows_gives_the_same(path: Path, encoding: str) -> None:
    raw = path.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding)
    assert read(raw, host="lab-1") == read(path.read_bytes(), host="lab-1")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(FIXTURES)))
@pytest.mark.parametrize("margin", ["> ", ">> ", "    ", "\t", "  > "])
def test_a_file_that_is_quoted_or_indented_gives_the_same(path: Path, margin: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert read("".join(margin + line for line in lines), host="lab-1") == read(path.read_bytes(), host="lab-1")


@pytest.mark.parametrize("form", [f.NAME for f in FORMATS])
def test_a_named_format_says_what_is_wrong_with_a_text_of_another(form: str) -> None:
    try:
        found = read("one two three\n", form, host="lab-1")
    except InventoryError as error:
        said = [error.what]
    else:
        assert found.hosts == ()
        said = [*found.notes, *(b.reason for b in found.bad)]
    assert all(said)
    assert said


def test_where_nobody_says_the_host_the_error_says_how_to() -> None:
    nameless = [p for p in FILES if json.loads(Path(f"{p}.expected.json").read_bytes())["named"]]
    assert {p.parent.name for p in nameless} >= {
        "apk",
        "cyclonedx",
        "dnf",
        "docker-version",
        "dpkg",
        "prometheus",
        "rpm",
    }
    for path in nameless:
        with pytest.raises(InventoryError, match="--host NAME"):
            read(path.read_bytes())


def test_a_name_that_is_given_goes_before_the_name_in_the_input() -> None:
    found = read((FIXTURES / "docker-node" / "one.json").read_bytes(), host="lab-1")
    assert [h.name for h in found.hosts] == ["lab-1"]
    assert found.notes == ()


def test_the_sbom_of_an_image_is_no_host_unless_it_is_given_a_name() -> None:
    bom = json.loads((FIXTURES / "cyclonedx" / "device.json").read_text(encoding="utf-8"))
    bom["metadata"]["component"] = {"type": "container", "name": "docker:29-dind"}
    with pytest.raises(InventoryError, match="docker:29-dind"):
        read(json.dumps(bom))
    assert [h.name for h in read(json.dumps(bom), host="dind-1").hosts] == ["dind-1"]


def test_hosts_come_as_their_rows_end_and_before_the_rest_is_read() -> None:
    class Endless:
        """A file that never ends, as far as anybody reads."""

        def __init__(self, row: bytes, header: bytes = b"") -> None:
            self.row, self.ahead, self.given = row, header, 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0, "it asks for all of it"
            while len(self.ahead) < size:
                self.given += 1
                self.ahead += self.row.replace(b"%d", b"%d" % self.given)
            data, self.ahead = self.ahead[:size], self.ahead[size:]
            return data

    for stream in (
        Endless(b"h-%d,engine,29.5.1\nh-%d,runc,1.3.4\n", b"host,product,version\n"),
        Endless(b'{"host": "h-%d", "product": "engine", "version": "29.5.1"}\n'),
    ):
        found = inventory.read(Text(stream))  # type: ignore[arg-type]
        names = [
            h.name for h, _ in zip((h for h in found if isinstance(h, components.Host)), range(5000), strict=False)
        ]
        assert names == [f"h-{i}" for i in range(1, 5001)]
        assert stream.given < 20_000


_NAMES = ("adduser", "base-files", "bash", *(f"lib{n}" for n in range(10, 40)), "rpm", "setup", "tar", "util-linux")
_ANSIBLE = {"packages": {n: [{"name": n, "version": "1.0-1", "source": "apt"}] for n in _NAMES}}


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("dpkg", "".join(f"ii  {n:<14} 1.34-1.2 amd64 something\n" for n in _NAMES)),
        ("rpm", "".join(f"{n}-5.1.8-9.el9.x86_64\n" for n in _NAMES)),
        ("ansible", json.dumps({"ansible_facts": _ANSIBLE})),
    ],
)
def test_the_list_of_all_packages_says_that_its_host_has_no_docker(form: str, asked: str) -> None:
    found = list(inventory.read(asked, form, "a"))
    assert Bare("a") in found
    assert gathered(found).hosts == ()
    assert not any(isinstance(one, Bare) for one in inventory.read(asked, form)), "nobody says whose it is"


def _lines(*names: str) -> str:
    return "".join(f"ii  {n:<14} 1.34-1.2 amd64 something\n" for n in names)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("dpkg", _lines("adduser", "base-files", "tar", "util-linux")),
        ("dpkg", _lines(*_NAMES[:-4])),
        ("dpkg", _lines(*_NAMES[3:])),
        ("dpkg", _lines("acl", *_NAMES[3:-4], "zip")),
        ("dpkg", _lines(*_NAMES) + "ii  docker-ce <none> amd64 something\n"),
        (
            "dpkg",
            f"+++-{'=' * 14}-{'=' * 12}-{'=' * 12}-{'=' * 33}\nii  docker-ce      5:25.0.0-1~d\n" + _lines(*_NAMES),
        ),
        ("rpm", "".join(f"{n}-5.1.8-9.el9.x86_64\n" for n in sorted(_NAMES, key=lambda n: n[::-1]))),
        ("ansible", json.dumps({"ansible_facts": _ANSIBLE}).replace("apt", "pacman")),
    ],
    ids=[
        "few",
        "the end is missing",
        "the beginning is missing",
        "no system",
        "no version",
        "cut",
        "no order",
        "other",
    ],
)
def test_a_list_that_may_lack_something_says_nothing_of_what_it_lacks(form: str, text: str) -> None:
    assert not any(isinstance(one, Bare) for one in inventory.read(text, form, "a"))
