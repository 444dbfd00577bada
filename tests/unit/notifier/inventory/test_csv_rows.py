from __future__ import annotations

import pytest

from feeds.core.errors import InventoryError, UsageProblem
from notifier.domain.components import Component, Host, Inventory, component, parse_tags
from notifier.inventory.formats import csv_rows
from notifier.inventory.text import Text
from tests.support.inventories import read


def test_a_csv_with_every_column_gives_hosts_with_their_components_and_tags() -> None:
    found = read(
        "host,product,version,package,distro,tags\n"
        "web-1,engine,20.10.24+dfsg1,docker.io 20.10.24+dfsg1-1+deb12u1,debian-12,env=prod;team=web\n"
        "web-1,runc,1.1.5,,,\n"
        "lab-1,engine,29.5.0,,,\n"
    )
    assert found.bad == ()
    assert found.hosts == (
        Host(
            "web-1",
            (
                Component("engine", "20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u1", "debian-12"),
                Component("runc", "1.1.5"),
            ),
            {"env": "prod", "team": "web"},
        ),
        Host("lab-1", (Component("engine", "29.5.0"),), {}),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeffhost,product,version\nlab-1,engine,29.5.0\n", id="byte order mark"),
        pytest.param("host,product,version\r\nlab-1,engine,29.5.0\r\n", id="Windows line ends"),
        pytest.param("host,product,version\nlab-1,engine,29.5.0", id="no end of line at the end"),
        pytest.param('"host","product","version"\n"lab-1","engine","29.5.0"\n', id="quoted cells"),
        pytest.param("Host, Product ,VERSION\n lab-1 , Engine , 29.5.0 \n", id="spaces and capitals"),
        pytest.param("hostname,product,version\nlab-1,engine,29.5.0\n", id="hostname"),
        pytest.param("hostIdentifier,product,version\nlab-1,engine,29.5.0\n", id="hostIdentifier"),
        pytest.param("version,owner,host,product\n29.5.0,me,lab-1,engine\n", id="other order and a foreign column"),
        pytest.param("host,product,version\n\n# old ones\n#x,engine,1\nlab-1,engine,29.5.0\n\n", id="comments"),
        pytest.param("# my fleet\n\nhost,product,version\nlab-1,engine,29.5.0\n", id="comment above the header"),
        pytest.param("\n\nhost,product,version\nlab-1,engine,29.5.0\n", id="empty lines above the header"),
        pytest.param("host,product,version\nlab-1,engine,v29.5.0\n", id="a v in front"),
        pytest.param("host,product,version\nlab-1,engine,docker://29.5.0\n", id="as Kubernetes says it"),
        pytest.param("host,product,version\nlab-1,engine,29.5.0\nlab-1,engine,29.5.0\n", id="the same row twice"),
    ],
)
def test_the_ways_people_write_a_csv_mean_the_same(text: str) -> None:
    found = read(text)
    assert found.bad == ()
    assert found.hosts == (Host("lab-1", (Component("engine", "29.5.0"),), {}),)


def test_the_version_of_a_package_is_used_where_no_other_is_given() -> None:
    found = read(
        "host,product,version,package\n"
        "a,engine,,docker-ce 5:29.1.3-1~debian.12~bookworm\n"
        "b,engine,,docker-ce 3:26.1.4-1.el9\n"
    )
    assert [h.components[0].version for h in found.hosts] == ["29.1.3", "26.1.4"]


def test_a_quoted_cell_may_hold_a_comma() -> None:
    found = read('host,product,version,tags\nlab-1,engine,29.5.0,"env=prod,team=web"\n')
    assert found.hosts[0].tags == {"env": "prod", "team": "web"}


def test_one_host_may_hold_several_components_of_one_product_and_rows_need_not_stand_together() -> None:
    found = read("host,product,version,tags\nlab-1,runc,1.1.12,a=1\nlab-2,engine,29.5.0,\nlab-1,runc,1.2.5,b=2\n")
    assert [h.name for h in found.hosts] == ["lab-1", "lab-2"]
    assert found.hosts[0].components == (Component("runc", "1.1.12"), Component("runc", "1.2.5"))
    assert found.hosts[0].tags == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("lab-9,dockerd,29.5.0,", "'dockerd'"),
        ("lab-9,engine,,", "version is missing"),
        ("lab-9,engine,latest,", "'latest' is not a version"),
        (",engine,29.5.0,", "the host is missing"),
        ("lab-9,engine,29.5.0,env", "'env' is not of the form name=value"),
        ("lab-9,engine,29.5.0,=prod", "not of the form name=value"),
        ("lab-9,engine,29.5.0,env=prod,team=web", "more cells than the header"),
        ("lab-9", "product"),
    ],
)
def test_a_bad_row_is_told_with_line_and_reason_and_the_good_ones_are_kept(row: str, reason: str) -> None:
    found = read(f"host,product,version,tags\nlab-1,engine,29.5.0,\n{row}\nlab-2,engine,29.7.2,\n")
    assert [h.name for h in found.hosts] == ["lab-1", "lab-2"]
    (bad,) = found.bad
    assert bad.where == "line 3"
    assert reason in bad.reason


def test_a_bad_row_of_a_host_leaves_its_other_rows_alone() -> None:
    found = read("host,product,version,tags\nlab-1,engine,29.5.0,a=1\nlab-1,runc,newest,b=2\n")
    assert found.hosts == (Host("lab-1", (Component("engine", "29.5.0"),), {"a": "1"}),)
    assert "lab-1" in found.bad[0].reason


@pytest.mark.parametrize(
    "header", ["product,version", "host,version", "host,product", "host|product|version", "engine,29.5.0"]
)
def test_a_header_that_lacks_a_column_is_an_error_that_names_the_columns(header: str) -> None:
    with pytest.raises(InventoryError) as error:
        read(f"{header}\nlab-1,engine,29.5.0\n", form="csv")
    assert "host,product,version" in str(error.value)


@pytest.mark.parametrize("text", ["host,product,version\n", "host,product,version"])
def test_a_csv_without_rows_holds_nobody(text: str) -> None:
    assert read(text) == Inventory((), notes=("it contains no host",))


@pytest.mark.parametrize("text", ["", "  \n\t", "\n\n"])
def test_an_empty_text_is_an_error(text: str) -> None:
    with pytest.raises(InventoryError, match="empty"):
        read(text)


@pytest.mark.parametrize("text", ["web-1 up 29 days\n", "{}", "[1]", "Name Version\n"])
def test_what_no_format_recognises_is_an_error_that_names_the_formats(text: str) -> None:
    with pytest.raises(InventoryError) as error:
        read(text)
    assert "--from" in str(error.value)
    assert "docker-version" in str(error.value)
    assert "csv" in str(error.value)


def test_an_unknown_format_is_wrong_use_and_names_those_there_are() -> None:
    with pytest.raises(UsageProblem, match=r"'xml'.*docker-version, .*csv"):
        read("anything", form="xml")


def test_a_named_format_is_used_whatever_the_text_looks_like() -> None:
    text = '{"Version":"1.9.1","ApiVersion":"1.21"}'
    assert read(text, form="docker-version", host="a").hosts[0].components == (Component("engine", "1.9.1"),)
    with pytest.raises(InventoryError):
        read(text, form="csv")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("a=b;c=d", {"a": "b", "c": "d"}),
        ("a=b, c=d", {"a": "b", "c": "d"}),
        (" a = b ;; ", {"a": "b"}),
        ("a=", {"a": ""}),
        ("url=x=y", {"url": "x=y"}),
        ("", {}),
        ("a=1;a=2", {"a": "2"}),
    ],
)
def test_tags_are_pairs_with_semicolons_between(text: str, tags: dict[str, str]) -> None:
    assert parse_tags(text) == tags


@pytest.mark.parametrize(
    ("version", "package", "distro", "rebuilt", "other_numbers"),
    [
        ("20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u1", "", True, False),
        ("24.0.7", "docker.io 24.0.7-0ubuntu2~22.04.1", "", True, False),
        ("25.0.8", "docker 25.0.8-1.amzn2023.0.1", "", True, False),
        ("28.3.3", "moby-engine 28.3.3-1.fc42", "", True, False),
        ("20.10.24+dfsg1", "", "", True, False),
        ("1.6.20~ds1", "", "", True, False),
        ("24.0.7-0ubuntu4", "", "", True, False),
        ("20.10.25+azure-2", "", "", True, False),
        ("29.1.3", "docker-ce 5:29.1.3-1~debian.12~bookworm", "", False, False),
        ("27.0.3", "docker-ce 5:27.0.3-1~ubuntu.22.04~jammy", "", False, False),
        ("26.1.4", "docker-ce 3:26.1.4-1.el9", "", False, False),
        ("1.6.28", "containerd.io 1.6.28-2", "", False, False),
        ("29.1.3", "", "", False, False),
        ("17.03.2-ce", "", "", False, False),
        ("29.0.0-rc.1", "", "", False, False),
        ("25.0.8", "", "amzn-2023", True, False),
        ("28.5.1-ce", "", "", True, False),
        ("28.3.3", "", "sles-15.6", True, False),
        ("28.3.3", "", "alpine-3.22", True, False),
        ("26.1.4", "", "rhel-9.4", False, False),
        ("29.1.3", "", "debian-12", False, False),
        ("26.1.4", "docker-ce 3:26.1.4-1.el9", "amzn-2023", False, False),
        ("18.06.1-ce", "", "", False, False),
        ("18.09.9-ce", "", "", True, False),
        ("23.0.15", "docker-ee 3:23.0.15-3.el8", "rhel-8", True, True),
        ("17.06.2-ee-16", "", "", True, True),
        ("1.11.2-cs3", "", "", True, True),
        ("25.0.8m1", "", "", True, True),
        ("20.10.9", "", "windows", True, True),
        ("20.10.43", "", "balenaos-5.3.10", True, True),
        ("20.10.9", "docker-ce 20.10.9", "windows", False, False),
    ],
)
def test_a_distributions_build_is_told_from_dockers_own(
    version: str, package: str, distro: str, rebuilt: bool, other_numbers: bool
) -> None:
    made = component("engine", version, package, distro)
    assert made.rebuilt is rebuilt
    assert bool(made.other_numbers) is other_numbers


def test_compose_and_buildx_are_the_projects_own_wherever_they_run() -> None:
    assert not component("compose", "2.40.0", "", "amzn-2023").rebuilt
    assert not component("buildx", "0.29.0", "", "windows").other_numbers


def test_the_package_is_kept_as_name_and_version() -> None:
    made = component("engine", "", "  docker.io   20.10.24+dfsg1-1+deb12u1 ", " Debian-12 ")
    assert made == Component("engine", "20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u1", "debian-12")
    assert made.package_name == "docker.io"


def test_a_csv_is_recognised_by_its_header_alone() -> None:
    assert csv_rows.recognises(Text.of("\ufeffHost,Product,Version\n"))
    assert not csv_rows.recognises(Text.of("host,version\n"))
    assert not csv_rows.recognises(Text.of(""))
