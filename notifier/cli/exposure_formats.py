"""How `navtex exposure` writes its answer: each format as text that comes while the rows are read."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from feeds.core.times import stamp
from feeds.storage.database import Connection
from notifier.cli import exposure_tables
from notifier.cli.common import escaped_line
from notifier.cli.output import emit
from notifier.exporters import csv_rows
from notifier.exporters.all_formats import FORMATS
from notifier.services.findings.exposure import ScopedFindings
from notifier.services.findings.exposure_export import export
from notifier.services.findings.exposure_rows import ExposureRows, GroupBy, exposure_rows


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How to write the answer."""

    form: str
    group: GroupBy | None
    reasons: bool
    """Whether the table gives the reason of each verdict."""
    output: Path | None
    author: str | None
    namespace: str | None


def write(connection: Connection, found: ScopedFindings, options: OutputOptions) -> None:
    """Write the answer to standard output or to a file."""
    if options.form == "table":
        exposure_tables.write(connection, found, options.group, options.output, reasons=options.reasons)
    elif options.form == "html":
        from notifier.services.findings.exposure_report import page

        emit([page(connection, found)], options.output)
    elif options.form in FORMATS:
        emit([export(connection, found, options.form, options.author, options.namespace)], options.output)
    else:
        made = exposure_rows(connection, found, options.group)
        # what still reads the database is closed before the database is, even when the reader goes away
        with (
            closing(made.rows),
            closing(csv_rows.write(made.rows, made.kind) if options.form == "csv" else _json(found, made)) as text,
        ):
            emit(text, options.output)


def _json(found: ScopedFindings, made: ExposureRows) -> Generator[str]:
    """One object, with a line for each row of its list."""
    yield f'{{"generated_at": {json.dumps(stamp(found.at))},\n "{made.key}": ['
    comma, encode = "", msgspec.json.Encoder().encode
    for row in made.rows:
        yield f"{comma}\n  {escaped_line(encode(row).decode())}"
        comma = ","
    yield "]}\n"
