"""CycloneDX 1.6, as VEX (cyclonedx.org).  Pure."""

from __future__ import annotations

from typing import Any

from feeds.advisories.records import Advisory
from feeds.core.text import json_text
from feeds.verdicts.weighing import Status
from notifier.exporters.model import TOOL, VERSION, ExportDocument, ExportStatement, Product

NAME = "cyclonedx"
_PAGES = {"NVD": "https://nvd.nist.gov/vuln/detail/{name}", "GITHUB": "https://github.com/advisories/{name}"}

_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
_STATE = {
    Status.AFFECTED: "exploitable",
    Status.CONFLICTING: "exploitable",
    Status.NOT_AFFECTED: "not_affected",
    Status.UNKNOWN: "in_triage",
}


def write(document: ExportDocument) -> str:
    """The document's text: a component for each version in use, a vulnerability for each statement."""
    value = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{document.uuid}",
        "version": 1,
        "metadata": {
            "timestamp": document.stamp,
            "tools": {"components": [{"type": "application", "name": TOOL, "version": VERSION}]},
            "authors": [{"name": document.author}],
        },
        "components": [_component(p) for p in document.products],
        "vulnerabilities": [_vulnerability(n, s) for n, s in enumerate(document.statements, 1)],
    }
    return json_text(value, 2) + "\n"


def _component(product: Product) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": "application",
        "bom-ref": product.id,
        "name": product.name,
        "version": product.version,
        "purl": product.inside or product.purl,
        "properties": [
            {"name": "navtex:hosts", "value": str(product.hosts)},
            *({"name": "navtex:host", "value": name} for name in product.names),
        ],
    }
    if product.inside:
        value["properties"].append({"name": "navtex:package", "value": product.purl})
    return value


def _vulnerability(number: int, statement: ExportStatement) -> dict[str, Any]:
    advisory = statement.advisory
    exploitable = _STATE[statement.status] == "exploitable"
    analysis: dict[str, Any] = {"state": _STATE[statement.status], "detail": statement.note}
    if statement.status is Status.NOT_AFFECTED:
        analysis["justification"] = _JUSTIFICATIONS[statement.justification]
    if exploitable and statement.verdict.upgrade_to:
        analysis["response"] = ["update"]
    value: dict[str, Any] = {
        "bom-ref": f"{advisory.name}/{number}",
        "id": advisory.name,
        "source": _source(advisory),
        "references": [{"id": name, "source": {"name": _database(name)}} for name in advisory.aliases],
        "ratings": _ratings(advisory),
        "description": advisory.title,
        "analysis": analysis,
        "affects": [{"ref": p.id, "versions": [_version(p, statement)]} for p in statement.products],
    }
    if exploitable:
        value["recommendation"] = statement.action
    if advisory.exploited:
        value["properties"] = [{"name": "navtex:kev", "value": advisory.exploited.isoformat()}]
    return value


def _source(advisory: Advisory) -> dict[str, str]:
    """The database that an advisory has its name from, as Dependency-Track calls it: it applies no other statement."""
    named = {"name": _database(advisory.name)}
    url = _PAGES.get(named["name"], "").format(name=advisory.name) or advisory.url
    return {**named, "url": url} if url else named


def _ratings(advisory: Advisory) -> list[dict[str, Any]]:
    rating: dict[str, Any] = {"severity": advisory.severity.value if advisory.severity else "unknown"}
    if advisory.cvss is not None:
        rating["score"] = advisory.cvss
    return [rating]


def _version(product: Product, statement: ExportStatement) -> dict[str, str]:
    status = {Status.NOT_AFFECTED: "unaffected", Status.UNKNOWN: "unknown"}.get(statement.status, "affected")
    return {"version": product.version, "status": status}


def _database(name: str) -> str:
    return "NVD" if name.startswith("CVE-") else "GITHUB" if name.startswith("GHSA-") else "Navtex"
