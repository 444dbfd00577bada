"""Results of audits in the shapes that the tools write."""

from __future__ import annotations

from typing import Any

END = 1_709_280_060
"""2024-03-01 08:01 UTC."""


def bench(version: str = "1.6.0", *, end: int = END, **values: Any) -> dict[str, Any]:
    """The log of docker-bench-security: two checks failed, one passed, one only informs."""
    return {
        "dockerbenchsecurity": version,
        "start": end - 60,
        "tests": [
            {
                "id": "1",
                "desc": "Host Configuration",
                "results": [
                    {"id": "1.1.1", "desc": "Ensure a separate partition is there (Automated)", "result": "PASS"},
                    {"id": "1.1.10", "desc": "Ensure auditing of runc", "result": "WARN", "details": "No rule"},
                    {"id": "1.1.2", "desc": "Ensure few users control Docker", "result": "INFO", "items": ["ann"]},
                ],
            },
            {
                "id": "2",
                "desc": "Docker daemon configuration",
                "results": [{"id": "2.2", "desc": "2.2  - Ensure traffic is restricted", "result": "WARN"}],
            },
        ],
        "checks": 4,
        "score": -1,
        "end": end,
    } | values


def control(name: str, *statuses: str, title: str = "", tags: dict[str, Any] | None = None) -> dict[str, Any]:
    """A control of a report of InSpec with a result for each status."""
    results = [
        {"status": s, "code_desc": "a rule", "run_time": 0.01, "start_time": f"2026-02-0{n}T10:00:00+01:00"}
        for n, s in enumerate(statuses, 1)
    ]
    return {"id": name, "title": title, "desc": "", "impact": 1.0, "tags": tags or {}, "refs": [], "results": results}


def inspec(*controls: dict[str, Any], title: str = "CIS Docker Benchmark v1.6.0", **values: Any) -> dict[str, Any]:
    """The report of InSpec on a profile."""
    return {
        "platform": {"name": "ubuntu", "release": "22.04"},
        "profiles": [
            {
                "name": "cis-docker-benchmark",
                "version": "2.1.4",
                "title": title,
                "summary": "",
                "controls": list(controls)
                or [control("host-1.1", "passed"), control("daemon-2.2", "failed", title="Restrict the traffic")],
            }
        ],
        "statistics": {"duration": 0.5},
        "version": "5.22.3",
    } | values


def sca(*items: dict[str, Any], **values: Any) -> dict[str, Any]:
    """An answer of Wazuh's API."""
    data = {"affected_items": list(items), "total_affected_items": len(items), "failed_items": []}
    return {"data": data | values, "message": "All selected sca information was returned", "error": 0}


def policy(name: str = "CIS Docker Benchmark v1.7.0", **values: Any) -> dict[str, Any]:
    """A policy in the answer to /sca/AGENT."""
    return {
        "policy_id": "cis_docker",
        "name": name,
        "description": "prescriptive guidance for Docker",
        "pass": 20,
        "fail": 2,
        "invalid": 3,
        "total_checks": 25,
        "score": 90,
        "start_scan": "2026-03-01T09:59:00Z",
        "end_scan": "2026-03-01T10:00:00Z",
        "hash_file": "0" * 64,
    } | values


def check(number: int, result: str, cis: str = "", **values: Any) -> dict[str, Any]:
    """A check in the answer to /sca/AGENT/checks/POLICY."""
    compliance = [{"key": "pci_dss", "value": "2.2"}, *([{"key": "cis", "value": cis}] if cis else [])]
    return {"id": number, "policy_id": "cis_docker", "title": f"Rule {number}", "result": result, "rules": [],
            "compliance": compliance} | values  # fmt: skip


def alert(host: str, at: str, said: dict[str, Any]) -> dict[str, Any]:
    """An alert of Wazuh about an assessment."""
    return {
        "timestamp": at,
        "rule": {"level": 7, "id": "19007", "description": "SCA", "groups": ["sca"]},
        "agent": {"id": "002", "name": host, "ip": "192.0.2.7"},
        "data": {"sca": {"scan_id": "5", "policy": "CIS Docker Benchmark v1.7.0"} | said},
        "location": "sca",
    }


def summary(host: str, at: str = "2026-03-01T10:00:00.000+0000", **values: Any) -> dict[str, Any]:
    """The alert that sums a scan up."""
    said = {"type": "summary", "policy_id": "cis_docker", "passed": "20", "failed": "2", "invalid": "3", "score": "90"}
    return alert(host, at, said | values)


def changed(host: str, number: str, result: str, at: str = "2026-03-01T10:00:00.000+0000") -> dict[str, Any]:
    """The alert of a check whose result has changed."""
    one = {"id": number, "title": f"Rule {number}", "compliance": {"cis": f"2.{number}"}, "result": result}
    return alert(host, at, {"type": "check", "check": one})
