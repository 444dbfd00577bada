"""How `navtex exposure` writes what was found: each form as text that comes while the rows are read."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from feeds.storage.database import Connection
from notifier.assessment.findings import Exposure, Question, by_component, row
from notifier.cli import exposure_tables
from notifier.cli.app import stamp
from notifier.cli.output import emit
from notifier.exporters import FORMATS, csv_rows
from notifier.exporters.model import AUTHOR, NAMESPACE, document
from notifier.schemas.exposure import AdvisoryGroup, HostGroup, VersionGroup, version_group
from notifier.services.annotations import Remarks, in_force
from notifier.services.exposure import Survey
from notifier.services.exposure_rows import advisory_groups, each_host, host_groups
from notifier.storage import exposure

NAMED = 100
"""How many hosts of a component are named to other tools; all are counted."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How the answer is to be written."""

    form: str
    group: str | None
    reasons: bool
    """Whether verdicts were named, so that the table says why."""
    output: Path | None
    author: str | None
    namespace: str | None
    stale_days: int


def answer(connection: Connection, found: Survey, question: Question, wish: OutputOptions) -> None:
    """Write the answer where it is wanted."""
    if wish.form == "table":
        exposure_tables.write(connection, found, wish.group, wish.output, reasons=wish.reasons)
    elif wish.form == "html":
        from notifier.services.exposure_report import page

        emit([page(connection, found, question, wish.stale_days)], wish.output)
    elif wish.form in FORMATS:
        emit([_exported(connection, found, wish)], wish.output)
    else:
        key, kind, rows = _rows(connection, found, wish.group)
        # what still reads the database is closed before the database is, also when the reader goes away
        with (
            closing(rows),
            closing(csv_rows.write(rows, kind) if wish.form == "csv" else _json(found, key, rows)) as text,
        ):
            emit(text, wish.output)


def _rows(
    connection: Connection, found: Survey, group: str | None
) -> tuple[str, type[msgspec.Struct], Generator[msgspec.Struct]]:
    """The name of a list in JSON, the kind of its rows, and the rows as they are read."""
    if group == "advisory":
        return "advisories", AdvisoryGroup, advisory_groups(connection, found)
    if group == "version":
        return "versions", VersionGroup, (version_group(g) for _, g in by_component(found.findings))
    if group == "host":
        return "hosts", HostGroup, host_groups(connection, found, in_force(connection, found.at))
    each = each_host(connection, found, in_force(connection, found.at))
    return "exposures", Exposure, (row(f.match, host, tags, until) for f, host, tags, until in each)


def _json(found: Survey, key: str, rows: Iterable[msgspec.Struct]) -> Generator[str]:
    """One object, a line for each row of its list."""
    yield f'{{"generated_at": {json.dumps(stamp(found.at))},\n "{key}": ['
    comma, encoded = "", json.JSONEncoder(ensure_ascii=False).encode  # made once: json.dumps makes one for each row
    for one in rows:
        yield f"{comma}\n  {encoded(msgspec.to_builtins(one))}"
        comma = ","
    yield "]}\n"


def _exported(connection: Connection, found: Survey, wish: OutputOptions) -> str:
    made = document(
        found.findings,
        lambda number: exposure.some(connection, found.scope, number, NAMED),
        found.at,
        wish.author or AUTHOR,
        wish.namespace or NAMESPACE,
        Remarks.read(connection, found.at).exported(connection),
    )
    return FORMATS[wish.form].write(made)
