"""The answer of `navtex doctor`.  Pure; its JSON is a contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class CheckLevel(StrEnum):
    """How serious the result of a check is; a problem makes `navtex doctor` end with status 1."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class CheckResult(msgspec.Struct, frozen=True):
    """The result of one check: what was found, and what to do about it where it is not `ok`."""

    level: Annotated[
        CheckLevel, Meta(description="how serious it is", extra_json_schema={"enum": [*(c.value for c in CheckLevel)]})
    ]
    what: Annotated[str, Meta(description="what was found")]
    remedy: Annotated[str, Meta(description="what to do, or empty")]

    @classmethod
    def ok(cls, what: str) -> CheckResult:
        """Nothing to do."""
        return cls(CheckLevel.OK, what, "")

    @classmethod
    def note(cls, what: str, remedy: str) -> CheckResult:
        """Worth knowing."""
        return cls(CheckLevel.NOTE, what, remedy)

    @classmethod
    def problem(cls, what: str, remedy: str) -> CheckResult:
        """Something that does not work, or will soon not work."""
        return cls(CheckLevel.PROBLEM, what, remedy)


class DoctorReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, as far as one could look."""

    findings: Annotated[tuple[CheckResult, ...], Meta(description="in the order of the checks")]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return all(f.level is not CheckLevel.PROBLEM for f in self.findings)
