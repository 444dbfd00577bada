"""`--fail-on`: a gate that has judged nothing is not passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.advisories.records import Kind
from feeds.core.errors import UsageProblem
from notifier.cli.app import nobody

if TYPE_CHECKING:
    from feeds.advisories.merging import Catalogue
    from feeds.storage.database import Connection
    from notifier.services.exposure import Survey

_WHERE = "--fail-on"


def judges(catalogue: Catalogue) -> None:
    """UsageProblem where no vulnerability is known, so that whatever is asked for passes."""
    if not any(a.kind is Kind.VULNERABILITY for a in catalogue.advisories):
        raise UsageProblem(
            "nothing was judged: no vulnerability is known yet",
            where=_WHERE,
            remedy="Run `navtex poll` first, and look at `navtex source list`",
        )


def judged(connection: Connection, found: Survey) -> None:
    """UsageProblem where a survey looked at nothing: no vulnerability is known, or its scope holds nothing."""
    judges(found.catalogue)
    if not found.hosts and (nothing := nobody(connection, found.scope)):
        why = nothing.split(". ")[0].rstrip(".")
        raise UsageProblem(
            f"nothing was judged: {why[:1].lower()}{why[1:]}",
            where=_WHERE,
            remedy="Look at --host, --tag and --product, and at `navtex inventory list`",
        )
