"""Whatever bytes come, an inventory or an InventoryError comes out, and soon."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds.core.errors import InventoryError
from notifier import inventory
from notifier.config import MappingPaths
from notifier.domain.components import Host, Inventory, gathered
from notifier.inventory import FORMATS
from notifier.inventory.text import MAX_LINE, Text
from tests.support.depth import examples
from tests.support.inventories import read
from tests.unit.notifier.inventory.test_formats import FILES

FORMS = ["", *(f.NAME for f in FORMATS)]
DOCUMENTS = [json.loads(p.read_bytes()) for p in FILES if p.suffix == ".json"]
TEXTS = [p.read_text(encoding="utf-8") for p in FILES if p.suffix != ".json"]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["docker-ce", "29.5.1", "\x00", "9" * 400, "a" * 5000, "3:26.1.4-1.el9", "../..", "windows"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=5,
)


def sane(raw: str | bytes, form: str) -> None:
    """An inventory of hosts that a database can hold, or an InventoryError with words."""
    with contextlib.suppress(InventoryError):
        _check(read(raw, form, host="lab-1"))


def _check(found: Inventory) -> None:
    assert all(f"{b.where}{b.reason}".isprintable() for b in found.bad)
    assert all(n.isprintable() for n in found.notes)
    assert found.hosts or found.notes or found.bad or found.images
    for host in found.hosts:
        said = [host.name, *host.tags, *host.tags.values()]
        said += [w for c in host.components for w in (c.product, c.version, c.package, c.distro)]
        assert all(w.isprintable() for w in said)
        assert max(map(len, said[:1] + [c.version for c in host.components])) <= 253
        for one in host.components:
            assert isinstance(one.rebuilt, bool)
            assert isinstance(one.ecosystem, str)


PATHS = st.sampled_from(
    ["@", "a", "a[0]", "a[]", "*", "items(@)", "items(a)", "'engine'", "join('-', a)", "[0]", "length(a)"]
)


@given(VALUES, st.lists(PATHS, min_size=9, max_size=9))
def test_any_mapping_of_any_json(value: Any, paths: list[str]) -> None:
    mapping = MappingPaths(*paths)
    with contextlib.suppress(InventoryError):
        _check(gathered(inventory.read(json.dumps({"a": value}), "own", "lab-1", own={"own": mapping})))


@given(st.binary(max_size=400), st.sampled_from(FORMS))
def test_any_bytes(raw: bytes, form: str) -> None:
    sane(raw, form)


@given(st.text(max_size=300), st.sampled_from(FORMS))
def test_any_text(text: str, form: str) -> None:
    sane(text.encode("utf-8", "surrogatepass"), form)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), st.data())
def test_a_real_text_with_anything_in_it(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 40)))
    sane(text[:at] + data.draw(st.text(max_size=30)) + text[end:], data.draw(st.sampled_from(FORMS)))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside of a JSON value."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@settings(max_examples=examples(400), suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DOCUMENTS), st.data(), VALUES)
def test_a_real_document_with_any_value_at_any_place(document: Any, data: st.DataObject, value: Any) -> None:
    document = copy.deepcopy(document)
    container, key = data.draw(st.sampled_from(list(places(document))))
    container[key] = value
    sane(json.dumps(document), data.draw(st.sampled_from(["", *FORMS])))


@given(VALUES, st.sampled_from(FORMS))
def test_any_json(value: Any, form: str) -> None:
    sane(json.dumps(value), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 200_000, id="deep"),
        pytest.param("[" * 200_000 + "]" * 200_000, id="deep and closed"),
        pytest.param('{"hosts":' * 50_000, id="deep objects"),
        pytest.param("1" * 100_000, id="a number"),
        pytest.param('[{"host":"a","product":"engine","version":' + "9" * 5000 + "}]", id="a huge number"),
        pytest.param("a" * 3_000_000, id="one word"),
        pytest.param(" " * 3_000_000, id="blanks"),
        pytest.param("\n" * 500_000, id="empty lines"),
        pytest.param('"' * 500_001, id="quotes"),
        pytest.param("a-" * 300_000, id="dashes"),
        pytest.param("docker-" + "1." * 300_000, id="dots"),
        pytest.param("engine_daemon_engine_info{" + 'a="b",' * 100_000 + "} 1\n", id="labels"),
        pytest.param("engine_daemon_engine_info{" + "a" * 500_000, id="an open sample"),
        pytest.param("Server:\n" + " \t" * 500_000, id="a server of blanks"),
        pytest.param("Client:\n API version: 1\nServer:" + "\n Version: 1" * 50_000, id="many versions"),
        pytest.param("x | SUCCESS => {" * 50_000, id="results"),
        pytest.param("ii  docker.io " * 100_000, id="a long row of dpkg"),
    ],
)
def test_what_is_too_long_or_too_deep_is_refused_or_read(text: str, form: str) -> None:
    sane(text, form)


def test_a_row_that_is_too_long_is_bad_and_the_others_are_kept() -> None:
    long = b'{"host": "b", "product": "engine", "version": "29.5.1", "note": "' + b"x" * (MAX_LINE + 10) + b'"}\n'
    rows = [b'{"host": "%s", "product": "engine", "version": "29.5.1"}\n' % name for name in (b"a", b"c")]
    found = read(rows[0] + long + rows[1])
    assert [h.name for h in found.hosts] == ["a", "c"]
    assert [b.where for b in found.bad] == ["line 2"]


def test_a_quotation_mark_that_is_not_closed_costs_its_lines_and_no_more() -> None:
    rows = [f"h-{i},engine,29.5.1\n" for i in range(20_000)]
    rows[5] = 'h-5,engine,"29.5.1\n'
    found = read("host,product,version\n" + "".join(rows))
    (bad,) = found.bad
    first, last = (int(n) for n in bad.where.removeprefix("lines ").split(" to "))
    assert first == 7
    assert len(found.hosts) == 20_000 - (last - first + 1)
    assert found.hosts[-1].name == "h-19999"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"host,product,version\nb\xfccher-1,engine,29.5.1\n", "bücher-1"),
        ("host,product,version\nbücher-1,engine,29.5.1\n".encode(), "bücher-1"),
        ("host,product,version\nbücher-1,engine,29.5.1\n".encode("utf-8-sig"), "bücher-1"),
        ("host,product,version\nbücher-1,engine,29.5.1\n".encode("utf-16"), "bücher-1"),
    ],
)
def test_text_is_utf_8_or_what_windows_and_latin_1_made_of_it(raw: bytes, name: str) -> None:
    assert [h.name for h in read(raw).hosts] == [name]


def test_broken_utf_16_is_an_error() -> None:
    with pytest.raises(InventoryError, match="not readable as text"):
        read(b"\xff\xfeh\x00o\x00s\xd8")


def test_a_stream_that_gives_little_at_a_time_is_read_all_the_same() -> None:
    class Slow(io.RawIOBase):
        def __init__(self, raw: bytes) -> None:
            self.rest = raw

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            data, self.rest = self.rest[:1], self.rest[1:]
            buffer[: len(data)] = data
            return len(data)

    raw = "host,product,version\nbücher-1,engine,29.5.1\nb,engine,29.5.1\n".encode("utf-16")
    found = inventory.read(Text(Slow(raw)))  # type: ignore[arg-type]
    assert [h.name for h in found if isinstance(h, Host)] == ["bücher-1", "b"]


@pytest.mark.parametrize(
    "row",
    ["a\x00b,engine,29.5.1,,", "a\x1b[2J,engine,29.5.1,,", f"{'h' * 300},engine,29.5.1,,", "a,engine,29.5.1,x\x07 1,"],
)
def test_names_that_no_host_has_are_bad_rows(row: str) -> None:
    found = read(f"host,product,version,package,tags\nlab-1,engine,29.5.1,,\n{row}\n")
    assert [h.name for h in found.hosts] == ["lab-1"]
    assert "unprintable characters" in found.bad[0].reason
    assert found.bad[0].reason.isprintable()


def test_the_tests_read_every_kind_of_file() -> None:
    assert len(DOCUMENTS) > 20
    assert len(TEXTS) > 20
    assert {p.suffix for p in map(Path, FILES)} == {".json", ".ndjson", ".txt", ".csv"}
