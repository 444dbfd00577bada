"""SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0).  Pure."""

from __future__ import annotations

import hashlib
from typing import Any

from feeds.advisories.records import Advisory, Severity
from feeds.core.text import json_text
from feeds.verdicts.weighing import Status
from notifier.exporters.model import TOOL, VERSION, ExportDocument, ExportStatement, Product

NAME = "sarif"

_KIND = {
    Status.AFFECTED: "fail",
    Status.CONFLICTING: "fail",
    Status.NOT_AFFECTED: "pass",
    Status.UNKNOWN: "open",
}
_LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def write(document: ExportDocument) -> str:
    """The document's text: a rule for each advisory, a result for each version in use that it concerns."""
    advisories = {s.advisory.name: s.advisory for s in document.statements}
    places = {name: number for number, name in enumerate(advisories)}
    run = {
        "tool": {
            "driver": {
                "name": TOOL,
                "version": VERSION,
                "rules": [_rule(a) for a in advisories.values()],
            }
        },
        "automationDetails": {"id": f"navtex/exposure/{document.digest[:16]}", "guid": document.uuid},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": document.stamp}],
        "results": [
            _result(s, product, places[s.advisory.name]) for s in document.statements for product in s.products
        ],
    }
    value = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json_text(value, 2) + "\n"


def _level(advisory: Advisory) -> str:
    return _LEVEL[advisory.severity] if advisory.severity else "warning"


def _rule(advisory: Advisory) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "docker", *(["exploited"] if advisory.exploited else [])]}
    if advisory.cvss is not None:
        properties["security-severity"] = str(advisory.cvss)
    value: dict[str, Any] = {
        "id": advisory.name,
        "shortDescription": {"text": advisory.title},
        "fullDescription": {"text": advisory.summary or advisory.title},
        "defaultConfiguration": {"level": _level(advisory)},
        "properties": properties,
    }
    if advisory.aliases:
        properties["aliases"] = list(advisory.aliases)
    if advisory.url:
        value["helpUri"] = advisory.url
        value["help"] = {"text": f"{advisory.title}\n{advisory.url}"}
    return value


def _result(statement: ExportStatement, product: Product, place: int) -> dict[str, Any]:
    kind = _KIND[statement.status]
    fails = kind == "fail"
    text = f"{product.name} {product.where}: {statement.status.value.replace('_', ' ')} ({statement.note})."
    return {
        "ruleId": statement.advisory.name,
        "ruleIndex": place,
        "kind": kind,
        "level": _level(statement.advisory) if fails else "none",
        "message": {"text": f"{text} {statement.action}" if fails else text},
        "locations": [
            {"logicalLocations": [{"name": name, "kind": "resource", "fullyQualifiedName": f"{name}/{product.purl}"}]}
            for name in product.names
        ],
        "occurrenceCount": product.hosts,
        "partialFingerprints": {"navtexExposure/v1": _fingerprint(statement, product)},
        "properties": {
            "purl": product.inside or product.purl,
            "package": product.purl,
            "verdict": statement.status.value,
            "fixed_in": list(statement.verdict.fixed_in),
            "upgrade_to": statement.verdict.upgrade_to,
        },
    }


def _fingerprint(statement: ExportStatement, product: Product) -> str:
    return hashlib.sha256(f"{statement.advisory.name}\0{product.id}".encode()).hexdigest()
