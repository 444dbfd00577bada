"""Severity from CVSS vectors (2.0, 3.0, 3.1, 4.0), by the `cvss` package.  Pure.

A vector is always scored anew: the number beside it is often missing, and sometimes another's.
"""

from __future__ import annotations

from feeds.advisories.records import Score, Severity

_LEVELS = {s.value: s for s in Severity} | {"moderate": Severity.MEDIUM, "important": Severity.HIGH}


def vector_score(vector: str, *, by: str, own: bool = False) -> Score | None:
    """The score of a vector; None if it is malformed.

    CVSS 2 has no "critical": its base score is rated by the scale of version 3, so that severities
    of different ages compare.

    >>> vector_score("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", by="x").severity
    <Severity.CRITICAL: 'critical'>
    """
    from cvss import CVSS2, CVSS3, CVSS4  # here, for a poll in which nothing is new scores nothing
    from cvss.exceptions import CVSSError

    vector = vector.strip()
    try:
        if vector.startswith("CVSS:4"):
            base = float(CVSS4(vector).base_score)
        elif vector.startswith("CVSS:3"):
            base = float(CVSS3(vector).scores()[0])
        else:
            base = float(CVSS2(vector.strip("()")).scores()[0])
    except (CVSSError, ValueError, TypeError, KeyError):
        return None
    return Score(by=by, severity=level(base), base=base, vector=vector, own=own)


def level(base: float) -> Severity | None:
    """The qualitative rating of a base score from 0.0 to 10.0; None for 0.0 (FIRST, CVSS 3.1, table 14)."""
    if base <= 0:
        return None
    for limit, severity in ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM)):
        if base >= limit:
            return severity
    return Severity.LOW


def rating(word: object, *, by: str, own: bool = False) -> Score | None:
    """A score from a word ("moderate"); None if the word is none."""
    severity = _LEVELS.get(str(word or "").strip().lower())
    return Score(by=by, severity=severity, own=own) if severity else None
