"""`navtex check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.core.errors import VersionError
from feeds.core.text import counted
from notifier.cli.common import (
    LEVELS,
    NOTHING_KNOWN,
    PRODUCT,
    format_option,
    now,
    opened,
    say,
    settings,
    severity,
    table,
    verdict,
    write_json,
)
from notifier.cli.exposure import ANY, VERDICTS, threshold, wanted_verdicts

if TYPE_CHECKING:
    from notifier.domain.components import Component
    from notifier.services.findings.version_check import VersionCheck


@click.command("check")
@click.argument("product", type=PRODUCT, metavar="PRODUCT")
@click.argument("version")
@click.option("--package", default="", metavar="'NAME VERSION'", help="Package, as the package manager lists it.")
@click.option(
    "--distro",
    default="",
    metavar="ID-VERSION",
    help="Distribution, as ID-VERSION_ID from os-release, such as debian-12.",
)
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=VERDICTS,
    help="Verdicts to list (repeatable). Default: affected and conflicting.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS.choices, ANY]),
    help="Exit with status 3 if a vulnerability of this severity or worse affects it.",
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
    from notifier.domain.components import component
    from notifier.services.findings.version_check import check_version

    try:
        asked = component(product, version, package, distro)
    except VersionError as error:
        raise click.BadParameter(str(error), param_hint="VERSION") from error
    with opened(settings()) as database:
        found = check_version(database, asked, now(), verdicts=wanted_verdicts(verdicts), gated=fail_on is not None)
    if not found.known:
        say(NOTHING_KNOWN)
    if form == "json":
        write_json(found.value)
    else:
        _show(found, asked, reasons=bool(verdicts))
    if fail_on and found.reach(threshold(fail_on)):
        ctx.exit(3)


def _show(found: VersionCheck, asked: Component, *, reasons: bool) -> None:
    table(
        [
            ("Advisory", {"no_wrap": True}),
            ("Severity", {"no_wrap": True}),
            "Verdict" if reasons else "Upgrade to",
            ("Why" if reasons else "Title", {"ratio": 1}),
        ],
        [
            [
                m.advisory.name,
                severity(m.advisory.severity, m.advisory.cvss),
                *([verdict(m), m.verdict.reason] if reasons else [m.verdict.upgrade_to or "-", m.advisory.title]),
            ]
            for m in found.matches
        ],
        empty="No matching vulnerabilities."
        if reasons
        else f"No known vulnerability affects {asked.product} {asked.version}.",
    )
    if found.undecided and not reasons:
        count = counted(found.undecided, "advisory", "advisories")
        say(f"{count} could not be assessed; list them with --verdict unknown")
