"""What doctor says of a registry by the states of its tags."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feeds.images.image_tags import TagState, answered
from notifier.services.upkeep.image_checks import of_registry
from tests.support.images import DAY, START, digest, named

NOW = START + 10 * DAY
HOUR = timedelta(hours=1)


def state(*answers: tuple[int, timedelta], tag: str = "1") -> TagState:
    """A tag after some answers, each a status and how long ago it came."""
    found: TagState | None = None
    for status, ago in answers:
        found = answered(found, named(f"r.example/app:{tag}"), status, digest("m") if status == 200 else "", NOW - ago)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("states", "levels", "words"),
    [
        ([state((200, HOUR)), state((404, HOUR))], ["ok"], "answered for 2 of 9 tags"),
        ([state((200, 2 * DAY)), state((200, HOUR))], ["note"], "older than a day for 1 of 9 tags, the oldest of 2026"),
        ([state((404, 2 * DAY))], ["note"], "older than a day for 1"),
        ([state((200, 2 * DAY), (429, HOUR))], ["problem", "note"], "limited 1 of 9"),
        ([state((200, HOUR), (403, timedelta()))], ["problem"], "refused 1 of 9"),
        ([state((401, HOUR))], ["problem", "note"], "refused 1 of 9"),
        ([state((0, HOUR)), state((503, HOUR))], ["problem", "note"], "did not answer for 2 of 9"),
        ([], ["note"], "no tag of the registry r.example has been queried yet"),
    ],
)
def test_a_registry_is_judged_by_the_last_answers(states: list[TagState], levels: list[str], words: str) -> None:
    found = list(of_registry("r.example", 9, states, NOW))
    assert [one.level.value for one in found] == levels
    assert words in found[0].what
    assert all(one.remedy for one in found if one.level.value != "ok")
