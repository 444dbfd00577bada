"""What is declared, installed and running, and what of it counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.components import Component, Observed
from notifier.domain.observations import Effective, Observation, decode, effective, encode

RUNS = Component("engine", "28.3.3")
PACKAGE = Component("engine", "28.3.3", "docker-ce 5:28.3.3-1~debian.12~bookworm", "debian-12")
NEWER = Component("engine", "28.5.2", "docker-ce 5:28.5.2-1~debian.12~bookworm", "debian-12")
RUNC = Component("runc", "1.2.5")
COMPOSE = Component("compose", "2.40.0", "docker-compose-plugin 2.40.0-1~debian.12~bookworm", "debian-12")
DEBIAN = Component("engine", "20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u1", "debian-12")
REVISED = Component("engine", "20.10.24+dfsg1", "docker.io 20.10.24+dfsg1-1+deb12u2", "debian-12")


def counted(**views: tuple[Component, ...]) -> Effective:
    return effective({Observed(name): components for name, components in views.items()})


def test_one_view_alone_counts_as_it_is() -> None:
    for name in Observed:
        assert effective({name: (NEWER, RUNC)}) == Effective(frozenset({NEWER, RUNC}))


def test_the_package_stands_for_the_release_that_runs_because_it_tells_more() -> None:
    assert counted(running=(RUNS, RUNC), installed=(PACKAGE, COMPOSE)) == Effective(frozenset({PACKAGE, RUNC, COMPOSE}))


def test_where_a_daemon_was_not_restarted_what_runs_counts() -> None:
    found = counted(running=(RUNS, RUNC), installed=(NEWER, COMPOSE))
    assert found == Effective(frozenset({RUNS, RUNC, COMPOSE}), frozenset({(RUNS, NEWER)}))


def test_a_daemon_of_which_no_package_tells_counts_alone() -> None:
    assert counted(running=(RUNS,), installed=(COMPOSE,)) == Effective(frozenset({RUNS, COMPOSE}))


def test_two_revisions_of_one_package_are_two_builds() -> None:
    assert counted(running=(DEBIAN,), installed=(REVISED,)) == Effective(
        frozenset({DEBIAN}), frozenset({(DEBIAN, REVISED)})
    )
    assert counted(running=(DEBIAN,), installed=(DEBIAN,)) == Effective(frozenset({DEBIAN}))


def test_an_engine_that_shows_no_revision_is_the_installed_one() -> None:
    bare = Component("engine", "20.10.24+dfsg1")
    assert counted(running=(bare,), installed=(REVISED,)) == Effective(frozenset({REVISED}))


def test_another_product_of_a_daemon_is_added_to_what_is_declared() -> None:
    assert counted(running=(RUNS,), declared=(COMPOSE,)) == Effective(frozenset({RUNS, COMPOSE}))


numbers = st.frozensets(st.integers(1, 999), max_size=6)
seen = st.dictionaries(st.sampled_from(list(Observed)), st.builds(Observation, st.integers(1, 10**6), numbers))


@given(seen)
def test_views_come_back_from_their_text(views: dict[Observed, Observation]) -> None:
    assert decode(encode(views)) == views


@pytest.mark.parametrize("view", list(Observed))
def test_a_view_may_hold_nothing(view: Observed) -> None:
    assert decode(encode({view: Observation(3, frozenset())})) == {view: Observation(3, frozenset())}
