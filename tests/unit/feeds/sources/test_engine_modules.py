"""What Docker Engine is built with: which module files are asked for, and what is read in them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from feeds.advisories.facts import Contents
from feeds.core.errors import ShapeError
from feeds.sources.base import Request, RequestContext
from tests.support.documents import SOURCE, facts, read

BASE = "https://raw.githubusercontent.com/moby/moby"
REQUIRED = "require github.com/moby/buildkit v0.91.0\n"
GO_MOD = """module github.com/moby/moby/v2

go 1.25.0

require (
\tgithub.com/moby/buildkit v0.91.0 // the builder
\tgithub.com/opencontainers/runc v1.9.0
)
"""


def asked(engines: Iterable[str], tags: Iterable[str] = ()) -> list[Request]:
    wanted = RequestContext(engines=frozenset(engines), tags=frozenset(tags))
    return list(SOURCE["engine-modules"].requests(wanted))


def contained(body: str, form: str = "go.mod/29.3.0") -> dict[str, str]:
    (fact,) = facts(read("engine-modules", body, form), Contents)
    return dict(fact.contains)


def test_nothing_is_asked_while_no_release_in_use_is_known() -> None:
    assert asked([], ["docker-v29.3.0", "v28.5.2"]) == []


@pytest.mark.parametrize(
    ("engine", "first", "instead"),
    [
        ("29.3.0", f"{BASE}/docker-v29.3.0/go.mod", f"{BASE}/docker-v29.3.0/vendor.mod"),
        ("28.5.2", f"{BASE}/v28.5.2/vendor.mod", f"{BASE}/v28.5.2/go.mod"),
        ("26.1.3-0ubuntu1~24.04.1", f"{BASE}/v26.1.3/vendor.mod", f"{BASE}/v26.1.3/go.mod"),
        ("23.0.0", f"{BASE}/v23.0.0/vendor.mod", f"{BASE}/v23.0.0/go.mod"),
        ("30.0.0-rc.1", f"{BASE}/docker-v30.0.0-rc.1/go.mod", f"{BASE}/docker-v30.0.0-rc.1/vendor.mod"),
    ],
)
def test_the_file_of_an_era_is_asked_first_and_the_other_one_where_there_is_none(
    engine: str, first: str, instead: str
) -> None:
    (request,) = asked([engine])
    assert (request.url, [r.url for r in request.instead]) == (first, [instead])
    assert all(r.once and r.optional and not r.robots for r in (request, *request.instead))


@pytest.mark.parametrize("engine", ["20.10.27", "19.03.15", "1.13.1", "17.03.2-ce", "no version", "9" * 300])
def test_a_release_without_a_module_file_is_not_asked_for(engine: str) -> None:
    assert asked([engine]) == []


def test_the_newest_release_of_the_branch_and_of_each_later_line_is_read_for_advice() -> None:
    tags = [
        "v27.5.1", "v28.0.0", "v28.5.2", "docker-v29.3.0", "docker-v29.3.1", "docker-v29.7.2", "docker-v29.8.0-rc.1",
        "v2.0.0-beta.14", "api/v1.52.0", "nothing",
    ]  # fmt: skip
    assert [r.form for r in asked(["29.3.0"], tags)] == ["go.mod/29.7.2", "go.mod/29.3.1", "go.mod/29.3.0"]
    assert [r.form for r in asked(["28.0.0", "28.0.0"], tags)] == [
        "go.mod/29.7.2",
        "vendor.mod/28.5.2",
        "vendor.mod/28.0.0",
    ]


def test_the_version_of_buildkit_is_read_and_libraries_of_daemons_are_not() -> None:
    assert contained(GO_MOD) == {"buildkit": "0.91.0"}
    (fact,) = facts(read("engine-modules", GO_MOD, "go.mod/29.3.0", f"{BASE}/x/go.mod"), Contents)
    assert (fact.product, fact.version, fact.url) == ("engine", "29.3.0", f"{BASE}/x/go.mod")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("require github.com/moby/buildkit v0.91.0", "0.91.0"),
        ('require "github.com/moby/buildkit" v0.91.0', "0.91.0"),
        ("require(\ngithub.com/moby/buildkit v0.91.0 // indirect\n)", "0.91.0"),
        ("require github.com/moby/buildkit v8.0.0+incompatible", "8.0.0"),
        ("require github.com/moby/buildkit v0.90.0\nrequire github.com/moby/buildkit v0.91.0", "0.91.0"),
        (
            "require github.com/moby/buildkit v0.91.1-0.20260131235959-0123456789ab",
            "0.91.1-0.20260131235959-0123456789ab",
        ),
        (
            REQUIRED + "replace github.com/moby/buildkit => github.com/moby/buildkit v0.91.2",
            "0.91.2",
        ),
        (
            REQUIRED + "replace (\n\tgithub.com/moby/buildkit v0.90.0 => github.com/moby/buildkit v0.95.0\n)",
            "0.91.0",
        ),
        (
            REQUIRED + "replace github.com/moby/buildkit v0.91.0 => github.com/moby/buildkit v0.91.9",
            "0.91.9",
        ),
        ("require github.com/moby/buildkit v0.91.0\nreplace github.com/moby/buildkit => ../buildkit", ""),
        (
            REQUIRED + "replace github.com/moby/buildkit => github.com/someone/buildkit v1.0.0",
            "",
        ),
        (
            REQUIRED + "// replace github.com/moby/buildkit => ../x\nexclude github.com/moby/buildkit v0.99.0",
            "0.91.0",
        ),
    ],
)
def test_a_requirement_is_read_with_what_replaces_it(lines: str, expected: str) -> None:
    assert contained(f"module github.com/docker/docker\n\n{lines}\n") == {"buildkit": expected}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "404: Not Found",
        "<html><p>Sign in</p></html>",
        "module github.com/someone/else\nrequire github.com/moby/buildkit v0.91.0\n",
        "module github.com/moby/moby/v2\nrequire github.com/moby/term v1.0.0\n",
        "module github.com/moby/moby/v2\nrequire github.com/moby/buildkit latest\n",
        "module github.com/moby/moby/v2\nreplace github.com/moby/buildkit => ../x\n",
        "module github.com/moby/moby/v2\nrequire (\n",
        GO_MOD + "// " + "x" * (1 << 20),
        "require " * 100_000,
    ],
)
def test_what_is_not_the_engines_module_file_is_refused(body: str) -> None:
    with pytest.raises(ShapeError):
        read("engine-modules", body, "go.mod/29.3.0")


def test_a_file_of_no_release_is_refused() -> None:
    with pytest.raises(ShapeError):
        read("engine-modules", GO_MOD, "go.mod")
