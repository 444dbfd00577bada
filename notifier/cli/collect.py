"""`navtex inventory collect` and `navtex inventory probe`."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click
from msgspec import structs

from feeds.core.text import counted
from notifier.cli.common import format_option, now, opened, say, settings, tag_values, write_json
from notifier.cli.input_files import text_of
from notifier.config import Collecting
from notifier.config.inventory import MOST_PARALLEL

if TYPE_CHECKING:
    from notifier.collection.targets import Chosen
    from notifier.services.hosts.collecting import CollectAnswer


_COUNTED = 10
"""Hosts without an answer above which they are also counted by reason."""


@click.command("probe")
def probe() -> None:
    """Print a shell script that reports which Docker components a host has.

    Run it with your own tools, or as the forced command of an SSH key, and import its output.
    """
    from notifier.inventory.formats.probe import SCRIPT

    sys.stdout.write(SCRIPT)


@click.command("collect")
@click.option("--local", is_flag=True, help="Query this machine's engine (DOCKER_HOST, or /var/run/docker.sock).")
@click.option(
    "--context",
    "contexts",
    multiple=True,
    metavar="NAME",
    help="Query the engine of a docker context, or of `all` (repeatable).",
)
@click.option("--ssh", multiple=True, metavar="HOST", help="Query a host over SSH: [USER@]HOST (repeatable).")
@click.option(
    "--ssh-hosts",
    default="",
    metavar="FILE",
    help="Query the hosts in a file: one per line, [USER@]HOST for SSH, tcp://HOST:PORT or context:NAME for the "
    "engine's API, NAME=VALUE tags after it; - is stdin.",
)
@click.option(
    "--jobs", type=click.IntRange(1, MOST_PARALLEL), metavar="NUMBER", help="Number of parallel queries. Default: 16."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600, min_open=True),
    metavar="SECONDS",
    help="Time limit for each host, in seconds. Default: 20.",
)
@click.option("--host", default="", metavar="NAME", help="Name of the host in the inventory, if only one is queried.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Tag every host (repeatable).",
)
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    local: bool,
    contexts: tuple[str, ...],
    ssh: tuple[str, ...],
    ssh_hosts: str,
    jobs: int | None,
    timeout: float | None,
    host: str,
    tags: dict[str, str],
    form: str,
) -> None:
    """Query engines and store what they report.

    Without targets, query those in the [collect] section of the configuration, or this machine's engine. Hosts
    that do not answer are listed with the reason.
    """
    from notifier.services.hosts.collecting import CollectOptions, collect

    config = settings()
    named = Collecting(local, contexts, ssh, ssh_hosts)
    whom = structs.replace(named, tls=config.collect.tls) if named != Collecting() else config.collect
    chosen = _chosen(whom)
    options = CollectOptions(chosen, jobs or config.collect.jobs, timeout or config.collect.timeout, host, tags)
    with opened(config, create=True) as database:
        answer = collect(database, options, os.environ, now())
    if form == "json":
        write_json(answer.value)
    _print(answer)
    if answer.interrupted:
        raise KeyboardInterrupt
    ctx.exit(0 if answer.complete else 1)


def _chosen(whom: Collecting) -> Chosen:
    from notifier.collection.targets import Chosen, lines_of

    file = os.path.expanduser(whom.ssh_hosts)  # noqa: PTH111 - the other one raises if it does not know a user
    lines = lines_of(text_of(file), whom.ssh_hosts) if file else ()
    return Chosen(whom.local, whom.contexts, (*whom.ssh, *lines), whom.tls)


def _print(answer: CollectAnswer) -> None:
    """Print what changed and, if everybody was queried, who did not answer and why, on standard error."""
    found = answer.value
    if found.hosts:
        new = counted(found.hosts.new, "host")
        say(f"{new} added, {found.hosts.changed} changed, {found.hosts.unchanged} unchanged")
    if answer.interrupted:
        return
    for note in found.notes:
        say(note)
    for bad in found.bad_rows:
        say(f"{bad.where}: {bad.reason}")
    if not found.missing:
        return
    say(f"{len(found.missing)} of {found.queried} did not answer; their stored data is unchanged:")
    width = min(max(len(one.target) for one in found.missing), 40)
    for one in found.missing:
        kept = ". Its packages were stored." if one.packages_kept else ""
        say(f"  {one.target:{width}}  {one.reason}{kept}")
    if len(found.missing) > _COUNTED:
        kinds = Counter(kind_of(one.reason) for one in found.missing).most_common()
        say(f"By reason: {', '.join(f'{kind} ({number})' for kind, number in kinds)}")
    say("What to do: `navtex help collect-from-hosts` explains each reason")


def kind_of(reason: str) -> str:
    """The words of a reason that others share, without what is in it of one host.

    >>> kind_of("login refused (ops@web-1: Permission denied)"), kind_of("unreachable: connection refused (ssh: ...)")
    ('login refused', 'unreachable: connection refused')
    """
    return re.split(r" \(|\. |: its | ended with ", reason, maxsplit=1)[0][:60]
