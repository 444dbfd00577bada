from __future__ import annotations

from datetime import timedelta

import pytest

from notifier.outbox import LIMIT, State, after_failure
from tests.samples import START

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
def test_the_pause_triples_up_to_eight_hours(attempts: int, pause: timedelta) -> None:
    following = after_failure(attempts, START, "no answer")
    assert following.state is State.PENDING
    assert following.due_at == START + pause
    assert following.reason == "no answer"


def test_the_tries_span_more_than_two_days() -> None:
    at = START
    for attempts in range(1, LIMIT):
        at = after_failure(attempts, at, "no answer").due_at
    assert timedelta(days=2) < at - START < timedelta(days=4)


def test_after_the_last_try_it_is_given_up_and_says_so() -> None:
    following = after_failure(LIMIT, START, "no answer")
    assert following.state is State.FAILED
    assert following.reason == f"no answer (given up after {LIMIT} tries)"


def test_what_cannot_succeed_is_not_tried_again() -> None:
    following = after_failure(1, START, "550 no such user", permanent=True)
    assert following.state is State.FAILED
    assert "550 no such user" in following.reason
    assert "not tried again" in following.reason


@pytest.mark.parametrize("wait", [timedelta(seconds=5), timedelta(hours=30)])
def test_a_receiver_that_says_when_is_tried_then(wait: timedelta) -> None:
    assert after_failure(3, START, "429", retry_at=START + wait).due_at == START + wait


def test_a_moment_that_has_passed_means_now() -> None:
    assert after_failure(3, START, "429", retry_at=START - MINUTE).due_at == START
