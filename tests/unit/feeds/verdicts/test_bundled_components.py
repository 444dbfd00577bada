"""Engines judged by the BuildKit that they contain."""

from __future__ import annotations

from datetime import date

import pytest

from feeds.advisories.facts import Bundled, Contents, Fact, Release, Tag, Tags
from feeds.advisories.merging import Catalogue, merge
from feeds.advisories.records import Advisory, Kind, Rank, Read, Record, VersionStatement
from feeds.advisories.releases import Releases, gathered
from feeds.verdicts.weighing import EvidenceRole, EvidenceSet, Status, Verdict, evidence_sets
from feeds.versions.ranges import Span
from notifier.assessment.commands import command
from notifier.assessment.matcher import Matcher
from notifier.assessment.upgrade_plans import plan
from notifier.domain.components import Component, component
from notifier.exporters.purl import purls
from tests.support.documents import AT

CVE = "CVE-2031-20001"
TODAY = date(2031, 6, 1)
BUILDKIT = VersionStatement(product="buildkit", affected=(Span("0.20.0", "0.28.1"),), words="< 0.28.1")


def contents(**releases: str) -> list[Fact]:
    """Releases by their BuildKit: `v29_3_0="0.28.0"`."""
    made: list[Fact] = []
    for name, buildkit in releases.items():
        version = name.removeprefix("v").replace("_", ".")
        made.append(
            Contents(product="engine", version=version, url=f"https://x/{version}", contains={"buildkit": buildkit})
        )
    return made


def evidence(facts: list[Fact], *claims: VersionStatement) -> EvidenceSet:
    return evidence_sets(*_known(facts, *claims))["engine"]


def _known(facts: list[Fact], *claims: VersionStatement) -> tuple[Advisory, Releases]:
    catalogue = _catalogue(facts, *claims)
    return catalogue.advisories[0], catalogue.releases


def _catalogue(facts: list[Fact], *claims: VersionStatement) -> Catalogue:
    reads = [
        Read(
            Record(id=CVE, kind=Kind.VULNERABILITY, title="t", url=f"https://x/{n}", claims=(claim,)),
            f"{claim.product}-advisories",
            f"https://x/{n}",
            AT,
        )
        for n, claim in enumerate(claims)
    ]
    return Catalogue(tuple(merge(reads)), gathered(facts))


def decided(facts: list[Fact], version: str, *claims: VersionStatement) -> Verdict:
    return evidence(facts, *(claims or (BUILDKIT,))).decide(version)


FACTS = contents(v29_3_0="0.28.0", v29_3_1="0.28.1", v28_5_2="0.25.1", v27_5_1="0.19.0")


def test_an_engine_has_the_flaws_of_the_buildkit_in_it() -> None:
    verdict = decided(FACTS, "29.3.0")
    assert verdict.status is Status.AFFECTED
    assert verdict.reason.startswith("Docker Engine 29.3.0 contains BuildKit 0.28.0: in the affected range")
    assert verdict.reason.endswith("(buildkit-advisories)")
    assert (verdict.fixed_in, verdict.upgrade_to) == (("29.3.1",), "29.3.1")
    assert decided(FACTS, "29.3.1").status is Status.NOT_AFFECTED
    assert decided(FACTS, "28.5.2").upgrade_to == "29.3.1"
    assert decided(FACTS, "27.5.1").status is Status.NOT_AFFECTED


def test_without_module_files_nothing_is_said_of_engines() -> None:
    assert list(evidence_sets(*_known([], BUILDKIT))) == ["buildkit"]


@pytest.mark.parametrize(
    ("engine", "status"),
    [
        ("29.3.1", Status.NOT_AFFECTED),  # the notes name the fix on its branch
        ("29.3.0", Status.AFFECTED),
        ("27.5.1", Status.NOT_AFFECTED),  # older than the flaw, which the notes alone do not say
    ],
)
def test_the_engines_own_statement_is_the_stronger_one(engine: str, status: Status) -> None:
    notes = VersionStatement(product="engine", fixed=("29.3.1",), words="29.3.1 fixes it")
    behind = contents(v29_3_0="0.28.0", v29_3_1="0.28.0", v27_5_1="0.19.0")
    assert decided(behind, engine, BUILDKIT, notes).status is status


def test_an_advisory_in_the_engines_own_numbers_decides_alone() -> None:
    own = VersionStatement(product="engine", affected=(Span("29.0.0", "29.3.0"),), words="< 29.3.0")
    verdict = decided(FACTS, "29.3.0", BUILDKIT, own)
    assert (verdict.status, verdict.reason.endswith("(engine-advisories)")) == (Status.NOT_AFFECTED, True)
    roles = {e.rank: e.role for e in evidence(FACTS, BUILDKIT, own).testimony("29.3.0")}
    assert roles == {Rank.VENDOR: EvidenceRole.DECIDES, Rank.CONTAINED: EvidenceRole.OUTWEIGHED}


@pytest.mark.parametrize(
    ("inside", "status", "words"),
    [
        ("0.28.2-0.20310131235959-0123456789ab", Status.NOT_AFFECTED, "BuildKit 0.28.2-0.2031"),
        ("0.28.0-0.20310131235959-0123456789ab", Status.UNKNOWN, "it is not known what it follows"),
        ("0.27.2-0.20310131235959-0123456789ab", Status.AFFECTED, "in the affected range"),
        ("0.28.1-0.20310131235959-0123456789ab", Status.UNKNOWN, "between 0.28.0 (affected) and 0.28.1 (not affected)"),
        ("0.28.0-rc1.0.20310131235959-0123456789ab", Status.AFFECTED, "in the affected range"),
        ("0.0.0-20310131235959-0123456789ab", Status.UNKNOWN, "it is not known what it follows"),
        ("", Status.UNKNOWN, "contains a BuildKit of its own"),
    ],
)
def test_a_commit_is_judged_by_the_releases_around_it(inside: str, status: Status, words: str) -> None:
    verdict = decided(contents(v29_3_0=inside), "29.3.0")
    assert verdict.status is status
    assert words in verdict.reason


def test_a_release_that_was_not_read_is_clear_only_above_one_that_has_the_fix() -> None:
    assert decided(FACTS, "29.5.0").status is Status.NOT_AFFECTED
    assert "29.3.1, which contains BuildKit 0.28.1" in decided(FACTS, "29.5.0").reason
    unread = decided(FACTS, "29.2.0")
    assert (unread.status, unread.reason) == (Status.UNKNOWN, "which BuildKit it contains is not known")
    # 27.5.1 is clear because the flaw is younger
    assert decided(FACTS, "27.6.0").status is Status.UNKNOWN
    assert decided(FACTS, "28.6.0").status is Status.UNKNOWN


def test_only_what_is_known_of_an_engine_is_listed() -> None:
    matcher = Matcher(_catalogue(FACTS, BUILDKIT), TODAY)
    listed = {
        v: [m.verdict.status for m in matcher.vulnerabilities(Component("engine", v))] for v in ("29.3.0", "29.2.0")
    }
    assert listed == {"29.3.0": [Status.AFFECTED], "29.2.0": []}
    assert [m.verdict.status for m in matcher.standing(Component("engine", "29.3.0"))] == [Status.AFFECTED]
    assert list(matcher.standing(Component("engine", "29.2.0"))) == []


def test_a_plan_leads_to_an_engine_that_contains_the_fix() -> None:
    tags = Tags(
        product="engine",
        repository="moby/moby",
        tags=tuple(Tag(n, "") for n in ("docker-v29.3.0", "docker-v29.2.9", "docker-v29.3.1", "docker-v29.4.0")),
    )
    matcher = Matcher(_catalogue([*FACTS, tags], BUILDKIT), TODAY)
    made = plan(matcher, Component("engine", "29.3.0"), TODAY)
    assert [(o.to, [a.name for a in o.closes]) for o in made.options] == [("29.3.1", [CVE]), ("29.4.0", [CVE])]
    unread = Matcher(_catalogue([*contents(v29_3_0="0.28.0"), tags], BUILDKIT), TODAY)
    assert plan(unread, Component("engine", "29.3.0"), TODAY).options == ()


def test_a_distributions_build_is_not_called_affected_by_what_upstream_built_in() -> None:
    matcher = Matcher(_catalogue(FACTS, BUILDKIT), TODAY)
    build = Component("engine", "28.5.2", "docker.io 28.5.2-0ubuntu1", "ubuntu-24.04")
    (match,) = matcher.vulnerabilities(build)
    assert match.verdict.status is Status.UNKNOWN
    assert "contains BuildKit 0.25.1" in match.verdict.reason


LIBRARY = VersionStatement(product="go-archive", affected=(Span("", "0.9.1"),), words="< 0.9.1")


def test_a_library_inside_the_engine_is_judged_by_its_own_numbers() -> None:
    inside: list[Fact] = [Contents(product="engine", version="29.3.0", url="u", contains={"go-archive": "0.9.0"})]
    matcher = Matcher(_catalogue(inside, LIBRARY), TODAY)
    (match,) = matcher.vulnerabilities(Component("engine", "29.3.0"))
    assert match.verdict.status is Status.AFFECTED
    assert match.verdict.reason.startswith("Docker Engine 29.3.0 contains go-archive 0.9.0: in the affected range")
    assert match.advisory.products == {"engine"}
    # an engine without a module file is not judged at all
    assert list(matcher.vulnerabilities(Component("engine", "28.5.2"))) == []
    assert list(Matcher(_catalogue([], LIBRARY), TODAY).standing(Component("engine", "29.3.0"))) == []


RUNC = VersionStatement(product="runc", affected=(Span("", "1.9.3"),), words="< 1.9.3")
TGZ = {v: component("engine", v, f"docker-{v}.tgz") for v in ("29.3.0", "29.3.1", "29.3.2", "29.4.0")}


def static_build() -> Matcher:
    """Notes: 29.3.0 brings runc 1.9.2, and 29.3.2 brings 1.9.3."""
    notes: list[Fact] = [
        Release(product="engine", version=v, url=f"https://x/#{v}", bundles=(Bundled("runc", r),) if r else ())
        for v, r in (("29.3.0", "1.9.2"), ("29.3.1", ""), ("29.3.2", "1.9.3"), ("29.4.0", ""))
    ]
    return Matcher(_catalogue(notes, RUNC), TODAY)


def test_a_static_build_is_judged_by_the_runc_that_its_notes_say_it_brings() -> None:
    matcher = static_build()
    found = {v: [m.verdict for m in matcher.vulnerabilities(c)] for v, c in TGZ.items()}
    assert {v: [x.status for x in verdicts] for v, verdicts in found.items()} == {
        "29.3.0": [Status.AFFECTED],
        "29.3.1": [Status.AFFECTED],
        "29.3.2": [Status.NOT_AFFECTED],
        "29.4.0": [Status.NOT_AFFECTED],  # its notes name none: what 29.3.2 brought is still in it
    }
    (verdict,) = found["29.3.1"]
    assert verdict.reason.startswith("The static build of Docker Engine 29.3.1 contains runc 1.9.2: in the affected")
    assert (verdict.fixed_in, verdict.upgrade_to) == (("29.3.2",), "29.3.2")
    case = matcher.case(_catalogue([], RUNC).advisories[0], TGZ["29.3.0"].judged_as)
    assert case is not None
    assert case.testimony("29.3.0")[0].words == (
        "The static build of Docker Engine 29.3.0 contains runc 1.9.2 (https://x/#29.3.0)",
    )


@pytest.mark.parametrize(
    "other",
    [
        Component("engine", "29.3.0"),  # how it was installed is not known
        Component("engine", "29.3.0", "docker-ce 5:29.3.0-1~debian.12~bookworm", "debian-12"),
        Component("engine", "29.3.0", "docker.io 29.3.0-1", "debian-13"),
        Component("cli", "29.3.0", "docker-29.3.0.tgz"),
    ],
)
def test_no_other_engine_is_judged_by_a_runc_that_a_package_may_bring(other: Component) -> None:
    assert not other.static
    assert list(static_build().vulnerabilities(other)) == []


def test_a_static_build_is_named_by_its_file() -> None:
    build = component("engine", "", "docker-29.3.0.tgz")
    assert (build.version, build.static, build.rebuilt, build.channel) == ("29.3.0", True, False, "static")
    assert command(build, "29.3.2") == ""
    assert purls(build) == ("pkg:github/moby/moby@docker-v29.3.0", "")
    for odd in ("docker-.tgz", "docker-29.3.0.tgz.sig", "docker-29.3.0.tgz 1", "../docker-29.3.0.tgz"):
        assert not Component("engine", "29.3.0", odd).static
