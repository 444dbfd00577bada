"""The fields that say what to upgrade to, the same in every answer.  Pure."""

from __future__ import annotations

from typing import Any

from notifier.assessment.advice import Advice


def advice_fields(advice: Advice) -> dict[str, Any]:
    """The values of `minimum` to `upgrade_note` for an answer's row."""
    return {
        "minimum": advice.minimum,
        "upgrade_package": advice.package,
        "package_verified": True if advice.package else (False if advice.unverified else None),
        "source_only": advice.source_only,
        "upgrade_note": advice.note or None,
    }
