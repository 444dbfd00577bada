"""Fields that rows of several answers have, the same in each.  Pure."""

from __future__ import annotations

from typing import Any

from feeds.advisories.records import Advisory
from notifier.assessment.advice import Advice
from notifier.assessment.matcher import Match
from notifier.domain.components import Component
from notifier.schemas.fields import ssvc_field


def component_fields(component: Component) -> dict[str, Any]:
    """What runs: `product` to `package`."""
    return {"product": component.product, "version": component.version, "package": component.package or None}


def severity_fields(advisory: Advisory) -> dict[str, Any]:
    """How severe it is: `severity` to `kev`."""
    return {"severity": advisory.severity, "cvss": advisory.cvss, "kev": advisory.exploited is not None}


def advisory_fields(advisory: Advisory) -> dict[str, Any]:
    """What it is, and how severe: `advisory` to `url`."""
    return {
        "advisory": advisory.name,
        "aliases": advisory.aliases,
        "title": advisory.title,
        **severity_fields(advisory),
        "epss": advisory.epss,
        "ssvc": ssvc_field(advisory.ssvc),
        "url": advisory.url,
    }


def verdict_fields(match: Match) -> dict[str, Any]:
    """Whether it affects what runs, and what to upgrade to: `verdict` to `upgrade_note`."""
    verdict = match.verdict
    return {
        "verdict": verdict.status,
        "reason": verdict.reason,
        "fixed_in": verdict.fixed_in,
        "upgrade_to": verdict.upgrade_to,
        **advice_fields(match.advice),
    }


def advice_fields(advice: Advice) -> dict[str, Any]:
    """What to upgrade to: `minimum` to `upgrade_note`."""
    return {
        "minimum": advice.minimum,
        "upgrade_package": advice.package,
        "package_verified": True if advice.package else (False if advice.unverified else None),
        "source_only": advice.source_only,
        "upgrade_note": advice.note or None,
    }
