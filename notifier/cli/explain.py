"""`navtex explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.advisories.records import Kind
from feeds.core.errors import VersionError
from feeds.core.times import day
from feeds.verdicts.weighing import Status
from notifier.cli.common import format_option, line, now, opened, settings, severity, wrapped, write_json

if TYPE_CHECKING:
    from notifier.assessment.advice import Advice
    from notifier.schemas.explanation import EvidenceRow, ExplainedVerdict
    from notifier.services.findings.verdict_explanations import ExplainAnswer


@click.command("explain")
@click.argument("subject", metavar="HOST|PRODUCT@VERSION")
@click.argument("name", metavar="ADVISORY")
@format_option
def command(subject: str, name: str, form: str) -> None:
    """Show the evidence behind a verdict: each source's statement about the version, and which one decides.

    ADVISORY can be an edition of the CIS benchmark (see `navtex benchmark list`).

    \b
    navtex explain web-1 CVE-2024-41110
    navtex explain engine@25.0.5 CVE-2024-41110
    """
    from notifier.services.findings.verdict_explanations import explain_verdict

    try:
        with opened(settings()) as database:
            found = explain_verdict(database, subject, name, now())
    except VersionError as error:
        raise click.BadParameter(str(error), param_hint="PRODUCT@VERSION") from error
    if form == "json":
        write_json(found.value)
    else:
        _show(found)


def _show(found: ExplainAnswer) -> None:
    value = found.value
    benchmark = value.kind is Kind.BENCHMARK
    rated = value.kind.value if benchmark else severity(value.severity, value.cvss)
    click.echo(line(f"{value.advisory}  {rated}"))
    wrapped(value.title, 0)
    if value.withdrawn:
        wrapped(f"Withdrawn on {day(value.withdrawn)}; it no longer affects any version.", 0)
    known = (
        "Known to be exploited (CISA KEV)." if value.kev else "",
        f"EPSS {value.epss:.3g}." if value.epss is not None else "",
        f"CISA's decision points (SSVC): {value.ssvc}." if value.ssvc else "",
    )
    if any(known):
        wrapped(" ".join(k for k in known if k), 0)
    for doubt in value.doubts:
        wrapped(
            f"{doubt.source} treats {doubt.name} as the same vulnerability ({doubt.url}). Both have a CVE record of "
            "their own, so they are not merged.",
            0,
        )
    if not value.verdicts:
        held = ", ".join(f"{c.product} {c.version}" for c in found.components)
        nothing = f"Benchmarks apply to Docker Engine, not to {held}." if benchmark else ""
        wrapped(nothing or f"No source has a statement about {held}.", 0)
    for one, advice in zip(value.verdicts, found.advice, strict=True):
        _verdict(one, advice, value.host, _APPLIES if benchmark else {})


_APPLIES = {Status.AFFECTED: "APPLIES", Status.NOT_AFFECTED: "DOES NOT APPLY"}


def _verdict(one: ExplainedVerdict, advice: Advice, host: str | None, words: dict[Status, str]) -> None:
    runs = one.package or f"{one.product} {one.version}"
    click.echo("\n" + line(f"{host + ' runs ' if host else ''}{runs}"))
    wrapped(f"{words.get(one.verdict) or one.verdict.value.replace('_', ' ').upper()}: {one.reason}", 2)
    if one.upgrade_to:
        wrapped(f"Upgrade to {one.upgrade_to}. Fixed in {', '.join(one.fixed_in)}.", 2)
    for said in advice.words:
        wrapped(f"{said[:1].upper()}{said[1:]}.", 2)
    click.echo("\n  Evidence, highest rank first:")
    for number, entry in enumerate(one.evidence, 1):
        if words:
            _edition(number, entry)
        else:
            _evidence(number, entry, one.version)


def _edition(number: int, one: EvidenceRow) -> None:
    click.echo("\n" + line(f"  {number}. {one.source}  {one.weight}"))
    for text in (one.says, one.reason):
        if text:
            wrapped(text, 5)
    click.echo(line(f"     {one.url}  (read {day(one.read_at)})"))


def _evidence(number: int, one: EvidenceRow, version: str) -> None:
    click.echo("\n" + line(f"  {number}. {one.source}  [{one.rank}]  {one.weight}"))
    wrapped(f"ranges: {one.says}", 5)
    said = one.verdict.value.replace("_", " ") if one.verdict else "no statement"
    wrapped(f"{version}: {said}" + (f", {one.reason}" if one.verdict else ""), 5)
    if one.never_released:
        wrapped(f"ignored, never released: {', '.join(one.never_released)}", 5)
    for words in one.words:
        # a correction's words hold quotations of their own
        wrapped(words[:600] if "“" in words else f"“{words[:400]}”", 5)
    click.echo(line(f"     {one.url}  (read {day(one.read_at)})"))
