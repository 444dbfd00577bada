"""The published JSON Schemas, generated from the structs.  Pure.

`scripts/schemas.py` writes them to docs/reference/schemas.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from notifier.schemas import (
    access,
    advisory,
    benchmark,
    config,
    doctor,
    explanation,
    exposure,
    image,
    inventory,
    job,
    notification,
    plan,
    silence,
    source,
    subscription,
    trend,
)

PUBLISHED: Final[dict[str, tuple[str, type[msgspec.Struct]]]] = {
    "advisory-list": ("advisory list", advisory.AdvisoryList),
    "advisory-show": ("advisory show", advisory.AdvisoryDetail),
    "benchmark-audits": ("benchmark audits", benchmark.HostAudits),
    "benchmark-list": ("benchmark list", benchmark.EditionList),
    "benchmark-show": ("benchmark show", benchmark.EditionDetail),
    "check": ("check", exposure.CheckAnswer),
    "config-show": ("config show", config.ConfigReport),
    "doctor": ("doctor", doctor.DoctorReport),
    "explain": ("explain", explanation.VerdictExplanation),
    "exposure": ("exposure", exposure.Exposures),
    "exposure-by-advisory": ("exposure --group-by advisory", exposure.ExposureByAdvisory),
    "exposure-by-host": ("exposure --group-by host", exposure.ExposureByHost),
    "exposure-by-version": ("exposure --group-by version", exposure.ExposureByVersion),
    "inventory-collect": ("inventory collect", inventory.CollectSummary),
    "inventory-import": ("inventory import", inventory.ImportSummary),
    "inventory-list": ("inventory list", inventory.HostList),
    "inventory-unanswered": ("inventory unanswered", inventory.UnansweredHosts),
    "inventory-show": ("inventory show", inventory.HostDetail),
    "image-base-list": ("image base list", image.BaseList),
    "image-list": ("image list", image.ImageList),
    "image-plan": ("image plan", image.ImagePlans),
    "image-show": ("image show", image.ImageDetails),
    "notification-explain": ("notification explain", notification.NotificationExplanation),
    "notification-list": ("notification list", notification.NotificationList),
    "notification-show": ("notification show", notification.NotificationDetail),
    "plan": ("plan", plan.Plans),
    "job-list": ("job list", job.JobList),
    "silence-list": ("silence list", silence.SilenceList),
    "source-list": ("source list", source.SourceList),
    "subscription-list": ("subscription list", subscription.SubscriptionList),
    "subscription-show": ("subscription show", subscription.SubscriptionDetail),
    "trend": ("trend", trend.Trend),
    "token-list": ("token list", access.TokenList),
    "user-list": ("user list", access.UserList),
}
"""By file: the command that prints the JSON, and its struct."""


def schema(command: str, struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a struct in one piece, without references."""
    (found,), parts = msgspec.json.schema_components([struct], ref_template="{name}")
    inlined = _inlined(found, parts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **inlined,
        "title": f"navtex {command} --format json",
    }


def _inlined(value: Any, parts: dict[str, Any]) -> Any:
    """The same schema with each reference replaced by what it names, and a choice with null as a list of types."""
    if isinstance(value, list):
        return [_inlined(v, parts) for v in value]
    if not isinstance(value, dict):
        return value
    own = {k: v for k, v in value.items() if k not in ("$ref", "anyOf", "format")}
    if "enum" in own:  # the order of the words is ours
        return own
    if "$ref" in value:
        named = _inlined(parts[value["$ref"]], parts)
        return {k: v for k, v in named.items() if k not in ("title", "description")} | _each(own, parts)
    if "anyOf" in value and "type" not in own:
        one, _ = value["anyOf"]
        found = _inlined(one, parts)
        return found | {"type": [found["type"], "null"]} | _each(own, parts)
    return _each(own, parts)


def _each(value: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    return {
        k: {n: _inlined(p, parts) for n, p in v.items()} if k == "properties" else _inlined(v, parts)
        for k, v in value.items()
    }
