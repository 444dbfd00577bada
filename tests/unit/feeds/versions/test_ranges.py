from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from feeds.versions.ranges import Span, exactly, intersection, read_range, remainder, whole_branch
from feeds.versions.upstream import is_version
from tests.support.depth import examples

EVERY = [f"{a}.{b}.{c}{rc}" for a in (1, 2) for b in (0, 1) for c in (0, 1, 2) for rc in ("-rc1", "")] + [
    "2.2.0",
    "3.0.0",
]
ends = st.sampled_from(EVERY)
spans = st.builds(Span, ends | st.just(""), ends | st.just(""), st.booleans(), st.booleans())


def held(*given_spans: Span | None) -> set[str]:
    return {v for v in EVERY for s in given_spans if s and v in s}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("< 29.5.1", "< 29.5.1"),
        (" < v24.0.9", "< v24.0.9"),
        ("<=25.0.12", "<= 25.0.12"),
        ("> 1.0", "> 1.0"),
        ("= 2.1.0", "= 2.1.0"),
        ("== 2.1.0", "= 2.1.0"),
        ("2.1.0", "= 2.1.0"),
        ("v2.1.0", "= v2.1.0"),
        ("docker-v29.5.1", "= docker-v29.5.1"),
        ("1.0-rc6", "= 1.0-rc6"),
        (">=v1.0.0-rc93, < 1.1.12", ">= v1.0.0-rc93, < 1.1.12"),
        (">=1.0 <2.0", ">= 1.0, < 2.0"),
        (">= 1.0 and < 1.2", ">= 1.0, < 1.2"),
        (">= 1.0 & <= 1.2", ">= 1.0, <= 1.2"),
        ("< 1.2, >= 1.0", ">= 1.0, < 1.2"),
        ("≥ 1.0, ≤ 1.2", ">= 1.0, <= 1.2"),
        ("=> 1.0, =< 1.2", ">= 1.0, <= 1.2"),
        (">= 0, < 1.2", "< 1.2"),
        ("< 29.5.1,", "< 29.5.1"),
        ("< 1.7.29, < 2.0.7", "< 1.7.29 | < 2.0.7"),
        ("< 1.7.29, >= 2.0.0, < 2.0.7", "< 1.7.29 | >= 2.0.0, < 2.0.7"),
        (">= 1.0 || < 0.9", ">= 1.0 | < 0.9"),
        (">= 1.0, < 1.1; >= 1.2, < 1.3", ">= 1.0, < 1.1 | >= 1.2, < 1.3"),
        (">= 1.0, <= 1.2, >= 1.4, < 1.6", ">= 1.0, <= 1.2 | >= 1.4, < 1.6"),
        ("<= 1.0, >= 1.4", "<= 1.0 | >= 1.4"),
        ("= 1.0, = 1.2", "= 1.0 | = 1.2"),
        ("4.1.x", ">= 4.1, < 4.2"),
        ("v4.1.*", ">= 4.1, < 4.2"),
        ("1.X", ">= 1, < 2"),
        ("<= 4.1.x", "< 4.2"),
        ("< 4.1.x", "< 4.1"),
        (">= 4.1.x, < 4.3.x", ">= 4.1, < 4.3"),
        ("> 4.1.x", ">= 4.2"),
        ("= 4.1.x", ">= 4.1, < 4.2"),
        ("before 1.2", "< 1.2"),
        ("Versions prior to v1.2", "< v1.2"),
        ("all versions before 1.2", "< 1.2"),
        ("earlier than 1.2", "< 1.2"),
        ("through 1.2", "<= 1.2"),
        ("up to and including 1.2", "<= 1.2"),
        ("1.0 and earlier", "<= 1.0"),
        ("1.0 or below", "<= 1.0"),
        ("1.0 and prior versions", "<= 1.0"),
        ("1.2 and later releases", ">= 1.2"),
        ("1.0 to 1.4", ">= 1.0, <= 1.4"),
        ("from 1.0 to before 1.4", ">= 1.0, < 1.4"),
        ("0 through 1.4", "<= 1.4"),
        ("1.0 - 1.4", ">= 1.0, <= 1.4"),
        ("1.0 – 1.4", ">= 1.0, <= 1.4"),
        ("1.11.0-1.12.5", ">= 1.11.0, <= 1.12.5"),
        ("*", "all versions"),
        ("All Versions", "all versions"),
        (">= 0", "all versions"),
        ("= *", "all versions"),
    ],
)
def test_ranges_are_read_as_they_are_written_in_the_field(text: str, expected: str) -> None:
    found = read_range(text)
    assert found is not None
    assert " | ".join(map(str, found.spans)) == expected
    assert found.subject == ""


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("Docker Engine < 29.5.1", "Docker Engine", "< 29.5.1"),
        ("github.com/docker/docker/daemon <= 28.5.2", "github.com/docker/docker/daemon", "<= 28.5.2"),
        ("github.com/moby/moby/v2 < 2.0.0-beta.14", "github.com/moby/moby/v2", "< 2.0.0-beta.14"),
        ("runc: >= 1.1, < 1.2", "runc", ">= 1.1, < 1.2"),
    ],
)
def test_a_range_may_name_its_product(text: str, subject: str, expected: str) -> None:
    found = read_range(text)
    assert found is not None
    assert (found.subject, str(found.spans[0])) == (subject, expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n/a",
        "N/A",
        "unspecified",
        "unknown",
        "none",
        "-",
        "<",
        ">= ",
        "< 1.2 (all)",
        "fixed in 1.2",
        "see the text",
        "!= 1.2",
        "~> 1.2",
        "^1.2",
        "> 2.0, < 1.0",
        "(1.0,2.0]",
        "< 1.0\x00",
        "< ١.٢",
        "< 1.2.3.4.5.6",
        "from 1.0",
        "9999999999.x",
    ],
)
def test_what_states_no_range_is_none(text: str) -> None:
    assert read_range(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "9" * 100_000,
        "1." * 50_000,
        "< " + "9" * 100_000,
        "9" * 50_000 + ".x",
        "1.0 to " * 10_000,
        "<" * 100_000,
        "< 1.0," * 10_000,
        "1" + "-a" * 50_000 + "!",
        "from " + "1." * 50_000,
        "< 1.0" + " " * 100_000 + "x",
    ],
    ids=lambda text: text[:10],
)
def test_a_hostile_range_is_refused_without_much_ado(text: str) -> None:
    assert read_range(text) is None


@given(st.text() | st.text(alphabet="<>=, 0123456789.xv*-rc|;&and", max_size=60))
@settings(deadline=None, max_examples=examples(1_000))
def test_what_is_read_of_any_text_can_be_compared(text: str) -> None:
    found = read_range(text)
    for span in found.spans if found else ():
        low, high = span.keys()
        assert low < high
        assert all(is_version(end) for end in (span.low, span.high) if end)
        assert str(span)


@given(spans)
@settings(deadline=None)
def test_a_span_is_read_back_as_it_is_written(span: Span) -> None:
    low, high = span.keys()
    assume(low < high)
    found = read_range(str(span))
    assert found is not None
    assert held(*found.spans) == held(span)


@given(spans, spans)
@settings(deadline=None, max_examples=examples(500))
def test_an_intersection_holds_what_both_hold(one: Span, other: Span) -> None:
    assert held(intersection(one, other)) == held(one) & held(other)
    assert held(intersection(other, one)) == held(one) & held(other)


@given(spans, st.lists(spans, max_size=4))
@settings(deadline=None, max_examples=examples(500))
def test_a_remainder_holds_what_no_span_holds(domain: Span, taken: list[Span]) -> None:
    left = remainder(domain, taken)
    assert held(*left) == held(domain) - held(*taken)
    assert [s.keys() for s in left] == sorted(s.keys() for s in left)


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (Span("1.0", "1.2"), "1.0 1.1.9 1.2-rc1", "0.9 1.0-rc1 1.2"),
        (Span("1.0", "1.2", closed_low=False, closed_high=True), "1.0.1 1.2", "1.0 1.2.1"),
        (Span("", "1.2"), "0.1 1.2-rc1", "1.2"),
        (Span("1.2", ""), "1.2 99.0", "1.1"),
        (Span(), "0.0.1 99.9", ""),
        (exactly("1.2"), "1.2 1.2.0 v1.2", "1.2.1 1.2-rc1"),
        (whole_branch("19.03"), "19.03.0-beta1 19.03.15 19.3.99", "19.02.9 19.04.0-rc1"),
        (whole_branch("29"), "29.0.0-rc.1 29.9.9", "28.9 30.0.0-rc.1"),
    ],
)
def test_a_span_holds_its_closed_ends_and_not_its_open_ones(span: Span, inside: str, outside: str) -> None:
    assert [v for v in inside.split() if v not in span] == []
    assert [v for v in outside.split() if v in span] == []
