"""Documents that were once misread, each with what is right; skipped where they do not lie beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from feeds.advisories.records import Kind, Record
from tests.conftest import ROOT
from tests.support.documents import read, records, said

CASES = ROOT.parent / "shared" / "cases" / "sources"


def case(name: str) -> list[Record]:
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip(f"the case is not at {folder}")
    source, form = (folder / "meta.txt").read_text().split(None, 1)
    document: Path = next(folder.glob("document.*"))
    url = "https://docs.docker.com/engine/release-notes/29/"
    return records(read(source, document.read_bytes(), form.strip(), url))


def vulnerabilities(found: list[Record]) -> dict[str, list[tuple[str, list[str], list[str]]]]:
    return {r.id: said(r.claims) for r in found if r.kind is Kind.VULNERABILITY}


def announcements(found: list[Record]) -> dict[str, list[tuple[str, list[str], list[str]]]]:
    return {r.id: said(r.claims) for r in found if r.kind is Kind.ANNOUNCEMENT}


def fixed(*cves: str, product: str = "engine", version: str) -> dict[str, list[tuple[str, list[str], list[str]]]]:
    return {cve: [(product, [], [version])] for cve in cves}


def test_a_section_below_an_introduction_of_go_is_read() -> None:
    numbers = ("97032", "78659", "78663", "78669", "56857")
    expected = fixed(*(f"CVE-2026-{n}" for n in numbers), version="29.9.0")
    assert vulnerabilities(case("04-engine-29.9.0-security-lost")) == expected


@pytest.mark.parametrize("name", ["05-runc-cve-claimed-for-containerd", "07-upgraded-go-claimed-for-engine"])
def test_a_component_and_a_compiler_are_not_the_product(name: str) -> None:
    assert [r.kind for r in case(name)] == [Kind.RELEASE]


def test_a_security_heading_at_the_level_of_versions_is_of_the_version_above() -> None:
    found = case("06-security-heading-at-version-level")
    assert vulnerabilities(found) == fixed("CVE-2024-24557", version="24.0.9")
    assert announcements(found) == {}


def test_fixes_are_read_whatever_the_verb() -> None:
    assert vulnerabilities(case("09-fix-not-read")) == (
        fixed("CVE-2023-28841", "CVE-2023-28840", "CVE-2023-28842", version="20.10.24")
        | fixed("CVE-2022-36109", version="20.10.18")
        | fixed("CVE-2019-14271", version="19.03.1")
    )


def test_the_heading_says_whose_a_fix_is() -> None:
    assert vulnerabilities(case("10-cli-cve-claimed-for-engine")) == (
        fixed("CVE-2021-41092", product="cli", version="20.10.9") | fixed("CVE-2021-41089", version="20.10.9")
    )


def test_a_link_to_read_on_joins_no_two_cves() -> None:
    (found,) = (r for r in case("13-note-link-joins-two-cves") if r.kind is Kind.VULNERABILITY)
    assert (found.id, found.aliases) == ("CVE-2021-21334", ())


def test_an_entry_without_an_id_beside_one_with_an_id_is_announced() -> None:
    found = case("14-unnamed-beside-named")
    assert vulnerabilities(found) == {}
    assert announcements(found) == {"engine-29.4.3-security": [("engine", [], ["29.4.3"])]}


def test_the_numbers_of_a_module_are_not_the_engines() -> None:
    (found,) = case("01-module-star-on-engine")
    engine = [(a, f) for p, a, f in said(found.claims) if p == "engine"]
    assert engine == [(["< 25.0.19"], []), ([">= 26.0.0, < 29.8.2"], [])]


def test_a_product_of_dockers_that_is_none_of_ours_claims_nothing_of_the_engine() -> None:
    found = case("03b-docker-sandboxes-announcement")
    sandboxes, desktop = announcements(found).items()
    assert sandboxes[1] == []
    assert desktop[1] == [("desktop", ["< 4.86.0"], ["4.86.0"])]
    assert list(vulnerabilities(found)) == ["CVE-2026-17106"]


def test_fixed_in_an_inequality_is_read() -> None:
    found = case("11-fixed-in-greater-equal")
    ((_, affected, releases),) = vulnerabilities(found)["CVE-2024-24557"]
    assert (affected, releases) == (["<= 25.0.1", "<= 24.0.8"], ["25.0.2", "24.0.9"])
    assert list(announcements(found).values()) == [[("engine", affected, releases)]]


def test_only_this_version_holds_for_the_announcement_and_the_cve() -> None:
    found = case("12-only-this-version")
    expected = [("desktop", ["= 4.46.0"], ["4.47.0"])]
    assert [*vulnerabilities(found).values(), *announcements(found).values()] == [expected, expected]


def test_an_erratum_of_a_module_that_names_another_package_is_nothing_of_ours() -> None:
    assert case("15-module-erratum") == []
