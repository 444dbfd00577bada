"""What answers say of a tag over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feeds.images.image_tags import TagState, TagStatus, answered, newer
from feeds.images.references import reference

AT = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
A, B = (f"sha256:{letter * 64}" for letter in "ab")


def after(*answers: tuple[int, str, float]) -> TagState:
    """The state after answers of (status, digest, day)."""
    state: TagState | None = None
    name = reference("r.example/app:1")
    assert name is not None
    for status, digest, day in answers:
        state = answered(state, name, status, digest, AT + day * DAY)
    assert state is not None
    return state


def test_a_move_keeps_what_the_tag_named_before() -> None:
    found = after((200, A, 0), (200, A, 1), (200, B, 2))
    assert (found.digest, found.since) == (B, AT + 2 * DAY)
    assert [(p.digest, p.since, p.until) for p in found.past] == [(A, AT, AT + 2 * DAY)]


def test_the_first_answer_is_no_move() -> None:
    assert after((500, "", 0), (200, A, 1)).past == ()


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([(404, "", 0)], TagStatus.LOCAL),
        ([(404, "", 0), (404, "", 9)], TagStatus.LOCAL),
        ([(200, A, 0), (404, "", 1)], TagStatus.MISSING),
        ([(200, A, 0), (404, "", 1), (404, "", 1.5)], TagStatus.MISSING),
        ([(200, A, 0), (404, "", 1), (404, "", 2)], TagStatus.GONE),
        ([(200, A, 0), (404, "", 1), (200, A, 2), (404, "", 3)], TagStatus.MISSING),
        ([(200, A, 0), (404, "", 1), (404, "", 2), (429, "", 3)], TagStatus.GONE),
        ([(404, "", 0), (403, "", 1)], TagStatus.LOCAL),
        ([(200, A, 0), (401, "", 1)], TagStatus.DENIED),
        ([(200, A, 0), (0, "", 1)], TagStatus.UNREACHABLE),
        ([(200, "", 0)], TagStatus.UNREACHABLE),
    ],
)
def test_only_a_tag_that_was_there_can_be_gone(answers: list[tuple[int, str, float]], status: TagStatus) -> None:
    found = after(*answers)
    assert found.status is status
    assert found.digest == (A if any(d for _, d, _ in answers) else "")


def test_the_newest_of_a_line_is_by_numbers() -> None:
    assert (
        newer("1.27.3-alpine", ["1.27.10-alpine", "1.27.9-alpine", "1.28.0-alpine", "1.27.11-alpine-slim"])
        == "1.27.10-alpine"
    )
    assert newer("v1.2.3", ["v1.2.4", "1.2.5"]) == "v1.2.4"
    assert newer("bookworm", ["trixie"]) == newer("1.2", ["1.3"]) == ""
    assert newer("1.2.3", ["1.2." + "9" * 100, "x" * 500]) == ""
