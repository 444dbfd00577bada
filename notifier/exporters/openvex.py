"""OpenVEX 0.2.0 (github.com/openvex/spec).  Pure."""

from __future__ import annotations

from typing import Any

from feeds.core.errors import UsageProblem
from feeds.core.text import json_text
from feeds.verdicts.weighing import Status
from notifier.exporters.model import TOOL, VERSION, ExportDocument, ExportStatement, distinct

NAME = "openvex"

_STATUS = {
    Status.AFFECTED: "affected",
    Status.CONFLICTING: "affected",
    Status.NOT_AFFECTED: "not_affected",
    Status.UNKNOWN: "under_investigation",
}


def write(document: ExportDocument) -> str:
    """The document's text; UsageProblem if there is nothing to state, which OpenVEX cannot say."""
    if not document.statements:
        raise UsageProblem("an OpenVEX document needs at least one statement", remedy="Ask with --verdict all")
    value = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"urn:uuid:{document.uuid}",
        "author": document.author,
        "timestamp": document.stamp,
        "version": 1,
        "tooling": f"{TOOL} {VERSION}",
        "statements": [_statement(s) for s in document.statements],
    }
    return json_text(value, 2) + "\n"


def _statement(statement: ExportStatement) -> dict[str, Any]:
    value: dict[str, Any] = {
        "vulnerability": _vulnerability(statement),
        "products": [_product(*pair) for pair in distinct(statement.products)],
        "status": _STATUS[statement.status],
        "status_notes": " ".join([_sentence(statement.note), *(f"{p.name} {p.where}." for p in statement.products)]),
    }
    if statement.status is Status.NOT_AFFECTED:
        value["justification"] = statement.justification
    elif value["status"] == "affected":
        value["action_statement"] = statement.action
    return value


def _vulnerability(statement: ExportStatement) -> dict[str, Any]:
    advisory = statement.advisory
    value: dict[str, Any] = {"name": advisory.name, "description": advisory.title}
    if advisory.url:
        value["@id"] = advisory.url
    if advisory.aliases:
        value["aliases"] = list(advisory.aliases)
    return value


def _product(purl: str, inside: str) -> dict[str, Any]:
    value: dict[str, Any] = {"@id": purl, "identifiers": {"purl": purl}}
    if inside:
        value["subcomponents"] = [{"@id": inside, "identifiers": {"purl": inside}}]
    return value


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
