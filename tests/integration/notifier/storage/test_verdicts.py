"""Kept verdicts: the same as those made anew, and made only for what is new."""

from __future__ import annotations

from datetime import date

from feeds import storage
from feeds.advisories.facts import ReleaseLine
from feeds.advisories.records import Kind, Rank, Record
from feeds.storage.database import Connection, Database
from notifier.assessment.matcher import Matcher
from notifier.domain.components import Component
from notifier.storage import verdicts
from tests.support.records import claim, packaged, read
from tests.support.samples import DAY, START, install, publish

TODAY = date(2026, 6, 20)
ENGINES = {"web_1": "25.0.5", "web_2": "29.5.1", "old_1": "17.03.2-ce"}
AUTHZ = read(claim("< 25.0.6 || >= 26.0.0, < 26.1.5", "25.0.6 26.1.5"), name="CVE-2024-41110").record
SILENT = read(claim("<= 17.03.2"), name="CVE-2017-16539").record
RUNC = read(claim("< 1.2.8", product="runc"), name="CVE-2025-31133").record


def refresh(database: Database) -> int:
    with database.begin() as connection:
        return verdicts.refresh(connection, storage.catalogue(connection), TODAY)


def standing(database: Database, *more: Component) -> dict[tuple[str, str], tuple[object, ...]]:
    """What stands, by kept verdicts; it must be what stands without them."""
    with database.connect() as connection:
        catalogue = storage.catalogue(connection)
        components = [*_components(connection), *more]
        known = _all(Matcher(catalogue, TODAY, known=verdicts.load(connection)), components)
        assert known == _all(Matcher(catalogue, TODAY), components)
        return known


def _components(connection: Connection) -> list[Component]:
    return list(verdicts.load(connection).numbers)


def _all(matcher: Matcher, components: list[Component]) -> dict[tuple[str, str], tuple[object, ...]]:
    return {
        (c.version, m.advisory.name): (m.verdict.status, m.verdict.reason, m.verdict.fixed_in, m.verdict.upgrade_to)
        for c in components
        for m in matcher.standing(c)
    }


def test_what_is_kept_is_what_matching_anew_gives(database: Database) -> None:
    install(database, START, **ENGINES)
    publish(database, AUTHZ, SILENT, RUNC)
    before = standing(database)
    assert refresh(database) == 6  # two advisories about the engine, with three versions
    assert standing(database) == before
    assert {name for _, name in before} == {"CVE-2024-41110", "CVE-2017-16539"}
    assert refresh(database) == 0


def test_a_new_advisory_is_matched_alone(database: Database) -> None:
    install(database, START, **ENGINES)
    publish(database, AUTHZ)
    refresh(database)
    publish(database, AUTHZ, SILENT, at=START + DAY)
    assert refresh(database) == 3
    assert ("25.0.5", "CVE-2017-16539") in standing(database)


def test_a_changed_advisory_is_matched_anew(database: Database) -> None:
    install(database, START, **ENGINES)
    publish(database, AUTHZ, SILENT)
    refresh(database)
    wider = read(claim("< 29.5.2", "29.5.2"), name="CVE-2024-41110").record
    publish(database, wider, SILENT, at=START + DAY)
    assert ("29.5.1", "CVE-2024-41110") in standing(database)  # before it is kept, too
    assert refresh(database) == 3
    assert ("29.5.1", "CVE-2024-41110") in standing(database)


def test_a_new_component_is_matched_alone(database: Database) -> None:
    install(database, START, **ENGINES)
    publish(database, AUTHZ, SILENT)
    refresh(database)
    install(database, START + DAY, new_1="26.1.4")
    assert ("26.1.4", "CVE-2024-41110") in standing(database)
    with database.connect() as connection:
        assert verdicts.is_behind(connection)
    assert refresh(database) == 2
    with database.connect() as connection:
        assert not verdicts.is_behind(connection)
    assert ("26.1.4", "CVE-2024-41110") in standing(database, Component("engine", "26.1.3"))


def test_other_releases_may_change_every_verdict(database: Database) -> None:
    install(database, START, **ENGINES)
    publish(database, AUTHZ)
    refresh(database)
    publish(database, ReleaseLine(product="engine", name="25.0", url="https://example.org/eol"), source="lines")
    assert refresh(database) == 3


def test_what_is_withdrawn_stands_no_longer(database: Database) -> None:
    install(database, START, **ENGINES)
    publish(database, AUTHZ, SILENT, complete=True)
    refresh(database)
    publish(database, SILENT, at=START + DAY, complete=True)
    publish(database, SILENT, at=START + 2 * DAY, complete=True)
    assert "CVE-2024-41110" not in {name for _, name in standing(database)}
    refresh(database)
    assert "CVE-2024-41110" not in {name for _, name in standing(database)}


def test_announcements_are_judged_when_somebody_asks(database: Database) -> None:
    said = Record(
        id="docker-announcement/x", kind=Kind.ANNOUNCEMENT, title="X", url="https://example.org/x",
        claims=(claim("< 29.5.2", rank=Rank.PROSE),),
    )  # fmt: skip
    install(database, START, **ENGINES)
    publish(database, said)
    refresh(database)
    assert standing(database) == {}
    with database.connect() as connection:
        matcher = Matcher(storage.catalogue(connection), TODAY, known=verdicts.load(connection))
    assert [m.advisory.title for m in matcher.concerns(Component("engine", "25.0.5"))] == ["X"]


def test_a_distributions_record_decides_here_too(database: Database) -> None:
    debian = Component("engine", "20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u1", "debian-12")
    publish(database, AUTHZ)
    publish(database, read(packaged("20.10.24+dfsg1-1+deb12u1"), name="CVE-2024-41110").record, source="osv")
    install(database, START, **ENGINES)
    refresh(database)
    assert not [key for key in standing(database, debian) if key[0] == debian.version]
