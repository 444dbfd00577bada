"""`navtex check`."""

from __future__ import annotations

import click

from feeds.core.errors import VersionError
from notifier.cli.app import (
    LEVELS,
    NOTHING_KNOWN,
    PRODUCT,
    count_of,
    format_option,
    now,
    opened,
    say,
    settings,
    severity,
    stamp,
    table,
    write_json,
)
from notifier.cli.exposure import VERDICTS, verdict, wanted_verdicts


@click.command("check")
@click.argument("product", type=PRODUCT, metavar="PRODUCT")
@click.argument("version")
@click.option(
    "--package", default="", metavar="'NAME VERSION'", help="The package it came in, as the package manager tells it."
)
@click.option("--distro", default="", metavar="ID-VERSION", help="The distribution (os-release), such as debian-12.")
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=VERDICTS,
    help="List these verdicts (repeatable). Otherwise affected and conflicting.",
)
@click.option(
    "--fail-on", type=click.Choice([*LEVELS.choices, "any"]), help="Exit with 3 when something this severe affects it."
)
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    product: str,
    version: str,
    package: str,
    distro: str,
    verdicts: tuple[str, ...],
    fail_on: str | None,
    form: str,
) -> None:
    """Check one version of a product: `navtex check engine 25.0.5`."""
    from feeds import storage
    from feeds.advisories.records import Severity
    from notifier.assessment.findings import meets, row, worst_first
    from notifier.assessment.matcher import Matcher
    from notifier.cli.gate import judges
    from notifier.domain.components import component

    try:
        asked = component(product, version, package, distro)
    except VersionError as error:
        raise click.BadParameter(str(error), param_hint="VERSION") from error
    with opened(settings()) as database, database.connect() as connection:
        catalogue = storage.catalogue(connection)
    if fail_on:
        judges(catalogue)
    if not catalogue.advisories:
        say(NOTHING_KNOWN)
    if not asked.rebuilt and (newest := catalogue.releases.newest_below(asked.product, asked.version)):
        near = ", ".join(catalogue.releases.near(asked.product, asked.version))
        raise click.BadParameter(
            f"no release {asked.version} of {asked.product} is known; the newest is {newest}."
            + (f" Did you mean one of {near}?" if near else "")
            + " If it came out since, run `navtex poll`.",
            param_hint="VERSION",
        )
    matcher = Matcher(catalogue, now().date())
    everything = list(matcher.vulnerabilities(asked))
    shown = wanted_verdicts(verdicts)
    found = sorted((m for m in everything if m.verdict.status in shown), key=worst_first)
    if form == "json":
        write_json({"generated_at": stamp(now()), "exposures": [row(m) for m in found]})
    else:
        table(
            [
                ("Advisory", {"no_wrap": True}),
                ("Severity", {"no_wrap": True}),
                "Verdict" if verdicts else "Upgrade to",
                ("Why" if verdicts else "Title", {"ratio": 1}),
            ],
            [
                [
                    m.advisory.name,
                    severity(m.advisory.severity, m.advisory.cvss),
                    *([verdict(m), m.verdict.reason] if verdicts else [m.verdict.upgrade_to or "-", m.advisory.title]),
                ]
                for m in found
            ],
            empty="No vulnerability has one of these verdicts."
            if verdicts
            else f"No known vulnerability affects {product} {version}.",
        )
        unknown = sum(m.verdict.status == "unknown" for m in everything)
        if unknown and not verdicts:
            say(f"{count_of(unknown, 'advisory', 'advisories')} could not be assessed: see --verdict unknown")
    if fail_on and meets(found, None if fail_on == "any" else Severity(fail_on)):
        ctx.exit(3)
