"""The CVEs that Docker assigned, by NVD's list."""

from __future__ import annotations

from typing import Any

import pytest

from feeds.advisories.merging import merge
from feeds.advisories.records import Kind, Read, Record, VersionStatement
from feeds.core import limits
from feeds.core.errors import ShapeError
from tests.support.documents import AT, SOURCE, asks, read, records

URL = SOURCE["docker-cna"].urls["api"]


def listed(*names: str, by: str = "security@docker.com", **more: Any) -> dict[str, Any]:
    return {
        "resultsPerPage": 2000,
        "startIndex": 0,
        "totalResults": len(names),
        "format": "NVD_CVE",
        "vulnerabilities": [{"cve": {"id": n, "sourceIdentifier": by, "vulnStatus": "Received"}} for n in names],
        **more,
    }


def test_one_question_brings_the_names_and_nothing_else() -> None:
    (request,) = asks(SOURCE["docker-cna"])
    assert (request.url, request.optional, request.robots) == (URL, True, False)
    found = records(read("docker-cna", listed("CVE-2031-20002", "cve-2031-20001", "CVE-2031-20002")))
    assert [(r.id, r.kind, r.claims, r.scores, r.summary) for r in found] == [
        ("CVE-2031-20001", Kind.VULNERABILITY, (), (), ""),
        ("CVE-2031-20002", Kind.VULNERABILITY, (), (), ""),
    ]


def test_what_others_assigned_is_not_taken() -> None:
    both = listed("CVE-2031-20001")
    both["vulnerabilities"] += listed("CVE-2031-20009", by="cve@mitre.org")["vulnerabilities"]
    assert [r.id for r in records(read("docker-cna", both))] == ["CVE-2031-20001"]


def test_further_pages_are_followed_within_bounds() -> None:
    (following,) = read("docker-cna", listed("CVE-2031-20001", totalResults=2)).follow
    assert following.url == f"{URL}&startIndex=1"
    assert read("docker-cna", listed("CVE-2031-20001", startIndex=1, totalResults=2)).follow == ()


def test_a_list_of_assigned_names_is_read_up_to_its_limit() -> None:
    names = [f"CVE-2031-{n}" for n in range(20_000, 20_003 + limits.ASSIGNED)]
    assert len(records(read("docker-cna", listed(*names)))) == limits.ASSIGNED


@pytest.mark.parametrize("start", [-1, 10**9, "0", None, True])
@pytest.mark.parametrize("total", [0, 10**12, "2", None, [1]])
def test_no_number_makes_it_ask_without_end(start: object, total: object) -> None:
    follow = read("docker-cna", listed("CVE-2031-20001", startIndex=start, totalResults=total)).follow
    assert all(int(f.url.rpartition("=")[2]) < 5_000 for f in follow)
    assert len(follow) <= 1


@pytest.mark.parametrize(
    "body",
    [
        {"vulnerabilities": []},
        {"vulnerabilities": [None, {"cve": []}, {"cve": {"id": 7}}]},
        listed("GHSA-2222-2222-2222"),
        listed("CVE-2031-20001", by="cve@mitre.org"),
        {"message": "Invalid sourceIdentifier"},
    ],
)
def test_a_list_without_dockers_cves_is_refused(body: object) -> None:
    with pytest.raises(ShapeError):
        read("docker-cna", body)


def test_a_listed_name_alone_is_no_advisory_and_keeps_none_from_being_withdrawn() -> None:
    (name,) = records(read("docker-cna", listed("CVE-2031-20001")))
    by_list = Read(name, "docker-cna", URL, AT)
    assert merge([by_list]) == []
    own = Record(
        id="CVE-2031-20001",
        kind=Kind.VULNERABILITY,
        title="A made-up flaw",
        url="https://example.org/record",
        withdrawn=AT,
        claims=(VersionStatement(product="desktop", fixed=("4.99.0",)),),
        precedence=2,
    )
    (found,) = merge([by_list, Read(own, "cve-records", "https://example.org/record", AT)])
    assert (found.title, found.url, found.withdrawn) == (own.title, own.url, AT)
