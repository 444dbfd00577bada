"""Exposure for other tools: VEX, CSAF, SARIF and CycloneDX documents."""

from __future__ import annotations

from typing import Final

from feeds.core.errors import UsageProblem
from feeds.storage.database import Connection
from notifier.exporters.all_formats import FORMATS
from notifier.exporters.model import AUTHOR, NAMESPACE, document
from notifier.services.findings.exposure import ScopedFindings
from notifier.services.snapshot.annotations import Remarks
from notifier.storage import hosts_by_component

NAMED: Final = 100
"""The most hosts of a component that a document names. All are counted."""


def export(
    connection: Connection,
    found: ScopedFindings,
    form: str,
    author: str | None = None,
    namespace: str | None = None,
) -> str:
    """The findings in one of `notifier.exporters.FORMATS`; UsageProblem if one is of a benchmark edition."""
    edition = next((f.match.advisory for f in found.findings if f.match.advisory.edition), None)
    if edition:
        raise UsageProblem(
            f"{edition.name} is a benchmark edition, not a vulnerability, and cannot be written as {form}",
            remedy="Use --format json or csv",
        )
    made = document(
        found.findings,
        lambda number: hosts_by_component.example_hosts(connection, found.scope, number, NAMED),
        found.at,
        author=author or AUTHOR,
        namespace=namespace or NAMESPACE,
        remark=Remarks.of(found.assessment).exported(connection),
    )
    return FORMATS[form].write(made)
