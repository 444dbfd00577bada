from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.records import Rank, Read, VersionStatement
from feeds.advisories.releases import Releases
from feeds.verdicts.statements import SourceStatement, Status, bounds, readings
from feeds.versions.products import ENGINE_MODULE
from feeds.versions.ranges import Span
from feeds.versions.upstream import key
from tests.support.depth import examples
from tests.support.records import NOW, advisory, case, claim, packaged, read, released, row, twinned, verdicts, words


def only(*reads: Read, product: str = "engine", releases: Releases | None = None) -> SourceStatement:
    """The one reading of some records."""
    (found,) = readings(advisory(*reads), product, releases or Releases())
    return found


@pytest.mark.parametrize(
    ("affected", "fixed", "expected"),
    [
        # one range
        ("< 1.2.3", "", "1.1.0=A 1.2.2=A 1.2.3=n 1.2.4=n 1.3.0=n 2.0.0=n"),
        (">= 1.2.0, < 1.2.3", "", "1.1.9=n 1.2.0=A 1.2.0-rc1=n 1.2.2=A 1.2.3=n 1.3.0=n"),
        ("= 1.3.2", "", "1.3.1=n 1.3.2=A 1.3.3=n 1.4.0=n"),
        (">= 1.0.0-rc93, < 1.1.12", "", "1.0.0-rc92=n 1.0.0-rc93=A 1.0.0=A 1.1.12-rc1=A 1.1.12=n"),
        ("all versions", "", "0.1.0=A 99.0.0=A"),
        # ranges that overlap are branches
        ("< 1.7.29, < 2.0.7", "", "1.6.0=A 1.7.28=A 1.7.29=n 1.7.30=n 2.0.0=A 2.0.6=A 2.0.7=n 2.1.0=n"),
        ("< 23.0.8, < 24.0.7", "", "20.10.27=A 23.0.7=A 23.0.8=n 23.0.18=n 24.0.6=A 24.0.7=n 25.0.0=n"),
        ("<= 1.7.28, <= 2.0.6", "", "1.6.40=A 1.7.28=A 1.7.29=n 2.0.6=A 2.0.7=?"),
        # ranges that lie apart
        (">= 1.6.0, < 1.6.6 || >= 1.7.0, < 1.7.2", "", "1.5.9=n 1.6.5=A 1.6.6=n 1.6.9=n 1.7.1=A 1.7.2=n"),
        ("= 1.0.0 || = 1.0.1", "", "0.9.0=n 1.0.0=A 1.0.1=A 1.0.2=n"),
        # a branch that no range names, between two that are affected from their start
        (">= 25.0.0, < 25.0.6 || >= 27.0.0, < 27.1.1", "", "25.0.6=n 26.0.0=A 26.1.4=A 27.0.3=A 27.1.1=n 28.0.0=n"),
        (">= 25.0.0, < 25.0.6 || >= 27.0.1, < 27.1.1", "", "26.0.0=n 26.1.4=n 27.0.0=n 27.0.1=A"),
        # a release that is said to be fixed is fixed, wherever the range ends
        ("<= 1.4.0-rc.3", "1.4.0-rc.3", "1.4.0-rc.2=A 1.4.0-rc.3=n 1.4.0=n"),
        ("<= 26.1.14", "26.1.5", "26.0.2=A 26.1.4=A 26.1.5=n 26.1.14=n 27.0.0=?"),
        ("< 29.5.1", "25.0.17 29.5.1", "25.0.16=A 25.0.17=n 26.0.0=A 28.5.2=A 29.5.1=n"),
        # a range that ends below what the same claim calls patched is a slip
        ("< 23.0.7", "23.0.8", "23.0.6=A 23.0.8=n 24.0.0=n"),
        # "through" without any fixed release says nothing of later ones
        ("<= 17.03.2", "", "1.13.1=A 17.03.2=A 17.04.0=? 18.09.9=?"),
        ("<= 17.03.2", "17.09.1", "17.03.2=A 17.03.3=n 17.09.0=n 17.09.1=n 18.09.9=n"),
        # fixed releases alone: nothing says where the flaw begins
        ("", "1.2.3 1.3.1", "1.0.0=A 1.2.2=A 1.2.3=n 1.2.9=n 1.3.0=A 1.3.1=n 1.4.0=n"),
        ("", "", "1.0.0=? 99.0.0=?"),
    ],
)
def test_one_record_is_read_as_its_maker_meant_it(affected: str, fixed: str, expected: str) -> None:
    wanted = row(expected)
    assert verdicts(case(read(claim(affected, fixed))), " ".join(wanted)) == wanted


def test_a_range_that_ends_before_it_starts_says_nothing() -> None:
    slip = VersionStatement(product="engine", affected=(Span("2.0.0", "1.0.0"),))
    assert verdicts(case(read(slip)), "0.5.0 1.5.0 2.5.0") == row("0.5.0=? 1.5.0=? 2.5.0=?")
    both = claim(">= 3.0.0, < 3.0.5")
    assert verdicts(case(read(slip, both)), "1.5.0 3.0.4 3.0.5") == row("1.5.0=n 3.0.4=A 3.0.5=n")


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("19.03.14 19.03.15 20.10.0 20.10.27 23.0.15", "19.03.15=A 20.10.27=A 23.0.15=n"),
        ("", "19.03.15=A 19.03.16=n 20.10.27=A 20.10.28=n 23.0.15=n"),
    ],
)
def test_a_fix_that_was_never_released_fixes_nothing(tagged: str, expected: str) -> None:
    about = case(
        read(claim("< 23.0.15", "19.03.16 20.10.28 23.0.15")), releases=released(tagged) if tagged else Releases()
    )
    wanted = row(expected)
    assert verdicts(about, " ".join(wanted)) == wanted
    found = about.decide("19.03.15")
    assert found.fixed_in == (("23.0.15",) if tagged else ("19.03.16", "20.10.28", "23.0.15"))
    assert found.upgrade_to == ("23.0.15" if tagged else "19.03.16")
    assert about.readings[0].unreleased == (["19.03.16", "20.10.28"] if tagged else [])


def test_a_fix_is_called_as_its_project_calls_it() -> None:
    assert (
        case(read(claim("< v18.9.2")), releases=released("v18.09.1 v18.09.2")).decide("18.09.1").upgrade_to == "18.09.2"
    )
    assert case(read(words("", "18.09"))).decide("18.06.1").upgrade_to == "18.09.0"


@pytest.mark.parametrize(
    ("field", "sentence", "expected"),
    [
        # words name fixes on branches that the field says nothing of
        (claim("< 29.3.1"), words("", "25.0.16"), "25.0.15=A 25.0.16=n 28.5.2=A 29.3.1=n"),
        # on the branch of a fix of the field, the words are the slip
        (claim("< 1.6.1", "1.6.1"), words("", "1.6.0"), "1.6.0=A 1.6.1=n"),
        # words reach above the range ...
        (claim("<= 25.0.12"), words("< 28.0.0"), "25.0.12=A 25.0.13=n 26.0.0=A 27.5.1=A 28.0.0=?"),
        # ... and never below it
        (claim(">= 1.12.0, < 20.10.24"), words("< 20.10.24"), "1.11.2=n 1.12.0=A 20.10.24=n"),
    ],
)  # fmt: skip
def test_words_beside_a_field_add_to_it(field: VersionStatement, sentence: VersionStatement, expected: str) -> None:
    wanted = row(expected)
    assert verdicts(case(read(field, sentence)), " ".join(wanted)) == wanted


def test_words_are_all_there_is_where_no_field_says_anything() -> None:
    about = case(read(words("< 18.09.2", "18.09.2")))
    assert verdicts(about, "18.06.3 18.09.1 18.09.2") == row("18.06.3=A 18.09.1=A 18.09.2=n")
    assert about.readings[0].rank is Rank.PROSE


def test_to_current_reaches_to_no_release_that_came_later() -> None:
    about = case(
        read(VersionStatement(product="engine", affected=(Span("1.11", "current", closed_high=True),), prose=True))
    )
    assert verdicts(about, "1.10.3 1.11.0 18.05.0") == row("1.10.3=n 1.11.0=A 18.05.0=A")


def test_a_partial_claim_says_nothing_outside_of_its_ranges() -> None:
    about = case(read(claim(">= 1.2.0, < 1.2.3", "1.4.1", unaffected=">= 2.0.0", partial=True)))
    expected = row("1.1.0=? 1.2.2=A 1.2.3=n 1.2.9=n 1.3.0=? 1.4.0=? 1.4.1=n 2.0.0=n")
    assert verdicts(about, " ".join(expected)) == expected


def test_an_unaffected_range_yields_to_an_affected_one_that_holds_the_version() -> None:
    about = case(read(claim(">= 1.2.0, < 1.2.3", unaffected="< 2.0.0", partial=True)))
    assert verdicts(about, "1.1.0 1.2.2 1.2.3 1.9.0 2.0.0") == row("1.1.0=n 1.2.2=A 1.2.3=n 1.9.0=n 2.0.0=?")


def test_the_reason_names_the_range_or_the_fix() -> None:
    found = only(read(claim(">= 1.2.0, < 1.2.3 || >= 1.4.0, < 1.4.2")))
    said = {v: s.reason for v in ("1.1.0", "1.2.1", "1.2.3", "1.3.0", "1.4.2", "1.5.0") if (s := found.says(key(v)))}
    assert said == {
        "1.1.0": "older than the affected range >= 1.2.0, < 1.2.3",
        "1.2.1": "in the affected range >= 1.2.0, < 1.2.3",
        "1.2.3": "1.2.3 is the fix on its branch",
        "1.3.0": "no range names its branch, which lies between >= 1.2.0, < 1.2.3 and >= 1.4.0, < 1.4.2",
        "1.4.2": "1.4.2 is the fix on its branch",
        "1.5.0": "newer than the affected range >= 1.4.0, < 1.4.2",
    }


def test_a_verdict_is_exact_where_the_record_names_the_fix_of_the_versions_branch() -> None:
    found = only(read(claim("< 29.5.1", "25.0.17 29.5.1")))
    said = {
        v: s.exact for v in ("25.0.16", "25.0.17", "26.1.4", "29.5.0", "29.5.1", "30.0.0") if (s := found.says(key(v)))
    }
    assert said == {"25.0.16": True, "25.0.17": True, "26.1.4": False, "29.5.0": True, "29.5.1": True, "30.0.0": False}


def test_fixes_alone_are_guesses_and_those_of_many_pages_add_up() -> None:
    found = only(
        read(claim("", "25.0.6"), source="notes", precedence=8),
        read(claim("", "26.1.5"), source="notes", precedence=8, summary="another page"),
        read(claim("", "27.1.1"), source="feed", precedence=8),
    )
    assert [found.fixes[f] for f in sorted(found.fixes)] == ["25.0.6", "26.1.5", "27.1.1"]
    guessed = {
        v: (s.status.value, s.guess) for v in ("24.0.9", "25.0.6", "26.0.0", "28.0.0") if (s := found.says(key(v)))
    }
    assert guessed == {
        "24.0.9": ("affected", True),
        "25.0.6": ("not_affected", False),
        "26.0.0": ("affected", True),
        "28.0.0": ("not_affected", True),
    }


def test_what_a_reading_says_fits_one_line() -> None:
    assert only(read(claim("< 1.2.3", "1.2.3", unaffected=">= 2.0"))).ranges() == "< 1.2.3; not >= 2.0; fixed in 1.2.3"
    assert only(read(claim())).ranges() == "no range"


def test_each_rank_of_a_record_is_a_reading_of_its_own() -> None:
    entry = read(
        claim("< 29.5.1"),
        claim("< 28.0.0", rank=Rank.TRANSLATED),
        claim("< 1.2", product="runc"),
        packaged("20.10.24+dfsg1-1+deb12u1"),
        words("", "25.0.17"),
    )
    found = readings(advisory(entry), "engine", Releases())
    assert [(r.rank, r.ranges()) for r in found] == [
        (Rank.VENDOR, "< 29.5.1; fixed in 25.0.17, 29.5.1"),
        (Rank.TRANSLATED, "< 28.0.0; fixed in 28.0.0"),
    ]
    assert [r.ranges() for r in readings(advisory(entry), "runc", Releases())] == ["< 1.2; fixed in 1.2.0"]
    assert readings(advisory(entry), "cli", Releases()) == []


def test_what_was_withdrawn_says_nothing() -> None:
    gone, stays = read(claim("< 1.2"), withdrawn=NOW), read(claim("< 1.1"), source="other")
    assert [r.ranges() for r in readings(advisory(gone, stays), "engine", Releases())] == ["< 1.1; fixed in 1.1.0"]


def test_a_claim_on_the_go_module_counts_where_tags_translate_it() -> None:
    entry = read(claim("< 2.0.0-beta.14", product=ENGINE_MODULE, rank=Rank.TRANSLATED))
    assert verdicts(case(entry), "29.5.0 29.5.1") == row("29.5.0=? 29.5.1=?")
    about = case(entry, releases=twinned())
    assert verdicts(about, "28.5.2 29.3.0 29.5.0 29.5.1 29.5.2") == row("28.5.2=? 29.3.0=A 29.5.0=A 29.5.1=n 29.5.2=n")


def test_corrections_can_be_switched_off() -> None:
    entry = read(claim("< 1.2"), claim("", "1.1.5", partial=True, rank=Rank.CORRECTION))
    assert verdicts(case(entry), "1.1.5") == row("1.1.5=n")
    assert verdicts(case(entry, corrections=False), "1.1.5") == row("1.1.5=A")


def test_ranges_are_sorted_and_each_counts_once() -> None:
    found = bounds([claim("< 2.0 || < 1.0"), claim("< 2.0")])
    assert [str(b.span) for b in found] == ["< 1.0", "< 2.0"]


EVERY = [f"{a}.{b}.{c}" for a in (1, 2) for b in (0, 1, 2) for c in range(4)]
ends = st.sampled_from(EVERY)
ranges = st.builds(Span, ends | st.just(""), ends | st.just(""), st.just(value=True), st.booleans())


@given(st.lists(ranges, max_size=3), st.lists(ends, max_size=3), st.booleans())
@settings(deadline=None, max_examples=examples(300))
def test_a_named_fix_and_what_follows_on_its_branch_is_never_affected(
    affected: list[Span], fixed: list[str], partial: bool
) -> None:
    said = VersionStatement(product="engine", affected=tuple(affected), fixed=tuple(fixed), partial=partial)
    about = case(read(said))
    for version in EVERY:
        if any(f.rsplit(".", 1)[0] == version.rsplit(".", 1)[0] and key(f) <= key(version) for f in fixed):
            assert about.decide(version).status is Status.NOT_AFFECTED


@given(ranges)
@settings(deadline=None, max_examples=examples(200))
def test_a_single_range_is_read_literally(span: Span) -> None:
    about = case(read(VersionStatement(product="engine", affected=(span,))))
    low, high = span.keys()
    for version in EVERY if low < high else ():
        status = about.decide(version).status
        if version in span:
            assert status is Status.AFFECTED
        elif key(version) < low or not span.closed_high or span.low == span.high:
            assert status is Status.NOT_AFFECTED
        else:
            assert status is Status.UNKNOWN
