from __future__ import annotations

from typing import Any

import pytest

from feeds.advisories.records import Kind, Severity
from notifier.domain.filters import Filters, Scope, merged
from tests.support.samples import advisory


@pytest.mark.parametrize(
    ("filters", "about", "wanted"),
    [
        ({}, {}, True),
        ({}, {"severity": None}, True),
        ({"severity": Severity.HIGH}, {"severity": Severity.CRITICAL}, True),
        ({"severity": Severity.HIGH}, {"severity": Severity.HIGH}, True),
        ({"severity": Severity.HIGH}, {"severity": Severity.MEDIUM}, False),
        ({"severity": Severity.CRITICAL}, {"severity": None}, True),
        ({"severity": Severity.CRITICAL, "scored_only": True}, {"severity": None}, False),
        ({"severity": Severity.CRITICAL}, {"kind": Kind.BENCHMARK, "severity": None}, True),
        ({"severity": Severity.CRITICAL}, {"kind": Kind.ANNOUNCEMENT, "severity": Severity.LOW}, True),
        ({"kinds": (Kind.BENCHMARK,)}, {}, False),
        ({"kinds": (Kind.BENCHMARK, Kind.VULNERABILITY)}, {}, True),
        ({"keywords": ("runc",)}, {"title": "A leak in RunC"}, True),
        ({"keywords": ("runc",)}, {"summary": "It concerns runc, too"}, True),
        ({"keywords": ("nothing", "flaw")}, {"title": "A Flaw"}, True),
        ({"keywords": ("nothing",)}, {"title": "A Flaw"}, False),
        ({"keywords": ("cve-2026-41567",)}, {"name": "CVE-2026-41567"}, True),
        ({"keywords": ("ghsa-",)}, {"aliases": ("GHSA-v23v-6jw2-98fq",)}, True),
        ({"scope": Scope(products=("runc",))}, {"products": ("runc", "engine")}, True),
        ({"scope": Scope(products=("runc",))}, {"products": ("engine",)}, False),
        ({"scope": Scope(products=("runc",))}, {"products": (), "kind": Kind.PUBLICATION}, True),
    ],
)
def test_filters_choose_news_by_what_it_is(filters: dict[str, Any], about: dict[str, Any], wanted: bool) -> None:
    assert Filters(**filters).wants(advisory(1, **about)) is wanted


def test_scopes_that_differ_in_their_hosts_alone_become_one() -> None:
    lab = {"env": "lab"}
    told = [Scope(hosts=("a", "b-*")), Scope(lab, ("a",)), Scope(hosts=("c", "a")), Scope(lab, ("d",), ("runc",))]
    assert merged(told) == [Scope(hosts=("a", "b-*", "c")), Scope(lab, ("a",)), Scope(lab, ("d",), ("runc",))]
    assert merged([Scope(hosts=("a",)), Scope(), Scope(hosts=("b",))]) == [Scope()]  # one of them has all hosts
