"""`navtex advisory`."""

from __future__ import annotations

from typing import Any

import click

from feeds.advisories.records import Advisory, Kind, Rank
from notifier.cli.advisory_hand import acknowledge, release
from notifier.cli.app import (
    LEVELS,
    PRODUCT,
    clean,
    day,
    format_option,
    line,
    now,
    opened,
    settings,
    severity,
    stamp,
    table,
    write_json,
)


@click.group("advisory")
def command() -> None:
    """List and show advisories; assign them to people."""


command.add_command(acknowledge)
command.add_command(release)


@command.command("list")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice([k.value for k in Kind]), help="Only this kind (repeatable)."
)
@click.option("--severity", "least", type=LEVELS, help="This severity or worse, and unscored ones.")
@click.option("--product", "product", type=PRODUCT, metavar="PRODUCT", help="Only what speaks of this product.")
@format_option
def list_(kinds: tuple[str, ...], least: str | None, product: str | None, form: str) -> None:
    """List advisories, newest first."""
    from feeds import storage
    from feeds.advisories.merging import at_least
    from feeds.advisories.records import Severity

    with opened(settings()) as database, database.connect() as connection:
        advisories = storage.catalogue(connection).advisories
    chosen = [
        a
        for a in advisories
        if (not kinds or a.kind.value in kinds)
        and (least is None or at_least(a.severity, Severity(least)))
        and (product is None or product in a.products)
    ]
    chosen.sort(key=lambda a: (-(a.published.timestamp() if a.published else 0), -a.place, a.name))
    if form == "json":
        write_json({"advisories": [_row(a) for a in chosen]})
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
                a.name,
                severity(a.severity) if a.kind is Kind.VULNERABILITY else a.kind.value,
                day(a.published),
                a.title,
            ]
            for a in chosen
        ],
        empty="No matching advisories." if advisories else "No advisories yet. Run `navtex poll` first.",
    )


def _row(advisory: Advisory) -> dict[str, Any]:
    return {
        "advisory": advisory.name,
        "aliases": advisory.aliases,
        "kind": advisory.kind.value,
        "title": advisory.title,
        "severity": advisory.severity,
        "cvss": advisory.cvss,
        "published": stamp(advisory.published),
        "withdrawn": stamp(advisory.withdrawn),
        "products": sorted(advisory.products),
        "url": advisory.url,
    }


@command.command("show")
@click.argument("name", metavar="ID")
@format_option
def show(name: str, form: str) -> None:
    """Show one advisory, by any of its names, with every claim read about it."""
    from feeds import storage
    from notifier.alerts.silences import about, shown
    from notifier.storage import silences

    with opened(settings()) as database, database.connect() as connection:
        advisory = storage.catalogue(connection).find(name)
        hands = [h for h in silences.hands(connection) if h.advisory in about(advisory)]
        quiet = [s for s in silences.every(connection) if s.advisory in about(advisory) and s.lasts(now())]
    claims: list[dict[str, Any]] = [
        {
            "source": read.source,
            "document": read.document,
            "read_at": stamp(read.at),
            "product": claim.product,
            "rank": (min(claim.rank, Rank.PROSE) if claim.prose else claim.rank).name.lower(),
            "affected": [str(s) for s in claim.affected],
            "fixed": claim.fixed,
            "words": claim.words,
        }
        for claim, read in advisory.claims
    ]
    reasons = [r.record.reason for r in advisory.records if r.record.reason]
    if form == "json":
        write_json(
            {
                **_row(advisory),
                "summary": advisory.summary,
                "mentions": sorted(advisory.mentions),
                "kept_because": reasons,
                "in_hand": [
                    {"owner": h.owner, "due": h.due.isoformat(), "scope": shown(h.scope), "note": h.note} for h in hands
                ],
                "silences": [
                    {"number": s.id, "scope": shown(s.scope), "reason": s.reason, "until": stamp(s.until)}
                    for s in quiet
                ],
                "claims": claims,
            }
        )
        return
    lines = [
        f"{advisory.name}  {advisory.kind.value}"
        + (f"  {severity(advisory.severity, advisory.cvss)}" if advisory.kind is Kind.VULNERABILITY else "")
    ]
    lines += [advisory.title, ""]
    for label, value in (
        ("Also called", ", ".join(advisory.aliases)),
        ("Published", day(advisory.published) or "date not published"),
        ("Withdrawn", day(advisory.withdrawn)),
        ("Speaks of", ", ".join(sorted(advisory.mentions))),
        ("Kept because", "; ".join(reasons)),
        *(("In hand", f"{h.owner}, due {h.due}{f' ({where})' if (where := shown(h.scope)) else ''}") for h in hands),
        *(("Silenced", f"until {day(s.until)} for {shown(s.scope) or 'all hosts'}: {s.reason}") for s in quiet),
        ("Link", advisory.url),
    ):
        if value:
            lines.append(f"{label + ':':<14}{value}")
    click.echo("\n".join(line(text) for text in lines))
    if advisory.summary:
        click.echo("\n" + clean(click.wrap_text(advisory.summary[:1200], 78)))
    if claims:
        click.echo("")
        table(
            ["Source", "Rank", "Product", "Affected", "Fixed"],
            list(
                dict.fromkeys(
                    (c["source"], c["rank"], c["product"], "; ".join(c["affected"]), ", ".join(c["fixed"]))
                    for c in claims
                )
            ),
            empty="",
        )
