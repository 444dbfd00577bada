"""What is remembered of hosts while one state of the database is read: the same answers, within bounds."""

from __future__ import annotations

import pytest

from feeds.storage.database import Connection, Database
from notifier.domain.filters import Scope
from notifier.services.remembering import RememberedFleet
from notifier.storage import inventory
from tests.support.samples import START, install

QUESTIONS: tuple[tuple[Scope, dict[str, object]], ...] = (
    (Scope(), {}),
    (Scope(tags={"env": "prod", "team": "web"}), {}),
    (Scope(hosts=("lab-*",)), {}),
    (Scope(products=("engine",)), {}),
    (Scope(), {"since": START}),
    (Scope(), {"within": Scope(hosts=("lab-1",))}),
    (Scope(), {"without": [Scope(hosts=("lab-1",))]}),
    (Scope(), {"without": [Scope(hosts=("lab-2",))]}),
    (Scope(), {"only": {1}}),
)


@pytest.mark.parametrize("limit", [0, 3, 10_000])
def test_an_answer_is_the_stores_own_whatever_was_asked_before(database: Database, limit: int) -> None:
    install(database, lab_1="25.0.5", lab_2="25.0.6", web_1="25.0.5")
    fleet = RememberedFleet(limit)
    with database.connect() as connection:
        for _ in range(2):
            for scope, named in QUESTIONS:
                expected = inventory.populations(connection, scope, **named)  # type: ignore[arg-type]
                assert fleet.populations(connection, scope, **named) == expected
                assert fleet.count(connection, scope) == inventory.count(connection, scope)
                touched = {number for number in expected if number > 1}
                assert fleet.untouched(connection, scope, touched) == inventory.untouched(connection, scope, touched)


def test_an_equal_question_is_asked_once_and_the_oldest_is_forgotten() -> None:
    asked: list[str] = []

    def lengths(connection: Connection, scope: Scope) -> tuple[str, ...]:
        asked.append(",".join(scope.hosts))
        return scope.hosts

    fleet, nowhere = RememberedFleet(limit=6), None
    ask = fleet.remembering(lengths)
    for hosts in ("ab", "ab", "cd", "ab", "ef", "ab", "cd"):
        assert ask(nowhere, Scope(hosts=tuple(hosts))) == tuple(hosts)  # type: ignore[arg-type]
    assert asked == ["a,b", "c,d", "e,f", "c,d"], "two answers of three values fit; what was asked last stays"


def test_an_order_of_tags_makes_no_other_scope() -> None:
    asked: list[Scope] = []

    def note(connection: Connection, scope: Scope) -> int:
        asked.append(scope)
        return len(asked)

    ask = RememberedFleet().remembering(note)
    assert ask(None, Scope(tags={"a": "1", "b": "2"})) == ask(None, Scope(tags={"b": "2", "a": "1"}))  # type: ignore[arg-type]
    assert ask(None, Scope(tags={"a": "1"})) == 2  # type: ignore[arg-type]
