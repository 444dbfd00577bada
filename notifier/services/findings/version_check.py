"""`navtex check`: what affects one version of a product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feeds import storage
from feeds.advisories.records import Severity
from feeds.core.errors import UnknownName
from feeds.storage.database import Database
from feeds.verdicts.weighing import Status
from notifier.assessment.findings import meets, worst_first
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.domain.components import Component
from notifier.schemas.exposure import CheckAnswer
from notifier.schemas.exposure_values import exposure_row
from notifier.schemas.fields import whole
from notifier.services.findings import fail_on


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """The answer, the same as matches, and what to warn of."""

    value: CheckAnswer
    matches: tuple[Match, ...]
    undecided: int
    """Advisories that could not be assessed for the version."""
    known: bool
    """Whether any advisory is known."""

    def reach(self, level: Severity | None) -> bool:
        """Whether something that affects the version reaches a severity; None is reached by any, unscored too."""
        return meets(self.matches, level)


def check_version(
    database: Database, asked: Component, now: datetime, *, verdicts: frozenset[Status] = EXPOSED, gated: bool = False
) -> VersionCheck:
    """The advisories with these verdicts on a version, worst first.

    UnknownName for a version that is no known release; with `gated`, UsageProblem if no vulnerability is known.
    """
    with database.connect() as connection:
        catalogue = storage.catalogue(connection)
    if gated:
        fail_on.check_known(catalogue)
    matcher = Matcher(catalogue, now.date())
    _check_released(matcher, asked)
    everything = list(matcher.vulnerabilities(asked))
    found = sorted((m for m in everything if m.verdict.status in verdicts), key=worst_first)
    return VersionCheck(
        value=CheckAnswer(generated_at=whole(now), exposures=tuple(map(exposure_row, found))),
        matches=tuple(found),
        undecided=sum(m.verdict.status is Status.UNKNOWN for m in everything),
        known=bool(catalogue.advisories),
    )


def _check_released(matcher: Matcher, asked: Component) -> None:
    doubt = matcher.doubt(asked)
    if doubt is None or not doubt.decides:
        return
    near = ", ".join(matcher.releases.near(asked.product, asked.version))
    raise UnknownName(
        f"{asked.product} {asked.version} is {doubt.words}",
        remedy=(f"Did you mean one of {near}? " if near else "") + "If it is newer, run `navtex poll` first",
    )
