"""A short fuzz of every reader of strangers' words, and the inputs that once broke one; `make fuzz` goes on."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings

from feeds.crawl.timer import TooLong, within
from tests.unit.fuzz.mutate import inputs
from tests.unit.fuzz.targets import CORPUS, Target, kept, targets


@pytest.mark.parametrize("name", targets())
def test_no_input_breaks_or_holds_up_a_reader(name: str) -> None:
    target = targets()[name]
    for body in (*target.seeds, *kept(name)):
        target(body)

    @settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def read(body: bytes) -> None:
        target(body)

    read()


def test_every_input_of_the_corpus_belongs_to_a_target() -> None:
    assert {p.name for p in CORPUS.iterdir()} <= targets().keys()


def test_what_a_reader_may_not_raise_and_what_does_not_end_are_noticed() -> None:
    with pytest.raises(ZeroDivisionError):
        Target("x", lambda body: 1 // len(body), (), (ValueError,))(b"")
    with pytest.raises(TooLong), within(0.05):
        any(n < 0 for n in itertools.count())
