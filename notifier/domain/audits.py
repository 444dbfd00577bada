"""Audits of hosts against an edition of the CIS Docker benchmark, and what is due after them.  Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from feeds.advisories.cis_editions import place
from feeds.advisories.records import Edition
from notifier.domain.components import BadRow, Note


class AuditTool(StrEnum):
    """The programs whose results are read."""

    DOCKER_BENCH = "docker-bench-security"
    INSPEC = "inspec"
    """Chef InSpec and CINC Auditor."""
    WAZUH = "wazuh"


@dataclass(frozen=True, slots=True, order=True)
class FailedCheck:
    """A check that failed: its number in the benchmark, or the tool's own, and its title."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One audit of a host."""

    host: str
    tool: AuditTool
    at: datetime
    edition: Edition | None
    """None if the tool does not say which."""
    doubt: str = ""
    """Why the edition is not certain; "" if the tool says it or an operator does."""
    score: float | None = None
    """As the tool counts it: WARN and PASS of docker-bench-security, a percentage of Wazuh, none of InSpec."""
    passed: int
    failed: int
    other: int
    """Checks that were skipped, not applicable or only informative."""
    policy: str = ""
    """Wazuh's name for the policy, by which a later list of checks is known to be of this audit."""
    failures: tuple[FailedCheck, ...] = ()
    listed: bool = True
    """Whether `failures` is meant to be complete; an audit of a summary alone has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckList:
    """The failed checks of a policy of Wazuh, which says neither when they were made nor of which edition they are."""

    where: str
    host: str
    policy: str
    passed: int
    failed: int
    other: int
    failures: tuple[FailedCheck, ...]


AuditFound = Audit | CheckList | BadRow | Note
"""What comes out of a file of audits, in its order."""


class AuditDue(StrEnum):
    """Why a host is to be audited."""

    NEVER = "never-audited"
    OLDER_EDITION = "older-edition"
    UNKNOWN_EDITION = "unknown-edition"
    """It was audited, and nothing says against which edition."""
    BEFORE_UPGRADE = "before-upgrade"
    NO_ENGINE = "no-engine"
    """It was audited, and the inventory has no Docker Engine of it."""


@dataclass(frozen=True, slots=True)
class AuditStanding:
    """The audit that counts for a host, and why it is to be audited again; no reason where it is up to date."""

    audit: Audit | None
    reasons: tuple[AuditDue, ...]


def standing(due: Edition | None, audits: Collection[Audit], upgraded: datetime | None) -> AuditStanding:
    """What the audits of a host are worth for the edition that is due for it.

    The latest audit against that edition or a newer one counts, else the latest of all.  `upgraded` is when the
    engine was last seen to have been upgraded.
    """
    if not audits:
        return AuditStanding(None, (AuditDue.NEVER,))
    current = [a for a in audits if not is_older(a, due)]
    counts = max(current or audits, key=lambda a: a.at)
    reasons = []
    if counts.edition is None:
        reasons.append(AuditDue.UNKNOWN_EDITION)
    elif is_older(counts, due):
        reasons.append(AuditDue.OLDER_EDITION)
    if upgraded and counts.at < upgraded:
        reasons.append(AuditDue.BEFORE_UPGRADE)
    return AuditStanding(counts, tuple(reasons))


def is_older(audit: Audit, due: Edition | None) -> bool:
    """Whether an audit was not made against an edition or a newer one; an unknown edition may be an older one."""
    if audit.edition is None:
        return True
    return due is not None and place(audit.edition) < place(due)
