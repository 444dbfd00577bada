"""`navtex image`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from feeds.core.text import counted
from feeds.images.references import Reference
from notifier.cli.common import (
    format_option,
    line,
    now,
    opened,
    say,
    scope,
    settings,
    table,
    wrapped,
    write_json,
)
from notifier.cli.image_options import BASE, host_options
from notifier.images.status import ImageStatus

if TYPE_CHECKING:
    from notifier.schemas.image import BasePlanRow, BuildRow, ImageDetail, ImagePlans

_STATUS = click.Choice([s.value for s in ImageStatus])
_LISTED = 3
"""The most names that a line of `image plan` gives before it counts the rest."""
_NO_IMAGES = "No host is known to run an image. Import its containers: see `navtex help images`."


@click.group("image")
def command() -> None:
    """List images to rebuild after their base image changed, in which order.

    Import images with `navtex inventory import`. `navtex poll` queries the registries in the [images] section of the
    configuration. See `navtex help images`.
    """


@command.command("list")
@host_options
@click.option("--status", type=_STATUS, help="Only images with this status.")
@click.option("--base", type=BASE, metavar="REF", help="Only images built on this base, directly or indirectly.")
@click.option("--split", is_flag=True, help="Only tags that run as several different images.")
@click.option("--fail-on", type=_STATUS, help="Exit with status 3 if an image with this status is listed.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.pass_context
def list_(
    ctx: click.Context,
    hosts: tuple[str, ...],
    tags: dict[str, str],
    status: str | None,
    base: Reference | None,
    split: bool,
    fail_on: str | None,
    form: str,
) -> None:
    """List the images in use, most urgent first."""
    from notifier.exporters import csv_rows
    from notifier.schemas.image import ImageRow
    from notifier.services.snapshot.images import ImageQuery, list_images

    query = ImageQuery(scope(hosts, tags, ()), ImageStatus(status) if status else None, base, split)
    config = settings()
    with opened(config) as database:
        found = list_images(database, config.images, query, now())
    if form == "json":
        write_json(found)
    elif form == "csv":
        for chunk in csv_rows.write(found.images, ImageRow):
            click.echo(chunk, nl=False)
    else:
        rows = [(r.status.value, str(r.hosts), r.image, r.reason) for r in found.images]
        empty = "No matching images." if query != ImageQuery() else _NO_IMAGES
        table(["Status", "Hosts", ("Image", {"ratio": 1}), ("Reason", {"ratio": 1})], rows, empty=empty)
    if fail_on and any(r.status is ImageStatus(fail_on) for r in found.images):
        ctx.exit(3)


@command.command("plan")
@host_options
@click.option("--base", type=BASE, metavar="REF", help="Only images built on this base, directly or indirectly.")
@click.option("--own", is_flag=True, help="Only images that you build (`[images] own` in the configuration).")
@format_option
def plan(hosts: tuple[str, ...], tags: dict[str, str], base: Reference | None, own: bool, form: str) -> None:
    """List the images to rebuild, in order, and those that only need a pull."""
    from notifier.services.snapshot.images import ImageQuery, plan_images

    config = settings()
    with opened(config) as database:
        found = plan_images(database, config.images, ImageQuery(scope(hosts, tags, ()), base=base, own=own), now())
    if form == "json":
        write_json(found)
        return
    at = now()
    for one in found.bases:
        _base_plan(one, at)
    _rest(found)


def _base_plan(one: BasePlanRow, at: datetime) -> None:
    images = sum(len(wave) for wave in one.waves)
    words = {
        "moved": "moved",
        "newer": f"has a newer version ({one.to})",
        "gone": "was removed",
        "ended": "has reached its end of life",
    }[one.event.value]
    since = f" {one.moved_at:%Y-%m-%d} ({counted((at - one.moved_at).days, 'day')})" if one.moved_at else ""
    click.echo(line(f"{one.base} {words}{since}: {counted(images, 'image')}, {counted(one.hosts, 'host')}"))
    rows = []
    for number, wave in enumerate(one.waves, 1):
        for build in wave:
            rows.append((str(number), build.image, str(build.hosts), build.proof or "", _rebase(build)))
            if build.after:
                rows.append(("", f"after {build.after}", "", "", ""))
    table(["Wave", "Image", "Hosts", "Proof", "Rebase"], rows, empty="")
    click.echo("")


def _rebase(build: BuildRow) -> str:
    return build.rebase.verdict.value if build.rebase else ""


def _rest(found: ImagePlans) -> None:
    for pull in found.repull:
        wrapped(f"Re-pull, no build: {pull.image} on {pull.hosts} of {counted(pull.of, 'host')}", 0, hang=4)
    for one in found.new_base:
        wrapped(f"New base: {one.image}: {one.reason}", 0, hang=4)
    if found.unknown:
        reasons: dict[str, int] = {}
        for one in found.unknown:
            reasons[one.reason] = reasons.get(one.reason, 0) + 1
        parts = [f"{count}: {reason}" for reason, count in sorted(reasons.items(), key=lambda r: -r[1])]
        shown = "; ".join(parts[:_LISTED]) + (
            f"; and {len(parts) - _LISTED} more reasons" if len(parts) > _LISTED else ""
        )
        wrapped(f"Unknown: {counted(len(found.unknown), 'image')} ({shown})", 0, hang=4)
    if found.old_tags:
        say(f"{counted(found.old_tags, 'tag has', 'tags have')} had no answer for a day. See `navtex source list`.")
    if not (found.bases or found.repull or found.new_base or found.unknown):
        say("Nothing to rebuild or to pull.")


@command.command("show")
@click.argument("image", metavar="REF|DIGEST")
@format_option
def show(image: str, form: str) -> None:
    """Show the base of an image, with proof, what changed, and where the image runs."""
    from notifier.services.snapshot.images import show_image

    config = settings()
    with opened(config) as database:
        found = show_image(database, config.images, image, now())
    if form == "json":
        write_json(found)
        return
    for one in found.images:
        _detail(one)


def _detail(one: ImageDetail) -> None:
    config = one.config.partition(":")[2][:12] if one.config else "not known"
    click.echo(line(f"{one.image}  {one.platform}  image {config}"))
    wave = f", wave {one.wave}" if one.wave else ""
    wrapped(f"status   {one.status.value}{wave}: {one.reason}", 0, hang=9)
    for place, step in enumerate(one.line):
        at = f" at {step.config.partition(':')[2][:12]}" if step.config else ""
        first = f"its {step.layers} layers are the first of {step.of}" if place == 0 else f"{step.layers} of {step.of}"
        proof = f"{step.proof}; {first}" if step.layers else step.proof or ""
        wrapped(f"{'base ' if place == 0 else 'below'}    {step.base or 'unnamed'}{at} ({proof})", 0, hang=9)
    if one.tags:
        wrapped(f"tags     {', '.join(one.tags)}", 0, hang=9)
    if one.rebase:
        reasons = f": {'; '.join(one.rebase.reasons)}" if one.rebase.reasons else ""
        wrapped(f"rebase   {one.rebase.verdict.value}{reasons}", 0, hang=9)
        for caveat in one.caveats:
            wrapped(caveat, 9)
    other = sum(o.hosts for o in one.other)
    runs = f"; {counted(other, 'host runs', 'hosts run')} another image with this tag" if other else ""
    wrapped(f"runs     {counted(one.hosts, 'host')}, since {one.since:%Y-%m-%d}{runs}", 0, hang=9)
    for doubt in one.doubts:
        wrapped(f"doubt    {doubt}", 0, hang=9)
    click.echo("")


@command.group("base")
def base_group() -> None:
    """List and name the bases of images."""


@base_group.command("list")
@format_option
def base_list(form: str) -> None:
    """List the base images in use, those on most hosts first."""
    from notifier.services.snapshot.images import list_bases

    config = settings()
    with opened(config) as database:
        found = list_bases(database, config.images, now())
    if form == "json":
        write_json(found)
        return
    rows = [(str(r.chain), r.base or "(no name)", str(r.layers), str(r.images), str(r.hosts)) for r in found.bases]
    table(["Chain", "Base", "Layers", "Images", "Hosts"], rows, empty="No known base.")
    if any(r.base is None for r in found.bases):
        say("Name an unnamed base: navtex image base name CHAIN REF")


@base_group.command("name")
@click.argument("chain", type=click.IntRange(min=1))
@click.argument("name", metavar="REF")
def base_name(chain: int, name: str) -> None:
    """Name the base image that a chain of layers belongs to."""
    from notifier.services.snapshot.images import name_base

    with opened(settings()) as database:
        named = name_base(database, chain, name)
    say(f"Chain {chain} is now named {named.tagged}.")
