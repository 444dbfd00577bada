r"""Inputs that are not supported: what each is, and what to use instead.  Pure."""

from __future__ import annotations

import re
from typing import Any

from feeds.core.errors import InventoryError
from feeds.core.text import printable
from notifier.inventory.formats import csv_rows
from notifier.inventory.formats.shared.headers import OWN_ROWS, lacking, table_header
from notifier.inventory.text import first_lines

_DPKG = "Use `dpkg-query -W -f '${Package} ${Version} ${Status}\\n'`"
_RPM = "Use `rpm -qa`"
_KUBECTL = "Use `kubectl get nodes -o json`"
_NODES = "Use `docker node ls -q | xargs docker node inspect`"
_VERSION = "Use `docker version` of a host on which the daemon runs"
_CYCLONEDX = "Use CycloneDX JSON: `syft -o cyclonedx-json`, `trivy rootfs --format cyclonedx /`"
_API = "Use the body of /version or /info"
_INSIDE = "Containers and images do not show the engine's version. Use `docker version` or `docker info` of the host"
_FACTS = "Use `ansible all -m ansible.builtin.package_facts`, or run the playbook with ANSIBLE_STDOUT_CALLBACK=json"

_AUDIT = "Use `navtex benchmark import`"

_BYTES = (
    ("\x1f\x8b", "it is compressed with gzip", "Unpack it: gunzip -c FILE | navtex inventory import"),
    ("(\u00b5/\u00fd", "it is compressed with zstd", "Unpack it: zstd -dc FILE | navtex inventory import"),
    ("\u00fd7zXZ", "it is compressed with xz", "Unpack it: xz -dc FILE | navtex inventory import"),
    ("BZh", "it is compressed with bzip2", "Unpack it: bunzip2 -c FILE | navtex inventory import"),
    ("PK\x03\x04", "it is a zip archive, as Excel's files are", "Unpack it, or save the table as CSV"),
    ("SQLite format 3\0", "it is a database", "Use the output of `navtex inventory list --format json`"),
)
_KNOWN = tuple(
    (re.compile(pattern, re.MULTILINE | re.IGNORECASE), what, remedy)
    for pattern, what, remedy in (
        (r"\A\s*<\?xml[\s\S]*cyclonedx|\A\s*<bom\b", "it is CycloneDX as XML", _CYCLONEDX),
        (r"^SPDXVersion:", "it is SPDX as text", "Use SPDX as JSON, or CycloneDX: `syft -o cyclonedx-json`"),
        (r'\A\s*\{\s*"SchemaVersion"', "it is a Trivy report", _CYCLONEDX),
        (r'"dockerbenchsecurity":|"sca": ?\{|"profiles": ?\[[\s\S]*"controls": ?\[',
         "it is an audit, which shows no versions", _AUDIT),
        (r"\A\s*<(?:!doctype html|html)", "it is a web page", "Check the address that it came from"),
        (r"\A\s*<\?xml", "it is XML", "See `navtex help inventory-formats`"),
        (r"\A\s*\[\s*\]", "it is an empty list", "Check whether the command found anything"),
        (r"CONTAINER-RUNTIME|^NAME +STATUS +ROLES", "it is a kubectl table", _KUBECTL),
        (r"^ *(?:nodeInfo|containerRuntimeVersion):|\A(?:---\n)?apiVersion: ", "it is Kubernetes YAML", _KUBECTL),
        (r"^\s{0,20}ID +HOSTNAME +STATUS|^ID:\s.*\nName:|^Hostname:\s", "it is a short list of nodes", _NODES),
        (r'^CONTAINER ID +IMAGE\b|"(?:LocalVolumes|RestartCount|HostConfig)": ?["{\d]',
         "it is a list of containers", _INSIDE),
        (r'^REPOSITORY +TAG +|^IMAGE +ID +DISK USAGE|"(?:CreatedSince|RepoTags)":', "it is a list of images", _INSIDE),
        (r"cannot connect to the docker daemon|permission denied.*docker", "no engine answered", _VERSION),
        (r"^\S+ \| (?:SUCCESS|CHANGED) =>\s*$", "it is an Ansible result as YAML", _FACTS),
        (r"^PLAY \[", "it is the output of a playbook", _FACTS),
        (r"\AHTTP/\d(?:\.\d)? \d{3}\b", "it is an HTTP answer that shows no version", _API),
        (r"\A\s*(?:\S+[ \t:=]+)?v?\d+(?:\.\d+)?\s*\Z", "it shows a part of a version",
         "Use the complete version, such as 29.5.1"),
        (r"^Listing\.\.\.", "it is a list of apt without installed packages", _DPKG),
        (r"^ {0,20}Container Runtime Version: ", "it is `kubectl describe nodes`", _KUBECTL),
        (r"^  Candidate: |^ *\S+ \| \S+ \| \S+:/", "it lists what apt could install", _DPKG),
        (r"^Package: .*\n(?:.*\n){0,30}?(?:Status|Version): ", "it has detailed descriptions of packages", _DPKG),
        (r"^dpkg-query: no packages found", "dpkg has no such package", "Check whether the host has an engine"),
        (r"^Name +: .*\nVersion +: \S+-\d+(?:\.\d+)?\s*\nDescription +: ", "it has detailed descriptions of packages",
         "Use `pacman -Q`"),
        (r"^Name +: .*\n(?:.*\n){0,3}?Version +: ", "it has detailed descriptions of packages", _RPM),
        (r"^S +\| |\| (?:package|Paket) +\|", "it is a zypper list", _RPM),
        (r"^Name +Version +Rev +Tracking", "it is a snap list", _VERSION),
        (r"^\+(?:-+\+)+$", "it is a table", "Ask for JSON: `osqueryi --json`"),
        (r'^\{"status": ?"\w+', "it is not an answer to a metrics query",
         "Use Prometheus' answer to the query engine_daemon_engine_info"),
        (r"^[\w.-]+==\d", "it is a pip list, and a library is not an engine", _VERSION),
        (r"^[^,;\t\n]+[,;\t](?:engine|cli|containerd|runc|compose|desktop)[,;\t]v?\d", "its rows have no header",
         "Put the header host,product,version above them"),
        (r"\A(?:\s*#.*\n)*\s*(?:---|- *[\w-]+: |[\w.-]+: *\n\s*(?:- *)?[\w.-]+:(?:\s|$)|[\w.-]+: +v?\d+\.\d)",
         "it looks like YAML", "Use JSON, a list of rows with host, product and version, or CSV with these columns"),
    )
)  # fmt: skip


def refuse_bytes(head: str) -> None:
    """InventoryError if the input is compressed or binary."""
    for begins, what, remedy in _BYTES:
        if head.startswith(begins):
            raise InventoryError(what, remedy=remedy)
    if len(head) > 3 and set(head[1:40:2]) == {"\0"}:
        raise InventoryError("it is UTF-16 without a byte order mark", remedy="Save it as UTF-8")


def unrecognised(head: str, sample: Any, names: str) -> InventoryError:
    """The error for a text that no format recognises. `sample` is its first JSON value, None if it is not JSON."""
    lines = [x for x in first_lines(head, 1000) if not csv_rows.says_nothing([x])][:2]
    header = table_header(*lines, *[""] * (2 - len(lines)))
    missing = csv_rows.missing_columns(c.lower() for c in header)
    if header and len(missing) < _COLUMNS:
        return lacking(header, missing, OWN_ROWS)
    for pattern, what, remedy in _KNOWN:
        if pattern.search(head[:_LOOKED_AT]):
            return InventoryError(what, remedy=remedy)
    if header:
        return lacking(header, missing, OWN_ROWS)
    keys = [printable(str(key)[:40]) for key in sample][:8] if isinstance(sample, dict) else []
    what = f"its format is not recognised; its first JSON object has: {', '.join(keys)}" if keys else _UNKNOWN
    rows = "Rows of your own need host, product and version. " if keys else ""
    return InventoryError(what, remedy=f"{rows}If it is one of these, name it with --from: {names}")


_UNKNOWN = "its format is not recognised"
_COLUMNS = 3
"""The columns that rows of one's own must have."""


_LOOKED_AT = 1 << 13
