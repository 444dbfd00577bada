"""osquery: the tables `docker_version`, `deb_packages`, `rpm_packages` and `os_version`.

Rows come as a plain list, as `osqueryi --json` prints it; as a log of differences, one JSON object a
line (`columns` and `action`, or `diffResults`); as snapshots (`snapshot`); or as a fleet's manager
gives them (`host` and `rows`).  In a log the last word on a row holds: what was removed is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from notifier.domain.components import BadRow, Found, Host, Note, Observed, host_name
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.formats.shared.distributions import of_id
from notifier.inventory.formats.shared.installed_packages import Package, components, interesting, named, product
from notifier.inventory.text import Item, Text, obj, seq, word

NAME = "osquery"
SIGN = "JSON rows of an osquery table that is read, or an osquery log"
_HOST = ("hostIdentifier", "host", "hostname", "host_hostname", "host_display_name")
_LOG = ("columns", "snapshot", "diffResults", "rows")
_TABLES = {"docker_version": "docker", "deb_packages": "deb", "rpm_packages": "rpm", "os_version": "os"}
_OF_VERSION = ("version", "epoch", "release", "git_commit")
_COLUMNS = ("name", "arch", *_OF_VERSION, "status", "platform", "os")
_PRESENT = ("installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending")


class _Row(NamedTuple):
    """A row of a table, of the kind docker, deb, rpm or os ("" for others), that came or went."""

    where: str
    host: str
    kind: str
    columns: dict[str, Any]
    there: bool
    all_of_it: bool = False
    """Whether it is not a row, and says that all the rows of its kind follow."""


@lru_cache(maxsize=1 << 16)
def _slim(*values: str) -> dict[str, Any]:
    """The columns that matter, once for all hosts with the same: a fleet has few that differ."""
    return dict(zip(_COLUMNS, values, strict=True))


def recognises(text: Text) -> bool:
    """Whether it is rows of a table that is read here, or a log of any table."""
    row = obj(text.sample)
    named_log = any(k in row for k in ("name", *_HOST)) and any(k in row for k in _LOG)
    return named_log or bool(_kind(row)) or _is_batch(row)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts by what is there after the last row; those that the rows do not name are `host`."""
    known: dict[str, dict[tuple[str, ...], _Row]] = {}
    older: dict[str, None] = {}
    for item in text.items():
        if isinstance(item, BadRow):
            yield item
            continue
        for row in chain.from_iterable(map(_rows, _unpacked(item))):
            if isinstance(row, BadRow):
                yield row
            elif row.all_of_it:
                _forget(row.kind, known.get(row.host, {}))
            elif row.kind in ("docker", "os") or (row.kind and interesting(word(row.columns, "name"), row.kind)):
                slim = row._replace(columns=_slim(*(word(row.columns, c) for c in _COLUMNS)))
                _keep(slim, known.setdefault(row.host, {}), older)
    yield from _hosts(known, host)
    if older:
        yield Note(
            f"the log may begin too late for {len(older)} of its hosts ({', '.join(list(older)[:3])[:120]}); "
            "what it does not name counts as not installed. A snapshot has everything"
        )


def _is_batch(value: dict[str, Any]) -> bool:
    """Whether it is what osquery's `tls` logger sends: lines of the log in one object."""
    return word(value, "log_type") == "result" and isinstance(value.get("data"), list)


def _unpacked(item: Item) -> Iterator[Item]:
    if not _is_batch(obj(item.value)):
        yield item
        return
    yield from (Item(f"{item.where}, data[{i}]", one) for i, one in enumerate(seq(item.value, "data")))


def _forget(kind: str, held: dict[tuple[str, ...], _Row]) -> None:
    """All rows of a kind are gone, because a snapshot of them follows."""
    for key, row in held.items():
        if row.kind == kind:
            held[key] = row._replace(there=False)


def _keep(row: _Row, held: dict[tuple[str, ...], _Row], older: dict[str, None]) -> None:
    """The last word on a thing holds, but what went is not what came in its place."""
    same = (
        (row.kind, word(row.columns, "name"), word(row.columns, "arch")) if row.kind in ("deb", "rpm") else (row.kind,)
    )
    before = held.get(same)
    if row.there or before is None:
        held[same] = row
    elif all(word(row.columns, c) == word(before.columns, c) for c in _OF_VERSION):
        held[same] = row
        return
    if not row.there and row.kind in ("deb", "rpm"):
        older[row.host] = None


def _rows(item: Item) -> Iterator[_Row | BadRow]:
    log = obj(item.value)
    try:
        name = next((w for h in _HOST if (w := word(log, h))), "")
        name = host_name(name) if name else ""
    except ValueError as error:
        yield BadRow(item.where, str(error))
        return
    if not any(k in log for k in _LOG):
        yield _Row(item.where, name, _kind(log), log, there=True)
        return
    table = next((kind for t, kind in _TABLES.items() if t in word(log, "name")), "")
    there = word(log, "action") != "removed"
    changes = obj(log, "diffResults")
    whole = [*seq(log, "snapshot"), *seq(log, "rows")]
    for kind in {table, *(_kind(obj(c), table) for c in whole)} if "snapshot" in log or "rows" in log else ():
        yield _Row(item.where, name, kind, {}, there=False, all_of_it=True)
    # what was removed goes first: an upgrade is both
    lists = [([log["columns"]] if "columns" in log else [], there), (whole, True)]
    lists += [(seq(changes, "removed"), False), (seq(changes, "added"), True)]
    for rows, present in lists:
        for columns in map(obj, rows):
            yield _Row(item.where, name, _kind(columns, table), columns, present)


def _kind(columns: dict[str, Any], table: str = "") -> str:
    """The table that a row is of, by its columns or else by the name of its query; "" if none is read here."""
    names = columns.keys()
    if names >= {"version", "api_version"}:
        return "docker"
    if names >= {"name", "version", "platform"}:
        return "os"
    if names >= {"name", "version"} and names & {"release", "revision", "status"}:
        return "rpm" if "release" in names else "deb"
    return table if "version" in names else ""


def _hosts(known: dict[str, dict[tuple[str, ...], _Row]], host: str) -> Iterator[Found]:
    empty = True
    for name, held in known.items():
        system = held.get(("os",))
        distro = _distro(system.columns) if system and system.there else ""
        for one in (*_running(held, name, host, distro), *_installed(held, name, host, distro)):
            empty = False
            yield one
    if empty:
        yield Note("no row in it is of an engine or one of its parts")


def _running(held: dict[tuple[str, ...], _Row], name: str, host: str, distro: str) -> Iterator[Found]:
    row = held.get(("docker",))
    if row and row.there:
        # on a desktop with Windows the engine runs in a Linux of its own
        distro = "windows" if word(row.columns, "os") == "windows" else distro.replace("windows", "")
        called = name or named(host, "osquery's docker_version")
        yield from daemon_reports.engine(called, word(row.columns, "version"), distro, row.where)
    elif row and name:
        yield Host(name, (), view=Observed.RUNNING)


def _installed(held: dict[tuple[str, ...], _Row], name: str, host: str, distro: str) -> Iterator[Found]:
    rows = [r for r in held.values() if r.kind in ("deb", "rpm")]
    found, bad = components((p for r in rows if r.there and (p := _package(r))), distro)
    yield from bad
    gone = name and any(not r.there and product(word(r.columns, "name"), r.kind) for r in rows)
    if found or gone:
        yield Host(name or named(host, "osquery's list of packages"), tuple(found), view=Observed.INSTALLED)


def _package(row: _Row) -> Package | None:
    columns, kind = row.columns, row.kind
    version = word(columns, "version")
    if kind == "rpm":
        epoch = word(columns, "epoch")
        full = f"{epoch}:" if epoch.isdigit() and epoch != "0" else ""
        return Package(row.where, word(columns, "name"), f"{full}{version}-{word(columns, 'release')}", "rpm")
    if kind == "deb" and (word(columns, "status").split() or ["installed"])[-1] in _PRESENT:
        return Package(row.where, word(columns, "name"), version, "deb")
    return None


def _distro(columns: dict[str, Any]) -> str:
    if word(columns, "platform") == "windows":
        return "windows"
    return of_id(word(columns, "platform"), word(columns, "version"))
