"""SSVC: the decision points that CISA publishes on a vulnerability, in its container of the CVE record.  Pure.

They say how far exploitation has come, whether it can be automated, and how much an attacker gains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

_AUTHOR: Final = "CISA-ADP"
_Point = TypeVar("_Point", bound=StrEnum)


class Exploitation(StrEnum):
    """What is publicly known of exploitation."""

    NONE = "none"
    POC = "poc"
    """A proof of concept is public."""
    ACTIVE = "active"


class Automatable(StrEnum):
    """Whether an attacker can automate the first steps of an attack."""

    NO = "no"
    YES = "yes"


class TechnicalImpact(StrEnum):
    """How much control over the product an attacker gains."""

    PARTIAL = "partial"
    TOTAL = "total"


class Ssvc(msgspec.Struct, frozen=True, omit_defaults=True):
    """The decision points, each None if it was not decided, and when they were decided."""

    exploitation: Exploitation | None = None
    automatable: Automatable | None = None
    technical_impact: TechnicalImpact | None = None
    decided: datetime | None = None

    @property
    def decides(self) -> bool:
        """Whether any point was decided."""
        return bool(self.exploitation or self.automatable or self.technical_impact)


def decision(containers: Iterable[dict[str, Any]]) -> Ssvc | None:
    """CISA's decision in a CVE record's added containers, the newest where there are several; None if none is.

    >>> content = {"options": [{"Exploitation": "poc"}, {"Automatable": "no"}, {"Technical Impact": "total"}]}
    >>> metrics = [{"other": {"type": "ssvc", "content": content}}]
    >>> decision([{"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": metrics}]).exploitation.value
    'poc'
    """
    found = [_read(content) for content in _contents(containers)]
    return max(
        (one for one in found if one.decides),
        key=lambda one: one.decided.timestamp() if one.decided else 0.0,
        default=None,
    )


def _contents(containers: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for container in containers:
        provider, metrics = container.get("providerMetadata"), container.get("metrics")
        if not (isinstance(provider, dict) and provider.get("shortName") == _AUTHOR and isinstance(metrics, list)):
            continue
        others = (m.get("other") for m in metrics if isinstance(m, dict))
        for other in (o for o in others if isinstance(o, dict) and o.get("type") == "ssvc"):
            if isinstance(content := other.get("content"), dict):
                yield content


def _read(content: dict[str, Any]) -> Ssvc:
    options = content.get("options")
    points = {
        str(name).strip().lower(): str(value).strip().lower()
        for option in (options if isinstance(options, list) else ())
        if isinstance(option, dict)
        for name, value in option.items()
    }
    return Ssvc(
        exploitation=_point(Exploitation, points.get("exploitation")),
        automatable=_point(Automatable, points.get("automatable")),
        technical_impact=_point(TechnicalImpact, points.get("technical impact")),
        decided=_moment(content.get("timestamp")),
    )


def _point(kind: type[_Point], word: str | None) -> _Point | None:
    return next((one for one in kind if one.value == word), None)


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
