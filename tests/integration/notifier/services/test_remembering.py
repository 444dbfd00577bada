"""What is remembered of hosts while one state of the database is read: the same answers, within bounds."""

from __future__ import annotations

from datetime import datetime

import pytest

from feeds import storage
from feeds.storage.database import Connection, Database
from notifier.domain.filters import Scope
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.caching import RememberedFleet, RememberedMatcher
from notifier.storage import inventory, verdicts
from tests.support.samples import DAY, NOW, START, install, publish, record

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


def test_what_is_matched_again_has_the_matcher_that_matched_it(database: Database) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    matchers, found = RememberedMatcher(), []

    def assess(at: datetime) -> list[str]:
        with database.begin() as connection:
            verdicts.refresh(connection, storage.catalogue(connection), at.date())
        with database.connect() as connection:
            one = Assessment.load(connection, at, matchers=matchers)
        found.append(one.matcher)
        return [m.advisory.name for number in one.components for m in one.matches(number)]

    assert assess(NOW) == assess(NOW) == ["CVE-2026-1"]
    install(database, NOW, lab_2="25.0.5")
    assert assess(NOW) == ["CVE-2026-1"]
    assert found[0] is found[1] is found[2], "another host of the same component changes nothing"
    publish(database, record("CVE-2026-2", below="25.0.7"), at=NOW)
    assert assess(NOW) == ["CVE-2026-1", "CVE-2026-2"]
    install(database, NOW, lab_2="25.0.6")
    assert assess(NOW) == ["CVE-2026-1", "CVE-2026-2", "CVE-2026-2"]
    assert assess(NOW + DAY) == ["CVE-2026-1", "CVE-2026-2", "CVE-2026-2"]
    assert len({id(one) for one in found}) == 4
