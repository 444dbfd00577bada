"""What people give by mistake is called by its name; what a terminal puts around an answer is left out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.core.errors import InventoryError
from tests.conftest import Program
from tests.support.inventories import read
from tests.unit.notifier.inventory.test_formats import FIXTURES

CSV = "host,product,version\na,engine,29.5.1\n"
PS = b"""\
CONTAINER ID   IMAGE          COMMAND                  CREATED        STATUS        PORTS                NAMES
3f1c2a9d0b7e   nginx:1.27     "/docker-entrypoint.\xe2\x80\xa6"   3 hours ago    Up 3 hours    0.0.0.0:80->80/tcp   web
"""


@pytest.mark.parametrize(
    ("raw", "what", "remedy"),
    [
        (gzip.compress(CSV.encode(), mtime=0), "gzip", "gunzip"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "zstd", "zstd -dc"),
        (b"\xfd7zXZ\x00\x00", "xz", "xz -dc"),
        (b"PK\x03\x04\x14\x00\x06\x00", "zip", "CSV"),
        (b"SQLite format 3\x00\x10", "database", "inventory list"),
        (CSV.encode("utf-16-le"), "UTF-16", "UTF-8"),
        (b"<!DOCTYPE html><html></html>", "web", "it came from"),
        (b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>', "XML", "cyclonedx-json"),
        (b'{"SchemaVersion": 2, "ArtifactName": "/"}', "Trivy", "--format cyclonedx"),
        (b"[]\n", "empty list", "found anything"),
        (b"apiVersion: v1\nitems:\n- kind: Node\n", "Kubernetes YAML", "-o json"),
        (b"NAME STATUS ROLES AGE VERSION\na Ready <none> 1d v1.31.1\n", "table", "-o json"),
        (b"ID   HOSTNAME   STATUS   AVAILABILITY\nx *  m   Ready   Active\n", "nodes", "node inspect"),
        (b"Cannot connect to the Docker daemon at unix:///x. Is it running?\n", "no engine answered", "daemon runs"),
        (b"web-1 | SUCCESS =>\n    ansible_facts:\n        packages: {}\n", "YAML", "CALLBACK=json"),
        (b"\nPLAY [all] ****\n\nTASK [x] ***\n", "playbook", "CALLBACK=json"),
        (b" docker-ce | 5:27.0.3-1 | https://download.docker.com jammy/stable\n", "could install", "dpkg-query -W"),
        (b"docker-ce:\n  Installed: 5:24.0.7-1\n  Candidate: 5:27.0.3-1\n", "could install", "dpkg-query -W"),
        (b"Package: docker-ce\nStatus: install ok installed\nVersion: 5:24.0.7-1\n", "detailed", "dpkg-query -W"),
        (b"dpkg-query: no packages found matching docker*\n", "no such package", "has an engine"),
        (b"Name        : docker-ce\nEpoch       : 3\nVersion     : 26.1.4\n", "detailed", "rpm -qa"),
        (b"S  | Name   | Type    | Version\ni+ | docker | package | 28.3.3_ce-1\n", "zypper", "rpm -qa"),
        (b"Name    Version  Rev   Tracking\ndocker  28.4.0   3265  latest/stable\n", "snap", "docker version"),
        (b"python-apt==2.4.0+ubuntu3\ndocker-compose==1.29.2\n", "pip", "docker version"),
        (b"+---------+\n| version |\n+---------+\n| 28.3.3  |\n+---------+\n", "table", "--json"),
        (b'{"status":"success","data":[{"version":"28.3.3"}]}', "not an answer to a", "engine_daemon_engine_info"),
        (b"a,engine,29.5.1,,debian-12\nb,engine,29.5.1,,\n", "no header", "host,product,version"),
        (b"web-1 29.5\n", "part of a version", "29.5.1"),
        (b"Name : docker\nVersion : 1:27.4.1-1\nDescription : Pack\n", "detailed", "pacman -Q"),
        (b"- host: a\n  product: engine\n  version: 29.5.1\n", "YAML", "JSON"),
        (b"hosts:\n  web1:\n    engine: 25.0.5\n", "YAML", "host, product and version"),
        (b"# ours\nhosts:\n- web1: 25.0.5\n", "YAML", "JSON"),
        (PS, "list of containers", "docker version"),
        (b"CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n", "list of containers", "version"),
        (b"REPOSITORY   TAG   IMAGE ID       CREATED       SIZE\nnginx  1.27 53a1 1 day 9MB\n", "images", "info"),
        (b"IMAGE   ID   DISK USAGE   CONTENT SIZE   EXTRA\nnginx 53a1 279MB 72MB U\n", "images", "info"),
        (b"host,version\nweb1,25.0.5\n", "no column product; it has: host, version", "host,product,version"),
        (b"host,product\nweb1,engine\n", "no column version; it has: host, product", "host,product,version"),
        (b"hostname,docker\nweb1,25.0.5\n", "product or version; it has: hostname, docker", "host,product,version"),
        (b"server,release\nweb1,25.0.5\n", "host, product or version; it has: server, release", "host,product,version"),
        (b'[{"hostname": "web1", "docker": "25.0.5"}]', "first JSON object has: hostname, docker", "host, product and"),
        (b"# mine\nHost;Version\nweb1;25.0.5\n", "no column product", "host,product,version"),
        (b"name,product,version\nweb1,engine,25.0.5\n", "no column host", "host,product,version"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_read_is_called_by_its_name(raw: bytes, what: str, remedy: str) -> None:
    with pytest.raises(InventoryError) as error:
        read(raw, host="lab-1")
    assert what in error.value.what
    assert remedy in (error.value.remedy or "")


@pytest.mark.parametrize(
    ("form", "text", "what"),
    [
        ("csv", "web1,engine,29.5.1\n", "its rows have no header"),
        ("csv", "server,engine\nweb1,29.5.1\n", "no column host, product or version; it has: server, engine"),
        ("csv", "#\n", "it has no header"),
        ("image-csv", "host,img\nweb1,app:1\n", "no column image; it has: host, img"),
    ],
)
def test_a_header_without_its_columns_is_told_with_those_that_it_has(form: str, text: str, what: str) -> None:
    with pytest.raises(InventoryError, match=what):
        read(text, form)


def test_what_is_packed_is_told_whatever_format_is_named() -> None:
    with pytest.raises(InventoryError, match="gzip"):
        read(gzip.compress(CSV.encode(), mtime=0), "csv")


ANSWER = (FIXTURES / "docker-version" / "amazon-linux.json").read_text(encoding="utf-8")
LINE = json.dumps(json.loads(ANSWER))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"$ docker version --format json\n{LINE}\n", id="a prompt before"),
        pytest.param(f"{LINE}\nroot@web-1:~# \n", id="a prompt after"),
        pytest.param(f"{ANSWER}\n[root@web-1 ~]#\n", id="a prompt after a document"),
        pytest.param(f"WARNING: Error loading config file: /root/.docker/config.json\n{ANSWER}", id="a warning"),
        pytest.param(f"[WARNING]: Something\n{LINE}\n", id="Ansible's warning"),
        pytest.param(f"W0102 10:00:00.000000   12 x.go:1] deprecated\n{ANSWER}", id="the warning of a Go program"),
        pytest.param(f"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\n\r\n{LINE}", id="headers"),
        pytest.param(f"*** Authorised use only ***\n\n{ANSWER}", id="a greeting"),
        pytest.param(f"```json\n{ANSWER}\n```\n", id="a fence"),
        pytest.param(f"\x1b[1;39m{LINE}\x1b[0m\n", id="colours"),
    ],
)
def test_what_a_terminal_puts_around_an_answer_is_left_out(text: str) -> None:
    assert read(text, host="lab-1") == read(ANSWER, host="lab-1")


ROW = '{"host": "%s", "product": "engine", "version": "29.5.1"}'


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        (f"{ROW % 'a'}\nnonsense\n{ROW % 'c'}\n", "line 2"),
        (f"$ cat rows\n{ROW % 'a'}\n{ROW % 'b'[:20]}\n{ROW % 'c'}\n".replace(ROW % "b", '{"host": "b'), "line 3"),
    ],
)
def test_a_row_that_is_broken_is_no_noise(text: str, bad: str) -> None:
    found = read(text)
    assert [h.name for h in found.hosts] == ["a", "c"]
    assert [b.where for b in found.bad] == [bad]


@pytest.mark.parametrize("text", [f'"host": "z"}}\n{ROW % "a"}\n', f"{ROW % 'a'[:-3]}"[:-3], '{"a": 1}\n{"a"\n'])
def test_json_that_breaks_off_is_an_error(text: str) -> None:
    with pytest.raises(InventoryError):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{LINE}\n{LINE}\n", id="lines"),
        pytest.param(f"{ANSWER}\n{ANSWER}", id="documents"),
        pytest.param((FIXTURES / "docker-version" / "suse.txt").read_text(encoding="utf-8") * 2, id="texts"),
    ],
)
def test_several_answers_that_name_no_host_are_taken_for_none(text: str) -> None:
    with pytest.raises(InventoryError, match="several") as error:
        read(text, host="lab-1")
    assert "separately" in str(error.value.remedy)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("says", [False, True])
def test_a_csv_may_have_the_separators_that_excel_writes(delimiter: str, says: bool) -> None:
    header = f"sep={delimiter}\n" if says else ""
    rows = [["Host", "Product", "Version", "Tags"], [" a", "engine", "29.5.1", '"x=1;y=2"', "", ""]]
    text = header + "".join(delimiter.join(row) + "\r\n" for row in rows)
    (host,) = read(text).hosts
    assert (host.name, host.components[0].version, host.tags) == ("a", "29.5.1", {"x": "1", "y": "2"})


def test_a_column_that_stands_twice_is_an_error() -> None:
    with pytest.raises(InventoryError, match="version more than once"):
        read("host,product,version,version\na,engine,29.5.1,29.5.0\n")


RULER = "+++-{0:=<{n}}-{0:=<{v}}-{0:=<{v}}-{0:=<{d}}\nii  docker-ce  {version} amd64  Docker\n"


@pytest.mark.parametrize(
    ("columns", "version", "whole"),
    [
        (80, "5:20.10.13~3", False),
        (80, "5:20.10.13", True),
        (100, "5:20.10.13~3-0", False),
        (160, "5:20.10.13~3-0~ubuntu-", False),
        (200, "5:29.1.3-1~debian.12~bookwo"[:27], False),
        (200, "5:29.1.3-1~debian.12", True),
    ],
)
def test_a_version_that_a_screen_may_have_cut_is_no_version(columns: int, version: str, whole: bool) -> None:
    wider = (columns - 80) // 2
    text = RULER.format("", n=14 + wider // 2, v=12 + wider // 4, d=33 + wider, version=version)
    found = read(text, host="lab-1")
    assert bool(found.hosts) is whole
    assert bool(found.bad) is not whole


def test_a_list_as_wide_as_its_words_is_whole() -> None:
    version = "5:29.1.3-1~debian.12~bookworm"
    text = (
        f"+++-{'=' * 14}-{'=' * len(version)}-{'=' * 12}-{'=' * 33}\nii  docker-ce      {version} amd64        Docker\n"
    )
    assert [c.version for c in read(text, host="lab-1").hosts[0].components] == ["29.1.3"]


@pytest.mark.parametrize(
    ("raw", "status", "said"),
    [
        (gzip.compress(CSV.encode(), mtime=0), 1, "gunzip"),
        (b"web-1 | CHANGED | rc=0 >>\nrunc-1.1.12-1.el9.x86_64\n", 0, "1 host added"),
        (b"web-1 | FAILED | rc=127 >>\nsh: docker: not found\n", 1, "web-1 (rc=127): sh: docker: not found"),
        (CSV.replace(",", ";").encode(), 0, "1 host added"),
    ],
)
def test_the_command_says_what_it_was_given(
    program_with: Callable[..., Program], tmp_path: Path, raw: bytes, status: int, said: str
) -> None:
    file = tmp_path / "given"
    file.write_bytes(raw)
    done = program_with()("inventory", "import", str(file), status=status)
    assert said in " ".join(done.stderr.split())
