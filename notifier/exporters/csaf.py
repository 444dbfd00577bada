"""CSAF 2.0, profile VEX (docs.oasis-open.org/csaf/csaf/v2.0).  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from feeds.advisories.records import is_cve
from feeds.core.text import json_text
from feeds.verdicts.weighing import Status
from notifier.exporters.model import TOOL, VERSION, ExportDocument, ExportStatement, Product

NAME = "csaf"

_STATUS = {
    Status.AFFECTED: "known_affected",
    Status.CONFLICTING: "known_affected",
    Status.NOT_AFFECTED: "known_not_affected",
    Status.UNKNOWN: "under_investigation",
}


def write(document: ExportDocument) -> str:
    """The document's text. Without a statement it is of the profile `csaf_base`: VEX needs one."""
    value: dict[str, Any] = {"document": _head(document)}
    if document.products:
        value["product_tree"] = {"full_product_names": [_product(p) for p in document.products]}
    if document.statements:
        by_name = groupby(document.statements, key=lambda s: s.advisory.name)
        value["vulnerabilities"] = [_vulnerability(tuple(group)) for _, group in by_name]
    return json_text(value, 2) + "\n"


def _head(document: ExportDocument) -> dict[str, Any]:
    return {
        "category": "csaf_vex" if document.statements else "csaf_base",
        "csaf_version": "2.0",
        "lang": "en",
        "publisher": {"category": "user", "name": document.author, "namespace": document.namespace},
        "title": "What is known of vulnerabilities in the Docker components of this inventory",
        "tracking": {
            "id": f"navtex-{document.digest[:16]}",
            "status": "final",
            "version": "1",
            "initial_release_date": document.stamp,
            "current_release_date": document.stamp,
            "revision_history": [{"number": "1", "date": document.stamp, "summary": "As of this moment."}],
            "generator": {"date": document.stamp, "engine": {"name": TOOL, "version": VERSION}},
        },
    }


def _product(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "name": product.name,
        "product_identification_helper": {"purl": product.inside or product.purl},
    }


def _vulnerability(statements: Sequence[ExportStatement]) -> dict[str, Any]:
    advisory = statements[0].advisory
    value: dict[str, Any] = {}
    others = list(advisory.aliases)
    if is_cve(advisory.name):
        value["cve"] = advisory.name
    else:
        others.insert(0, advisory.name)
    if others:
        value["ids"] = [{"system_name": _system(name), "text": name} for name in others]
    value["title"] = advisory.title
    value["notes"] = [{"category": "summary", "text": advisory.title, "title": "Summary"}]
    value["notes"] += [
        {"category": "details", "title": _title(s), "text": f"{s.note}\n" + "\n".join(_place(p) for p in s.products)}
        for s in statements
    ]
    stati: dict[str, list[str]] = {}
    for statement in statements:
        stati.setdefault(_STATUS[statement.status], []).extend(p.id for p in statement.products)
    value["product_status"] = stati
    if remedies := [_remedy(s) for s in statements if _STATUS[s.status] == "known_affected"]:
        value["remediations"] = remedies
    if stati.get("known_not_affected"):
        flags: dict[str, list[str]] = {}
        for one in statements:
            if one.status is Status.NOT_AFFECTED:
                flags.setdefault(one.justification, []).extend(p.id for p in one.products)
        value["flags"] = [{"label": label, "product_ids": ids} for label, ids in flags.items()]
        value["threats"] = [_impact(s) for s in statements if s.status is Status.NOT_AFFECTED]
    if advisory.url:
        value["references"] = [{"category": "external", "summary": advisory.title, "url": advisory.url}]
    return value


def _title(statement: ExportStatement) -> str:
    return f"{statement.status.value.replace('_', ' ')}: {', '.join(p.name for p in statement.products)}"


def _place(product: Product) -> str:
    return f"{product.name} {product.where}"


def _remedy(statement: ExportStatement) -> dict[str, Any]:
    category = "vendor_fix" if statement.verdict.upgrade_to else "none_available"
    return {"category": category, "details": statement.action, "product_ids": [p.id for p in statement.products]}


def _impact(statement: ExportStatement) -> dict[str, Any]:
    return {"category": "impact", "details": statement.note, "product_ids": [p.id for p in statement.products]}


_SYSTEMS = {"CVE": "CVE", "GHSA": "GitHub Security Advisories", "GO": "Go vulnerability database"}


def _system(name: str) -> str:
    return _SYSTEMS.get(name.partition("-")[0], "Advisory")
