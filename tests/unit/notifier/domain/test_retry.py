from __future__ import annotations

from datetime import timedelta

import pytest

from feeds.core.times import asked_for
from notifier.domain.retry import LEASE, LIMIT, PATIENCE, DeliveryState, abandoned, after_failure
from tests.support.samples import START

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempts", "pause"),
    [
        (1, MINUTE),
        (2, 3 * MINUTE),
        (3, 9 * MINUTE),
        (4, 27 * MINUTE),
        (7, timedelta(hours=8)),
        (11, timedelta(hours=8)),
    ],
)
def test_the_pause_triples_up_to_eight_hours_and_is_up_to_a_quarter_longer(attempts: int, pause: timedelta) -> None:
    following = [after_failure(attempts, START, "no answer", key=str(n)) for n in range(200)]
    assert {f.state for f in following} == {DeliveryState.PENDING}
    assert {f.reason for f in following} == {"no answer"}
    pauses = sorted(f.due_at - START for f in following)
    assert pause <= pauses[0] < pause * 1.03
    assert pause * 1.22 < pauses[-1] < pause * 1.25


def test_the_same_delivery_is_tried_at_the_same_moment_whoever_reckons() -> None:
    assert len({after_failure(2, START, "no answer", key="a digest to a target") for _ in range(3)}) == 1


def test_the_tries_span_more_than_two_days() -> None:
    at = START
    for attempts in range(1, LIMIT):
        at = after_failure(attempts, at, "no answer").due_at
    assert timedelta(days=2) < at - START < timedelta(days=4)


def test_after_the_last_try_it_is_given_up_and_says_so() -> None:
    following = after_failure(LIMIT, START, "no answer")
    assert following.state is DeliveryState.FAILED
    assert following.reason == f"no answer (given up after {LIMIT} tries)"


def test_what_cannot_succeed_is_not_tried_again() -> None:
    following = after_failure(1, START, "550 no such user", permanent=True)
    assert following.state is DeliveryState.FAILED
    assert "550 no such user" in following.reason
    assert "not tried again" in following.reason


@pytest.mark.parametrize("wait", [timedelta(seconds=5), timedelta(hours=30)])
def test_a_receiver_that_says_when_is_tried_then(wait: timedelta) -> None:
    assert after_failure(3, START, "429", retry_at=START + wait).due_at == START + wait


def test_a_moment_that_has_passed_means_now() -> None:
    assert after_failure(3, START, "429", retry_at=START - MINUTE).due_at == START


def test_a_receiver_that_asks_for_years_is_asked_again_after_two_days() -> None:
    assert after_failure(3, START, "429", retry_at=START + timedelta(days=900)).due_at == START + timedelta(days=2)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta()),
        ("1.5", timedelta(seconds=1.5)),
        ("Wed, 15 Apr 2026 13:00:00 GMT", timedelta(hours=1)),
        ("Wednesday, 15-Apr-26 13:00:00 GMT", timedelta(hours=1)),
        ("9" * 400, timedelta(days=2)),
    ],
)
def test_a_pause_is_asked_for_in_seconds_or_as_a_date(said: str, wait: timedelta) -> None:
    assert asked_for(said, START, PATIENCE) == START + wait


@pytest.mark.parametrize("said", ["", "soon", "-5", "1e3", "\u0661", "Wed, 99 Apr 2026 13:00:00 GMT", "0x10", "."])
def test_what_is_no_pause_is_none(said: str) -> None:
    assert asked_for(said, START, PATIENCE) is None


def test_a_claim_counts_until_its_process_ended_or_was_silent_for_too_long() -> None:
    assert not abandoned(START, START + LEASE - MINUTE, ended=False)
    assert abandoned(START, START + LEASE, ended=False)
    assert abandoned(START, START, ended=True)
