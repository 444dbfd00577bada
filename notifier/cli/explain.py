"""`navtex explain`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from feeds.core.errors import UnknownName, VersionError
from notifier.cli.app import format_option, line, now, opened, settings, severity, stamp, wrapped, write_json

if TYPE_CHECKING:
    from feeds.advisories.records import Advisory
    from feeds.storage.database import Connection
    from feeds.verdicts.evidence import EvidenceEntry, Verdict
    from notifier.assessment.matcher import Matcher
    from notifier.domain.components import Component


UPSTREAM = "upstream"
"""The weight of upstream's word on a distribution's build: it is shown, and decides nothing by itself."""


@click.command("explain")
@click.argument("subject", metavar="HOST|PRODUCT@VERSION")
@click.argument("name", metavar="ADVISORY")
@format_option
def command(subject: str, name: str, form: str) -> None:
    """Show the evidence behind a verdict: each claim, its rank, what it says of this version, and which one decides.

    \b
    navtex explain web-1 CVE-2024-41110
    navtex explain engine@25.0.5 CVE-2024-41110
    """
    from feeds import storage
    from notifier.assessment.matcher import Matcher

    with opened(settings()) as database, database.connect() as connection:
        catalogue = storage.catalogue(connection)
        advisory = catalogue.find(name)
        matcher = Matcher(catalogue, now().date())
        host, components = _components(connection, subject)
    cases = [c for c in components if matcher.case(advisory, c.product)]
    if form == "json":
        write_json(
            {
                "advisory": advisory.name,
                "aliases": advisory.aliases,
                "title": advisory.title,
                "severity": advisory.severity,
                "cvss": advisory.cvss,
                "withdrawn": stamp(advisory.withdrawn),
                "url": advisory.url,
                "doubts": [{"name": d.name, "source": d.source, "url": d.url} for d in advisory.doubts],
                "host": host,
                "verdicts": [_row(matcher, advisory, c) for c in cases],
            }
        )
        return
    _show(matcher, advisory, host, cases, components)


def _components(connection: Connection, subject: str) -> tuple[str | None, list[Component]]:
    from feeds.advisories.records import PRODUCTS
    from notifier.domain.components import component
    from notifier.domain.filters import Scope
    from notifier.storage import inventory

    product, at, version = subject.partition("@")
    if at and product in PRODUCTS:
        try:
            return None, [component(product, version)]
        except VersionError as error:
            raise click.BadParameter(str(error), param_hint="PRODUCT@VERSION") from error
    found = next((h for h in inventory.hosts(connection, Scope(hosts=(subject,))) if h.name == subject), None)
    if found is None:
        raise UnknownName(
            f"no host is called {subject!r}", remedy="See `navtex inventory list`, or write PRODUCT@VERSION"
        )
    return found.name, list(found.components)


def _verdict(matcher: Matcher, advisory: Advisory, component: Component) -> tuple[Verdict, list[EvidenceEntry]]:
    case = matcher.case(advisory, component.product)
    assert case is not None
    upstream = case.testimony(component.version)
    if not component.rebuilt:
        return case.decide(component.version), upstream
    package = matcher.package_case(advisory, component)
    own = package.testimony(component.package_version) if package else []
    # upstream's ranges do not apply to somebody else's build: they are shown, and decide nothing
    return matcher.judge(case, component), [*own, *(replace(t, weight=UPSTREAM) for t in upstream)]


def _row(matcher: Matcher, advisory: Advisory, component: Component) -> dict[str, Any]:
    verdict, testimony = _verdict(matcher, advisory, component)
    return {
        "product": component.product,
        "version": component.version,
        "package": component.package or None,
        "verdict": verdict.status,
        "reason": verdict.reason,
        "fixed_in": verdict.fixed_in,
        "upgrade_to": verdict.upgrade_to,
        "evidence": [
            {
                "source": t.source,
                "rank": t.rank.name.lower(),
                "weight": t.weight,
                "says": t.ranges,
                "verdict": t.status,
                "reason": t.reason,
                "words": t.words,
                "never_released": t.unreleased,
                "read_at": stamp(t.read_at),
                "url": t.url,
            }
            for t in testimony
        ],
    }


def _show(
    matcher: Matcher, advisory: Advisory, host: str | None, cases: list[Component], components: list[Component]
) -> None:
    click.echo(line(f"{advisory.name}  {severity(advisory.severity, advisory.cvss)}"))
    wrapped(advisory.title, 0)
    if advisory.withdrawn:
        wrapped(f"Withdrawn on {stamp(advisory.withdrawn)}: it affects nothing any more.", 0)
    for doubt in advisory.doubts:
        wrapped(
            f"{doubt.source} treats {doubt.name} as the same vulnerability ({doubt.url}). Both have a CVE record of "
            "their own, so they are kept apart.",
            0,
        )
    if not cases:
        held = ", ".join(f"{c.product} {c.version}" for c in components)
        wrapped(f"Nothing is claimed about {held}.", 0)
    for component in cases:
        verdict, testimony = _verdict(matcher, advisory, component)
        runs = component.package or f"{component.product} {component.version}"
        click.echo("\n" + line(f"{host + ' runs ' if host else ''}{runs}"))
        wrapped(f"{verdict.status.value.replace('_', ' ').upper()}: {verdict.reason}", 2)
        if verdict.upgrade_to:
            wrapped(f"Upgrade to {verdict.upgrade_to}. Fixed in {', '.join(verdict.fixed_in)}.", 2)
        click.echo("\n  The evidence, strongest first:")
        for number, one in enumerate(testimony, 1):
            _testimony(number, one, component)


def _testimony(number: int, one: EvidenceEntry, component: Component) -> None:
    click.echo("\n" + line(f"  {number}. {one.source}  [{one.rank.name.lower()}]  {one.weight}"))
    wrapped(f"says: {one.ranges}", 5)
    said = one.status.value.replace("_", " ") if one.status else "nothing"
    wrapped(f"of {component.version}: {said}" + (f", {one.reason}" if one.status else ""), 5)
    if one.unreleased:
        wrapped(f"names {', '.join(one.unreleased)}, which was never released and does not count", 5)
    for words in one.words:
        # a correction's words hold quotations of their own
        wrapped(words[:600] if "“" in words else f"“{words[:400]}”", 5)
    click.echo(line(f"     {one.url}  (read {(stamp(one.read_at) or '')[:10]})"))
