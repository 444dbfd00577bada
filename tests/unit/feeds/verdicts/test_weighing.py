from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.records import Rank, Read, VersionStatement
from feeds.core.errors import VersionError
from feeds.verdicts.distribution_packages import PackageCase
from feeds.verdicts.weighing import EvidenceSet, Status
from feeds.versions.products import ENGINE_MODULE
from tests.support.depth import examples
from tests.support.records import NOW, advisory, case, claim, packaged, read, released, row, twinned, verdicts, words


def weights(about: EvidenceSet, version: str) -> dict[str, str]:
    return {t.source: t.role for t in about.testimony(version)}


@pytest.mark.parametrize(
    ("strong", "weak"),
    [
        (Rank.CORRECTION, Rank.VENDOR),
        (Rank.VENDOR, Rank.MODULE),
        (Rank.MODULE, Rank.TRANSLATED),
        (Rank.VENDOR, Rank.TRANSLATED),
    ],
)
def test_the_stronger_rank_decides_where_it_says_anything(strong: Rank, weak: Rank) -> None:
    about = case(
        read(claim("< 29.5.1", rank=strong), source="strong"), read(claim("all versions", rank=weak), source="weak")
    )
    assert verdicts(about, "29.5.0 29.5.1 30.0.0") == row("29.5.0=A 29.5.1=n 30.0.0=n")
    assert weights(about, "29.5.1") == {"strong": "decides", "weak": "outweighed"}
    assert weights(about, "29.5.0") == {"strong": "decides", "weak": "agrees"}


def test_words_weigh_less_than_fields_and_more_than_translated_numbers() -> None:
    said = [
        read(words("< 1.4"), source="words"),
        read(claim("< 1.3"), source="field"),
        read(claim("< 1.5", rank=Rank.TRANSLATED), source="module"),
    ]
    assert verdicts(case(*said), "1.2.0 1.3.0 1.4.0") == row("1.2.0=A 1.3.0=n 1.4.0=n")
    assert verdicts(case(said[0], said[2]), "1.3.0 1.4.0 1.5.0") == row("1.3.0=A 1.4.0=n 1.5.0=n")


def test_where_the_stronger_is_silent_the_weaker_decides() -> None:
    about = case(read(claim("<= 17.03.2"), source="strong"), read(words("< 18.06.1"), source="words"))
    assert verdicts(about, "17.03.2 17.12.0 18.06.1") == row("17.03.2=A 17.12.0=A 18.06.1=n")
    assert weights(about, "17.12.0") == {"words": "decides", "strong": "silent"}


def test_guesses_come_last_even_a_strong_ones() -> None:
    about = case(
        read(claim("", "1.4.2"), source="notes"),
        read(claim(">= 1.2.0, < 1.4.2", rank=Rank.TRANSLATED), source="module"),
    )
    assert verdicts(about, "1.1.0 1.2.0 1.4.1 1.4.2 1.5.0") == row("1.1.0=n 1.2.0=A 1.4.1=A 1.4.2=n 1.5.0=n")
    assert "older than the affected range" in about.decide("1.1.0").reason


def test_nobody_knows_is_unknown_and_says_what_is_lacking() -> None:
    nothing = case(read(claim()))
    assert nothing.decide("29.5.1").status is Status.UNKNOWN
    assert nothing.decide("29.5.1").reason == "no source states a range of engine versions"
    through = case(read(claim("<= 17.03.2"))).decide("18.09.1")
    assert through.status is Status.UNKNOWN
    assert through.reason.startswith("maker says <= 17.03.2, names no fixed release")


def test_records_of_one_rank_that_disagree_are_in_conflict_and_both_sides_are_told() -> None:
    about = case(read(claim("< 1.3"), source="one"), read(claim("< 1.2.5"), source="other"))
    found = about.decide("1.2.7")
    assert verdicts(about, "1.2.4 1.2.7 1.3.0") == row("1.2.4=A 1.2.7=n 1.3.0=n")
    found = case(read(claim(">= 1.2, < 1.4"), source="one"), read(claim(">= 1.3, < 1.4"), source="other")).decide(
        "1.2.7"
    )
    assert found.status is Status.CONFLICTING
    assert found.reason == (
        "one says affected: in the affected range >= 1.2, < 1.4; "
        "other says not affected: older than the affected range >= 1.3, < 1.4"
    )
    assert (found.fixed_in, found.upgrade_to) == (("1.4.0",), "1.4.0")


def test_a_conflict_is_seen_in_the_proof() -> None:
    about = case(
        read(claim(">= 1.2, < 1.4"), source="one"),
        read(claim(">= 1.3, < 1.4"), source="other"),
        read(claim("< 1.4", rank=Rank.TRANSLATED), source="weak"),
    )
    assert weights(about, "1.2.7") == {"one": "in conflict", "other": "in conflict", "weak": "outweighed"}


def test_who_names_the_fix_of_the_versions_own_branch_is_believed_before_who_does_not() -> None:
    broad = read(claim("< 29.3.1"), source="broad")
    exact = read(claim("< 25.0.16 || >= 26.0.0, < 29.3.1"), source="exact")
    about = case(broad, exact)
    assert verdicts(about, "25.0.15 25.0.16 25.0.17 26.1.4 29.3.1") == row(
        "25.0.15=A 25.0.16=n 25.0.17=n 26.1.4=A 29.3.1=n"
    )
    assert weights(about, "25.0.16") == {"exact": "decides", "broad": "outweighed"}
    assert about.decide("25.0.15").upgrade_to == "25.0.16"


def test_two_exact_statements_that_differ_are_in_conflict() -> None:
    about = case(read(claim("< 1.2.3"), source="one"), read(claim("< 1.2.4"), source="other"))
    assert verdicts(about, "1.2.2 1.2.3 1.2.4") == row("1.2.2=A 1.2.3=! 1.2.4=n")
    assert about.decide("1.2.3").upgrade_to == "1.2.4"


@pytest.mark.parametrize(
    ("fixes", "tagged", "version", "fixed_in", "to"),
    [
        ("25.0.6 26.1.5 27.1.1", "", "25.0.5", "25.0.6 26.1.5 27.1.1", "25.0.6"),
        ("25.0.6 26.1.5 27.1.1", "", "26.0.2", "26.1.5 27.1.1", "26.1.5"),
        ("25.0.6 26.1.5 27.1.1", "", "24.0.9", "25.0.6 26.1.5 27.1.1", "25.0.6"),
        ("25.0.6 26.1.5 27.1.1", "25.0.5 26.1.5 27.1.1", "25.0.5", "26.1.5 27.1.1", "26.1.5"),
        ("26.0.0-rc3 27.1.1", "26.0.0-rc3 26.0.0 27.1.1", "25.0.5", "26.0.0-rc3 27.1.1", "26.0.0"),
        ("26.0.0-rc3 27.1.1", "26.0.0-rc3 27.1.1", "25.0.5", "26.0.0-rc3 27.1.1", "27.1.1"),
        ("1.4.0-rc.3", "1.3.0 1.4.0-rc.3", "1.3.0", "1.4.0-rc.3", None),
        ("", "", "1.3.0", "", None),
    ],
)
def test_the_way_out_is_the_smallest_final_release_that_has_the_fix(
    fixes: str, tagged: str, version: str, fixed_in: str, to: str | None
) -> None:
    known = released(tagged) if tagged else None
    found = case(read(claim("all versions", fixes)), releases=known).decide(version)
    assert found.status is Status.AFFECTED
    assert found.fixed_in == tuple(fixed_in.split())
    assert found.upgrade_to == to


def test_a_fix_that_another_claim_calls_affected_is_no_way_out() -> None:
    about = case(read(claim("< 1.2.4"), source="field"), read(claim("", "1.2.3"), source="notes", precedence=8))
    found = about.decide("1.2.2")
    assert (found.fixed_in, found.upgrade_to) == (("1.2.4",), "1.2.4")
    assert about.decide("1.2.4").upgrade_to is None


def test_the_final_release_of_a_fixed_candidate_is_no_way_out_where_somebody_calls_it_affected() -> None:
    candidate = read(claim("< 26.0.0-rc3"), source="one")
    about = case(candidate, read(claim(">= 26.0.0, < 26.0.2"), source="other"))
    assert verdicts(about, "25.0.5 26.0.0 26.0.2") == row("25.0.5=! 26.0.0=! 26.0.2=n")
    assert about.decide("25.0.5").upgrade_to == "26.0.2"
    assert case(candidate).decide("25.0.5").upgrade_to == "26.0.0"


def test_fixes_in_translated_numbers_are_offered_only_where_nobody_names_others() -> None:
    module = read(claim("< 2.0.0-beta.14", product=ENGINE_MODULE, rank=Rank.TRANSLATED), source="module")
    assert case(module, releases=twinned()).decide("29.5.0").upgrade_to == "29.5.1"
    both = case(module, read(claim("< 29.6.0"), source="field"), releases=twinned())
    assert both.decide("29.5.0").fixed_in == ("29.6.0",)


def test_a_correction_speaks_within_its_ranges_and_is_silent_beyond() -> None:
    about = case(
        read(claim("< 29.3.1"), source="field"),
        read(claim("", "25.0.16", partial=True, rank=Rank.CORRECTION), source="corrections", precedence=99),
    )
    expected = row("24.0.9=A 25.0.15=A 25.0.16=n 25.0.17=n 26.0.0=A 29.3.1=n")
    assert verdicts(about, " ".join(expected)) == expected
    assert about.decide("25.0.16").reason == "25.0.16 is the fix on its branch (corrections)"
    assert about.decide("25.0.15").upgrade_to == "25.0.16"


def test_the_proof_tells_who_said_what_when_and_in_which_words() -> None:
    about = case(
        read(claim("< 1.2.3", words="Engine < 1.2.3"), source="field"),
        read(words("< 1.2.3", words="Before 1.2.3 it leaks."), source="text"),
        read(claim("", "1.1.9", words="notes of 1.1.9"), source="notes"),
        releases=released("1.1.0 1.2.0 1.2.3"),
    )
    found = {t.source: t for t in about.testimony("1.2.0")}
    assert list(found) == ["field", "text", "notes"]
    assert found["field"].words == ("Engine < 1.2.3",)
    assert (found["field"].rank, found["field"].ranges) == (Rank.VENDOR, "< 1.2.3; fixed in 1.2.3")
    assert (found["field"].url, found["field"].read_at) == ("https://example.org/field", NOW)
    assert found["text"].role == "agrees"
    assert (found["notes"].role, found["notes"].status, found["notes"].unreleased) == ("silent", None, ("1.1.9",))


def test_every_spelling_of_a_version_gets_the_same_verdict() -> None:
    about = case(read(claim("< 18.09.2")))
    assert {about.decide(v).status for v in ("18.09.1", "18.9.1", "v18.09.1-ce", "docker-v18.09.1")} == {
        Status.AFFECTED
    }
    with pytest.raises(VersionError):
        about.decide("latest")


MANY = [
    read(claim("< 29.5.1"), name="CVE-2026-1", source="cve", precedence=2),
    read(
        claim("< 29.5.1", "25.0.17"), name="GHSA-2222-3333-4444", aliases=("CVE-2026-1",), source="maker", precedence=3
    ),
    read(claim("", "29.5.1"), name="CVE-2026-1", source="notes", precedence=8),
    read(
        claim("all versions", rank=Rank.TRANSLATED),
        name="GO-2026-1",
        aliases=("CVE-2026-1",),
        source="go",
        precedence=7,
    ),
    read(words("< 29.5.0"), name="CVE-2026-1", source="news", precedence=6),
]
SAMPLE = "1.13.1 24.0.9 25.0.16 25.0.17 28.5.2 29.5.0 29.5.1 30.0.0"


def test_the_order_in_which_records_come_changes_no_verdict() -> None:
    answers = {
        tuple((v, about.decide(v)) for v in SAMPLE.split()) for some in permutations(MANY) for about in [case(*some)]
    }
    assert len(answers) == 1


versions = [f"{a}.{b}.{c}" for a in (1, 2) for b in (0, 1) for c in (0, 1, 2)]
ends = st.sampled_from(["", *versions])
said = st.builds(
    lambda low, high, fixed, unaffected, prose, partial: VersionStatement(
        product="engine",
        affected=tuple(
            claim(f"{'>= ' + low if low else ''}{', ' if low and high else ''}{'< ' + high if high else ''}").affected
        )
        if (low or high) and not (low and high and versions.index(low) >= versions.index(high))
        else (),
        unaffected=claim(f">= {unaffected}").affected if unaffected else (),
        fixed=(fixed,) if fixed else (),
        prose=prose,
        partial=partial,
    ),
    ends,
    ends,
    ends,
    ends,
    st.booleans(),
    st.booleans(),
)
ranks = [Rank.TRANSLATED, Rank.MODULE, Rank.VENDOR, Rank.CORRECTION]


def ranked(one: VersionStatement, rank: Rank, source: str) -> Read:
    return read(
        VersionStatement(
            product=one.product,
            affected=one.affected,
            unaffected=one.unaffected,
            fixed=one.fixed,
            partial=one.partial,
            rank=rank,
        ),
        source=source,
    )


@given(st.lists(st.tuples(said, st.sampled_from(ranks)), min_size=1, max_size=4), st.randoms())
@settings(deadline=None, max_examples=examples(200))
def test_any_records_in_any_order_give_the_same_verdicts(
    given_claims: list[tuple[VersionStatement, Rank]], chance: Any
) -> None:
    reads = [ranked(one, rank, f"source-{n}") for n, (one, rank) in enumerate(given_claims)]
    shuffled = chance.sample(reads, len(reads))
    one, other = case(*reads), case(*shuffled)
    assert [one.decide(v) for v in versions] == [other.decide(v) for v in versions]


@given(st.lists(said, min_size=1, max_size=3), said)
@settings(deadline=None, max_examples=examples(200))
def test_a_weaker_record_never_changes_what_a_stronger_one_decides(
    strong: list[VersionStatement], weak: VersionStatement
) -> None:
    reads = [ranked(one, Rank.VENDOR, f"source-{n}") for n, one in enumerate(strong)]
    alone, joined = case(*reads), case(*reads, ranked(weak, Rank.MODULE, "weak"))
    for version in versions:
        before, after = alone.decide(version), joined.decide(version)
        guessed = "first affected version not published" in before.reason or "newer than the fix" in before.reason
        if before.status is not Status.UNKNOWN and not guessed:
            assert (after.status, after.reason) == (before.status, before.reason)


@given(st.lists(st.tuples(said, st.sampled_from(ranks)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=examples(200))
def test_nobody_is_sent_to_a_release_that_is_affected(given_claims: list[tuple[VersionStatement, Rank]]) -> None:
    about = case(*(ranked(one, rank, f"source-{n}") for n, (one, rank) in enumerate(given_claims)))
    for version in versions:
        found = about.decide(version)
        for fix in (*found.fixed_in, *([found.upgrade_to] if found.upgrade_to else [])):
            assert about.decide(fix).status is Status.NOT_AFFECTED
        assert not found.upgrade_to or found.status in {Status.AFFECTED, Status.CONFLICTING}
        if found.status is not Status.UNKNOWN:
            assert "decides" in weights(about, version).values() or found.status is Status.CONFLICTING


# Distributions' packages


@pytest.mark.parametrize(
    ("fixed", "version", "status"),
    [
        ("20.10.24+dfsg1-1+deb12u1", "20.10.24+dfsg1-1", Status.AFFECTED),
        ("20.10.24+dfsg1-1+deb12u1", "20.10.24+dfsg1-1+b3", Status.AFFECTED),
        ("20.10.24+dfsg1-1+deb12u1", "20.10.24+dfsg1-1+deb12u1", Status.NOT_AFFECTED),
        ("20.10.24+dfsg1-1+deb12u1", "20.10.24+dfsg1-1+deb12u1+b6", Status.NOT_AFFECTED),
        ("20.10.24+dfsg1-1+deb12u1", "26.1.5+dfsg1-2", Status.NOT_AFFECTED),
        ("20.10.25+bookworm1-1", "20.10.25+bookworm1-1", Status.NOT_AFFECTED),
        ("1.0-1+b2", "1.0-1+b3", Status.AFFECTED),
        ("", "20.10.24+dfsg1-1+deb12u1", Status.AFFECTED),
    ],
)
def test_a_distribution_decides_about_its_own_package(fixed: str, version: str, status: Status) -> None:
    found = PackageCase(advisory(read(packaged(fixed))), "docker.io", "Debian:12").decide(version)
    assert found is not None
    assert found.status is status
    assert found.upgrade_to == (fixed or None if status is Status.AFFECTED else None)
    assert found.reason == f"Debian:12 docker.io {'fixed in ' + fixed if fixed else 'unfixed'} (maker)"


@pytest.mark.parametrize(
    ("package", "ecosystem"),
    [
        ("docker.io", "Debian:11"),
        ("containerd", "Debian:12"),
        ("docker.io", "Ubuntu:22.04:LTS"),
        ("docker-ce", "Debian:12"),
    ],
)
def test_a_distribution_says_nothing_of_another_one_or_another_package(package: str, ecosystem: str) -> None:
    about = PackageCase(advisory(read(packaged("20.10.24+dfsg1-1+deb12u1"))), package, ecosystem)
    assert about.decide("20.10.24+dfsg1-1") is None
    assert about.testimony("20.10.24+dfsg1-1") == []


@pytest.mark.parametrize("version", ["", "20.10.24_1", "one two", "9" * 5_000])
def test_a_version_that_the_distribution_would_not_write_is_not_decided(version: str) -> None:
    about = PackageCase(advisory(read(packaged("20.10.24+dfsg1-1+deb12u1"))), "docker.io", "Debian:12")
    assert about.decide(version) is None


def test_the_newer_source_package_speaks_where_a_package_moved() -> None:
    moved = read(
        packaged("24.0.7-0ubuntu2", "docker.io", "Ubuntu:22.04:LTS"),
        packaged("26.1.3-0ubuntu1~22.04.1", "docker.io-app", "Ubuntu:22.04:LTS"),
    )
    found = PackageCase(advisory(moved), "docker.io", "Ubuntu:22.04:LTS").decide("24.0.7-0ubuntu2~22.04.1")
    assert found is not None
    assert (found.status, found.upgrade_to) == (Status.AFFECTED, "26.1.3-0ubuntu1~22.04.1")


def test_a_withdrawn_record_of_a_distribution_says_nothing() -> None:
    about = advisory(read(packaged("20.10.24+dfsg1-1+deb12u1"), withdrawn=NOW), read(claim("< 1.2"), source="other"))
    assert PackageCase(about, "docker.io", "Debian:12").decide("20.10.24+dfsg1-1") is None


def test_the_smallest_fix_above_the_version_is_offered() -> None:
    said_twice = read(packaged("1.0-2", low="1.0-1"), packaged("1.1-3", low="1.1-1"))
    about = PackageCase(advisory(said_twice), "docker.io", "Debian:12")
    found = {v: about.decide(v) for v in ("0.9-1", "1.0-1", "1.0-2", "1.1-1", "1.1-3")}
    assert {v: (f.status is Status.AFFECTED, f.fixed_in) for v, f in found.items() if f} == {
        "0.9-1": (False, ()),
        "1.0-1": (True, ("1.0-2", "1.1-3")),
        "1.0-2": (False, ()),
        "1.1-1": (True, ("1.1-3",)),
        "1.1-3": (False, ()),
    }


def test_the_proof_of_a_distributions_verdict_is_its_record() -> None:
    about = PackageCase(advisory(read(packaged("1.0-2"), source="osv")), "docker.io", "Debian:12")
    (found,) = about.testimony("1.0-1")
    assert (found.source, found.rank, found.status, found.role) == (
        "osv",
        Rank.DISTRIBUTION,
        Status.AFFECTED,
        "decides",
    )
    assert found.words == ("Debian:12 docker.io fixed in 1.0-2",)
