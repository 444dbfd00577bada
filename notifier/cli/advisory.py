"""`navtex advisory`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.advisories.records import Kind, Severity
from feeds.core.times import day
from notifier.cli.advisory_assign import COMMANDS
from notifier.cli.common import (
    LEVELS,
    NOTHING_KNOWN,
    PRODUCT,
    clean,
    format_option,
    limit_option,
    line,
    now,
    opened,
    say_more,
    settings,
    severity,
    table,
    write_json,
)

if TYPE_CHECKING:
    from notifier.schemas.advisory import AdvisoryDetail


@click.group("advisory")
def command() -> None:
    """List and show advisories; assign them to people."""


for _each in COMMANDS:
    command.add_command(_each)


@command.command("list")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice([k.value for k in Kind]), help="Only this kind (repeatable)."
)
@click.option("--severity", "least", type=LEVELS, help="Only this severity or worse; unscored advisories are included.")
@click.option("--product", "product", type=PRODUCT, metavar="PRODUCT", help="Only advisories about this product.")
@limit_option
@format_option
def list_(kinds: tuple[str, ...], least: str | None, product: str | None, limit: int | None, form: str) -> None:
    """List advisories, newest first."""
    from notifier.services.catalogue.advisories import AdvisoryQuery, advisories

    query = AdvisoryQuery(tuple(map(Kind, kinds)), Severity(least) if least else None, product, limit)
    with opened(settings()) as database:
        found = advisories(database, query)
    if form == "json":
        write_json(found.value)
        return
    table(
        [
            ("Advisory", {"min_width": 19, "max_width": 30}),
            ("What", {"no_wrap": True}),
            ("Published", {"no_wrap": True}),
            ("Title", {"ratio": 1}),
        ],
        [
            [
                a.advisory,
                severity(a.severity) if a.kind is Kind.VULNERABILITY else a.kind.value,
                day(a.published),
                a.title,
            ]
            for a in found.value.advisories
        ],
        empty="No matching advisories." if found.known else NOTHING_KNOWN,
    )
    say_more(found.more)


@command.command("show")
@click.argument("name", metavar="ID")
@format_option
def show(name: str, form: str) -> None:
    """Show one advisory, by name or alias, with every statement about affected versions."""
    from notifier.services.catalogue.advisories import advisory

    with opened(settings()) as database:
        found = advisory(database, name, now())
    if form == "json":
        write_json(found)
    else:
        _show(found)


def _published(found: AdvisoryDetail) -> str:
    if found.kind is Kind.BENCHMARK and found.published is None:
        return f"see `navtex benchmark show {found.advisory}`"
    return day(found.published) or "date not published"


def _show(found: AdvisoryDetail) -> None:
    rated = f"  {severity(found.severity, found.cvss)}" if found.kind is Kind.VULNERABILITY else ""
    lines = [f"{found.advisory}  {found.kind.value}{rated}", found.title, ""]
    for label, value in (
        ("Aliases", ", ".join(found.aliases)),
        ("Published", _published(found)),
        ("Withdrawn", day(found.withdrawn)),
        ("Exploited", "listed in CISA's KEV catalogue" if found.kev else ""),
        ("EPSS", f"{found.epss:.3g}" if found.epss is not None else ""),
        ("SSVC", str(found.ssvc or "")),
        ("Mentions", ", ".join(found.mentions)),
        ("Kept because", "; ".join(found.kept_because)),
        *(("Assigned", f"{h.owner}, due {h.due}{f' ({h.scope})' if h.scope else ''}") for h in found.in_hand),
        *(("Silenced", f"until {day(s.until)} for {s.scope or 'all hosts'}: {s.reason}") for s in found.silences),
        ("Link", found.url),
    ):
        if value:
            lines.append(f"{label + ':':<14}{value}")
    click.echo("\n".join(line(text) for text in lines))
    if found.summary:
        click.echo("\n" + clean(click.wrap_text(found.summary[:1200], 78)))
    if found.claims:
        rows = ((c.source, c.rank, c.product, "; ".join(c.affected), ", ".join(c.fixed)) for c in found.claims)
        click.echo("")
        table(["Source", "Rank", "Product", "Affected", "Fixed"], list(dict.fromkeys(rows)), empty="")
