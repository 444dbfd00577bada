from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.merging import at_least, best_score, groups, merge
from feeds.advisories.records import (
    Edition,
    Kind,
    Read,
    Score,
    Severity,
    VersionStatement,
    cves_in,
    ghsas_in,
    is_cve,
    is_ghsa,
)
from feeds.core.errors import UnknownName
from feeds.versions.products import ENGINE_MODULE, FOREIGN
from tests.support.depth import examples
from tests.support.records import NOW, advisory, catalogue, claim, read

CVE, GHSA, GO = "CVE-2026-41567", "GHSA-x86f-5xw2-fm2r", "GO-2026-4001"
OURS = claim("< 29.5.1")


def names(*reads: Read) -> list[tuple[str, tuple[str, ...]]]:
    return [(a.name, a.aliases) for a in merge(reads)]


CHAIN = (
    read(OURS, name=CVE, source="cve"),
    read(OURS, name=GO, aliases=(GHSA,), source="go"),
    read(OURS, name=GHSA, aliases=(CVE,), source="maker"),
    read(OURS, name="GHSA-2222-3333-4444", source="maker"),
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_records_that_share_a_name_are_one_advisory_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    assert names(*(CHAIN[i] for i in order)) == [(CVE, (GHSA, GO)), ("GHSA-2222-3333-4444", ())]


def test_a_name_that_only_aliases_share_joins_too() -> None:
    assert names(read(OURS, name=GO, aliases=(GHSA,)), read(OURS, name=CVE, aliases=(GHSA,))) == [(CVE, (GHSA, GO))]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("cve-2026-41567", CVE),
        ("ghsa-X86F-5XW2-FM2R", GHSA),
        ("GHSA-X86F-5xw2-fm2r", GHSA),
        ("desktop-4-71", "desktop-4-71"),
    ],
)
def test_names_are_the_same_in_any_case_of_letters(written: str, canonical: str) -> None:
    assert names(read(OURS, name=written), read(OURS, name=canonical, source="other")) == [(canonical, ())]


def test_a_mention_joins_nothing() -> None:
    entry = read(name="desktop-4-27-1", kind=Kind.ANNOUNCEMENT, mentions=(CVE, "CVE-2024-21626"))
    found = merge([entry, read(OURS, name=CVE), read(OURS, name="CVE-2024-21626")])
    assert [a.name for a in found] == ["CVE-2024-21626", CVE, "desktop-4-27-1"]
    assert found[-1].mentions == {CVE, "CVE-2024-21626"}


@pytest.mark.parametrize(
    ("aliases", "name"),
    [
        ((GHSA, CVE, GO), CVE),
        ((GHSA, GO), GHSA),
        (("CVE-2026-9999", "CVE-2026-41567"), "CVE-2026-9999"),
        (("CVE-2026-10000", "CVE-2026-9999"), "CVE-2026-9999"),
        (("CVE-2025-50000", "CVE-2026-1000"), "CVE-2025-50000"),
        ((), "source-1"),
    ],
)
def test_an_advisory_is_called_by_its_lowest_cve_else_its_ghsa_else_its_own_name(
    aliases: tuple[str, ...], name: str
) -> None:
    (found,) = merge([read(OURS, name="source-1", aliases=aliases)])
    assert found.name == name
    assert set(found.names) == {"source-1", *aliases}


@pytest.mark.parametrize(
    ("claims", "kind", "source", "kept"),
    [
        ((OURS,), Kind.VULNERABILITY, "maker", True),
        ((claim("< 2.0.0-beta.14", product=ENGINE_MODULE),), Kind.VULNERABILITY, "maker", True),
        ((claim("< 1.2", product=FOREIGN),), Kind.VULNERABILITY, "maker", False),
        ((), Kind.VULNERABILITY, "maker", False),
        ((), Kind.ANNOUNCEMENT, "maker", True),
        ((), Kind.PUBLICATION, "maker", True),
        ((OURS,), Kind.VULNERABILITY, "corrections", False),
        ((OURS,), Kind.VULNERABILITY, "corrections-own", False),
    ],
)
def test_only_what_somebody_says_of_a_product_of_ours_is_an_advisory(
    claims: tuple[VersionStatement, ...], kind: Kind, source: str, kept: bool
) -> None:
    assert bool(merge([read(*claims, kind=kind, source=source)])) is kept


def test_of_one_sources_forms_of_an_entry_the_best_speaks_and_the_others_lend_it_what_it_lacks() -> None:
    page = read(OURS, name="entry", kind=Kind.ANNOUNCEMENT, source="news", precedence=1, mentions=(CVE,))
    feed = read(
        claim("< 1"),
        name="entry",
        kind=Kind.ANNOUNCEMENT,
        source="news",
        precedence=3,
        published=NOW,
        summary="from the feed",
        mentions=("CVE-2026-1",),
    )
    for some in permutations([page, feed]):
        (found,) = merge(some)
        (record,) = (r.record for r in found.records)
        assert record.claims == (OURS,)
        assert (found.published, found.summary) == (NOW, "from the feed")
        assert found.mentions == {CVE, "CVE-2026-1"}


def test_a_form_without_claims_borrows_them() -> None:
    page = read(name="entry", kind=Kind.ANNOUNCEMENT, source="news", precedence=1)
    feed = read(OURS, name="entry", kind=Kind.ANNOUNCEMENT, source="news", precedence=3)
    assert [c for c, _ in advisory(page, feed).claims] == [OURS]


def test_parts_of_equal_precedence_all_speak() -> None:
    parts = [
        Read(read(claim("", v), source="notes", precedence=8).record, "notes", f"https://example.org/{v}", NOW)
        for v in ("25.0.6", "26.1.5")
    ]
    assert [c.fixed for c, _ in advisory(*parts).claims] == [("25.0.6",), ("26.1.5",)]


def test_a_reviewed_edition_says_when_it_came_out_whatever_the_feed_says() -> None:
    reviewed = read(name="cis", kind=Kind.BENCHMARK, source="cis-editions", precedence=0,
                    edition=Edition("1.8.0", dated="2025-07"))  # fmt: skip
    feed = read(name="cis", kind=Kind.BENCHMARK, source="cis", precedence=2, edition=Edition("1.8.0"), published=NOW)
    found = advisory(reviewed, feed)
    assert (found.published, found.edition) == (None, Edition("1.8.0", dated="2025-07"))


def test_the_record_of_lowest_precedence_gives_the_words_and_the_earliest_date_counts() -> None:
    later = NOW + timedelta(days=3)
    one = read(OURS, source="cve", precedence=2, title="By the authority", published=later)
    other = read(OURS, source="notes", precedence=8, title="By the notes", summary="Longer words", published=NOW)
    found = advisory(other, one)
    assert (found.title, found.summary, found.url, found.published) == (
        "By the authority",
        "Longer words",
        "https://example.org/cve",
        NOW,
    )


def test_an_advisory_is_withdrawn_when_every_record_is() -> None:
    gone, gone_later = NOW, NOW + timedelta(days=1)
    one, other = read(OURS, withdrawn=gone), read(OURS, source="other", withdrawn=gone_later)
    stays = read(claim("< 1", product="runc"), source="third")
    assert advisory(one, other).withdrawn == gone_later
    assert advisory(one, other).products == {"engine"}
    assert advisory(one, stays).withdrawn is None
    assert advisory(one, stays).products == {"runc"}


def test_a_vulnerability_among_the_records_makes_the_whole_one() -> None:
    news = read(OURS, name=CVE, kind=Kind.ANNOUNCEMENT, precedence=1)
    assert advisory(news, read(OURS, name=CVE, source="cve")).kind is Kind.VULNERABILITY
    assert advisory(news).kind is Kind.ANNOUNCEMENT


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ("adp-3.1 cna-2", "cna-2"),
        ("cna-3.1 cna-4.0", "cna-4.0"),
        ("adp-4.0 adp-3.1", "adp-4.0"),
        ("cna-words cna-2", "cna-2"),
        ("cna-words adp-4.0", "cna-words"),
        ("cna-3.1 cna-3.1b", "cna-3.1"),
        ("", None),
    ],
)
def test_the_makers_vector_in_the_newest_cvss_counts_first(scores: str, best: str | None) -> None:
    vectors = {"2": "AV:N/AC:L", "3.1": "CVSS:3.1/AV:N", "3.1b": "CVSS:3.1/AV:L", "4.0": "CVSS:4.0/AV:N", "words": ""}
    given_scores = [Score(by=s, own=s.startswith("cna"), vector=vectors[s.partition("-")[2]]) for s in scores.split()]
    found = best_score(given_scores)
    assert (found.by if found else None) == best


def test_the_severity_of_an_advisory_is_of_its_best_score() -> None:
    other = Score(by="nvd", severity=Severity.LOW, base=3.1, vector="CVSS:3.1/AV:L")
    own = Score(by="maker", severity=Severity.HIGH, base=8.8, vector="CVSS:3.1/AV:N", own=True)
    found = advisory(read(OURS, source="a", scores=(other,)), read(OURS, source="b", scores=(own,)))
    assert (found.severity, found.cvss) == (Severity.HIGH, 8.8)
    assert advisory(read(OURS)).severity is None


@pytest.mark.parametrize(
    ("severity", "least", "reached"),
    [
        (Severity.HIGH, Severity.HIGH, True),
        (Severity.CRITICAL, Severity.HIGH, True),
        (Severity.MEDIUM, Severity.HIGH, False),
        (Severity.LOW, Severity.LOW, True),
        (None, Severity.CRITICAL, True),
    ],
)
def test_what_is_unscored_is_dropped_by_no_level(severity: Severity | None, least: Severity, reached: bool) -> None:
    assert at_least(severity, least) is reached


@pytest.mark.parametrize("name", [CVE, CVE.lower(), f" {GHSA.upper()} ", GO, GO.lower()])
def test_an_advisory_is_found_by_any_of_its_names(name: str) -> None:
    assert catalogue(*CHAIN).find(name).name == CVE


def test_an_unknown_name_is_refused_with_the_way_to_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"'CVE-1999-0001'\. See `navtex advisory list`"):
        catalogue(*CHAIN).find("CVE-1999-0001")


def test_the_engines_module_counts_as_the_engine_and_foreign_products_do_not_count() -> None:
    about = advisory(
        read(claim("< 2", product=ENGINE_MODULE), claim("< 1", product=FOREIGN), claim("< 1", product="runc"))
    )
    assert about.products == {"engine", "runc"}


letters = st.sampled_from([CVE, CVE.lower(), GHSA, GHSA.upper(), GO, "CVE-2026-1", "CVE-2026-02", "a", "b", "c"])
entries = st.builds(
    lambda name, aliases, source, precedence, withdrawn: read(
        OURS,
        name=name,
        aliases=tuple(aliases),
        source=source,
        precedence=precedence,
        withdrawn=NOW if withdrawn else None,
    ),
    letters,
    st.lists(letters, max_size=2),
    st.sampled_from(["one", "two", "three"]),
    st.integers(1, 3),
    st.booleans(),
)


def distinct(reads: list[Read]) -> list[Read]:
    """As a store has them: one record a source, name and document."""
    kept = {(r.source, r.record.id, r.record.precedence): r for r in reads}
    return [Read(r.record, r.source, f"https://example.org/{n}", r.at) for n, r in enumerate(kept.values())]


@given(st.lists(entries, max_size=8), st.randoms())
@settings(deadline=None, max_examples=examples(300))
def test_any_order_of_arrival_gives_the_same_catalogue(reads: list[Read], chance: Any) -> None:
    reads = distinct(reads)
    assert merge(chance.sample(reads, len(reads))) == merge(reads)


@given(st.lists(entries, max_size=8))
@settings(deadline=None, max_examples=examples(300))
def test_groups_share_no_name_and_lose_none(reads: list[Read]) -> None:
    def spelt(name: str) -> str:
        return name.upper() if is_cve(name) or is_ghsa(name) else name

    reads = distinct(reads)
    found = [{spelt(n) for r in group for n in r.record.names} for group in groups(reads)]
    assert set().union(*found) == {spelt(n) for r in reads for n in r.record.names}
    assert sum(map(len, found)) == len(set().union(*found))


@pytest.mark.parametrize(
    ("text", "cves", "ghsas"),
    [
        (f"{CVE}, {CVE.lower()} and {GHSA.upper()}", (CVE,), (GHSA,)),
        ("CVE-2024-123 is too short, CVE-2024-1234 is not", ("CVE-2024-1234",), ()),
        ("xCVE-2024-1234, CVE-2024-12345678901234567890", (), ()),
        ("GHSA-aaaa-bbbb-cccc has letters that no such id has", (), ()),
        ("CVE-2025-2, CVE-2025-22222 before CVE-2024-11111", ("CVE-2025-22222", "CVE-2024-11111"), ()),
    ],
)
def test_ids_are_found_in_a_text_in_the_order_of_their_mention(
    text: str, cves: tuple[str, ...], ghsas: tuple[str, ...]
) -> None:
    assert (cves_in(text), ghsas_in(text)) == (cves, ghsas)


ONE, TWO = "CVE-2031-41110", "CVE-2031-24557"
ONES, TWOS = "GHSA-2222-3333-4444", "GHSA-5555-6666-7777"
OWN = (
    read(OURS, name=ONE, source="cve-records", precedence=2),
    read(claim("< 24.0.9"), name=TWO, source="cve-records", precedence=2),
    read(OURS, name=ONES, aliases=(ONE,), source="maker", precedence=3),
    read(claim("< 24.0.9"), name=TWOS, aliases=(TWO,), source="maker", precedence=3),
)


@pytest.mark.parametrize(
    ("third", "joins"),
    [
        (read(OURS, name=GO, aliases=(ONE, ONES, TWO), source="go-vulndb", precedence=7), ONE),
        (read(OURS, name=GO, aliases=(TWO, ONE, ONES), source="go-vulndb", precedence=7), ONE),
        (read(OURS, name=GO, aliases=(TWO, TWOS, ONES), source="go-vulndb", precedence=7), TWO),
        (read(OURS, name=ONE, aliases=(TWOS,), source="release-feeds", precedence=8), ONE),
        (read(OURS, name=TWO, aliases=(ONE,), source="release-feeds", precedence=8), TWO),
        (read(OURS, name=TWO, aliases=(ONES,), source="docker-announcements", precedence=1), TWO),
    ],
)
def test_two_cves_with_records_of_their_own_never_merge_and_the_claim_is_a_doubt(third: Read, joins: str) -> None:
    for reads in permutations((*OWN, third), 5):
        found = {a.name: a for a in merge(reads)}
        assert set(found) == {ONE, TWO}
        assert third in [r if not r.doubted else third for r in found[joins].records if r.source == third.source]
        assert not set(found[ONE].names) & set(found[TWO].names)
        for mine, other in ((ONE, TWO), (TWO, ONE)):
            doubts = found[mine].doubts
            assert doubts, "each side shows the claim"
            assert {d.source for d in doubts} == {third.source}
            assert {d.name for d in doubts} <= {other, ONES, TWOS, ONE, TWO}


def test_a_wrong_alias_does_not_take_away_the_makers_own_record() -> None:
    wrong = read(OURS, name=TWO, aliases=(ONES,), source="release-feeds", precedence=8)
    found = {a.name: a for a in merge((*OWN, wrong))}
    assert (found[ONE].aliases, found[TWO].aliases) == ((ONES,), (TWOS,))


def test_a_cve_without_a_record_of_its_own_is_another_name() -> None:
    (found,) = merge((read(OURS, name=GO, aliases=(ONE, TWO)), read(OURS, name=ONE)))
    assert set(found.names) == {GO, ONE, TWO}
    assert found.doubts == ()
