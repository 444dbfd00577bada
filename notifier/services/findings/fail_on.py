"""`--fail-on`: a gate that has judged nothing has not been passed."""

from __future__ import annotations

from feeds.advisories.merging import Catalogue
from feeds.advisories.records import Kind
from feeds.core.errors import UsageProblem
from feeds.storage.database import Connection
from notifier.services.findings.exposure import ScopedFindings
from notifier.services.snapshot.scopes import nothing_in

_WHERE = "--fail-on"


def check_known(catalogue: Catalogue) -> None:
    """UsageProblem if no vulnerability is known, since everything would pass."""
    if not any(a.kind is Kind.VULNERABILITY for a in catalogue.advisories):
        raise UsageProblem(
            "nothing was checked: no vulnerability is known yet",
            where=_WHERE,
            remedy="Run `navtex poll` first, and check `navtex source list`",
        )


def check_judged(connection: Connection, found: ScopedFindings) -> None:
    """UsageProblem if nothing was checked: no vulnerability is known, or the scope holds no host."""
    check_known(found.assessment.catalogue)
    if not found.hosts and (nothing := nothing_in(connection, found.scope)):
        why = nothing.split(". ")[0].rstrip(".")
        raise UsageProblem(
            f"nothing was checked: {why[:1].lower()}{why[1:]}",
            where=_WHERE,
            remedy="Check --host, --tag and --product, and `navtex inventory list`",
        )
