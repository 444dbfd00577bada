"""JSON of other tools, read by the paths of the configuration."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import msgspec
import pytest

from feeds.core.errors import ConfigError, InventoryError, UsageProblem
from notifier import inventory
from notifier.config import Config, MappingPaths
from notifier.domain.components import Inventory, Observed, gathered
from tests.support.pages import DOCS, blocks

_PAGE = (DOCS / "reference" / "inventory-formats.md").read_text(encoding="utf-8").split("\n## Mappings")[1]
DOCUMENTED = msgspec.convert(tomllib.loads(blocks(_PAGE, "toml")[0].text), Config).inventory.mapping


def mapped(document: Any, paths: MappingPaths, host: str = "") -> Inventory:
    """What a document gives by a mapping."""
    text = document if isinstance(document, str) else json.dumps(document)
    return gathered(inventory.read(text, "own", host, own={"own": paths}))


def runs(found: Inventory) -> dict[str, list[tuple[str, str, str, str]]]:
    """Product, version, package name and distribution on each host."""
    return {h.name: [(c.product, c.version, c.package_name, c.distro) for c in h.components] for h in found.hosts}


SAMPLES: dict[str, tuple[Any, dict[str, list[tuple[str, str, str, str]]]]] = {
    "fleet": (
        {
            "hosts": [
                {
                    "hostname": "f-1",
                    "uuid": "7A1B",
                    "os_version": "Ubuntu 24.04.1 LTS",
                    "software": [
                        {"name": "docker-ce", "version": "5:27.4.1-1~ubuntu.24.04~noble", "source": "deb_packages"},
                        {"name": "vim", "version": "2:9.1", "source": "deb_packages"},
                    ],
                }
            ]
        },
        {"f-1": [("engine", "27.4.1", "docker-ce", "ubuntu-24.04")]},
    ),
    "wazuh": (
        {
            "hits": {
                "hits": [
                    {"_source": {"agent": {"name": "w-1"}, "package": {"name": n, "version": v, "type": "rpm"}}}
                    for n, v in (("bash", "5.2-1.amzn2023"), ("docker", "25.0.6-1.amzn2023.0.1"), ("runc", "1.1.14-1"))
                ]
            }
        },
        {"w-1": [("engine", "25.0.6", "docker", "amzn-2023"), ("runc", "1.1.14", "runc", "")]},
    ),
    "ssm": (
        {
            "InstanceId": "i-0a1",
            "Entries": [
                {"Name": "containerd", "Version": "1.7.23", "Release": "2.amzn2023.0.1"},
                {"Name": "bash", "Version": "5.2.15", "Release": "1.amzn2023.0.2"},
            ],
        },
        {"i-0a1": [("containerd", "1.7.23", "containerd", "amzn-2023")]},
    ),
    "ohai": (
        {
            "results": 1,
            "rows": [
                {
                    "name": "o-1",
                    "automatic": {
                        "fqdn": "o-1.example.org",
                        "machine_id": "4F3C",
                        "platform": "debian",
                        "platform_version": "12.8",
                        "packages": {"docker.io": {"version": "20.10.24+dfsg1-1+deb12u1"}, "vim": {"version": "2:9"}},
                    },
                }
            ],
        },
        {"o-1.example.org": [("engine", "20.10.24+dfsg1", "docker.io", "debian-12")]},
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_mapping_reads_what_its_tool_writes(name: str) -> None:
    document, expected = SAMPLES[name]
    found = mapped(document, DOCUMENTED[name])
    assert runs(found) == expected
    assert (found.bad, found.notes) == ((), ())
    assert {h.view for h in found.hosts} == {Observed.INSTALLED}


def test_ids_come_along() -> None:
    assert [h.identity for h in mapped(SAMPLES["fleet"][0], DOCUMENTED["fleet"]).hosts] == ["machine:7a1b"]


ENGINES = MappingPaths(hosts="rows", host="name", product="'engine'", version="docker.version", distribution="os")


@pytest.mark.parametrize(
    ("row", "where", "words"),
    [
        ({"docker": {"version": "27.4.1"}}, "rows[0]", "the path 'name' (host) finds no host name"),
        ({"name": "a"}, "rows[0]", "a: the path 'docker.version' (version) finds nothing for engine"),
        ({"name": "a", "docker": {"version": "new"}}, "rows[0]", "a: 'new' is not a version"),
        ({"name": ["a"], "docker": {"version": "27.4.1"}}, "rows[0]", "the path 'name' (host) finds a list"),
        (5, "rows[0]", "the path 'name' (host) finds no host name"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_named_with_the_path(row: Any, where: str, words: str) -> None:
    found = mapped({"rows": [row, {"name": "b", "docker": {"version": "27.4.1"}}]}, ENGINES)
    assert runs(found) == {"b": [("engine", "27.4.1", "", "")]}
    assert [b.where for b in found.bad] == [where]
    assert found.bad[0].reason.startswith(words)


def test_a_component_that_cannot_be_read_leaves_the_others() -> None:
    paths = MappingPaths(host="h", components="items(p)", package="[0]", version="[1]", kind="'deb'")
    found = mapped([{"h": "a", "p": {"docker-ce": None, "containerd.io": "1.7.25-1"}}], paths)
    assert runs(found) == {"a": [("containerd", "1.7.25", "containerd.io", "")]}
    assert [(b.where, b.reason) for b in found.bad] == [
        ("[0].items(p)[0]", "a: the path '[1]' (version) finds nothing for docker-ce")
    ]


def test_rows_may_be_lines_and_the_operator_may_name_the_host() -> None:
    paths = MappingPaths(host="h", product="p", version="v")
    lines = '{"h": "a", "p": "engine", "v": "27.4.1"}\n{"h": "b", "p": "Outlook", "v": "1"}\nno json\n'
    found = mapped(lines, paths)
    assert runs(found) == {"a": [("engine", "27.4.1", "", "")]}
    assert [b.where for b in found.bad] == ["line 3"]
    assert found.notes == ("it shows no product that is followed (b)",)
    assert runs(mapped('{"p": "engine", "v": "27.4.1"}', paths, host="mine")) == {
        "mine": [("engine", "27.4.1", "", "")]
    }


def test_an_unknown_distribution_is_named() -> None:
    found = mapped({"rows": [{"name": "a", "os": "BeOS 5", "docker": {"version": "27.4.1"}}]}, ENGINES)
    assert found.notes == ("the distribution 'BeOS 5' is not known (a)",)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (MappingPaths(hosts="data", host="h", product="p", version="v"), "finds no list"),
        (MappingPaths(hosts="join('-', data)", host="h", product="p", version="v"), "cannot be applied"),
    ],
)
def test_a_document_of_another_shape_is_an_error(paths: MappingPaths, words: str) -> None:
    with pytest.raises(InventoryError, match=words):
        mapped({"rows": []}, paths)


def test_what_is_no_path_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError) as error:
        mapped([], MappingPaths(host="h", product="p", version="v["))
    assert error.value.where == "[inventory.mapping.own] version"
    with pytest.raises(msgspec.ValidationError, match="needs `host`"):
        msgspec.convert({"host": "h", "version": "v"}, MappingPaths)


def test_a_mapping_may_not_hide_a_format_and_is_listed_among_them() -> None:
    with pytest.raises(UsageProblem, match="has the name of a built-in format"):
        inventory.read("[]", "rpm", own={"rpm": ENGINES})
    with pytest.raises(UsageProblem) as error:
        inventory.read("[]", "nope", own={"cmdb": ENGINES})
    assert "cmdb" in (error.value.remedy or "")
