"""`navtex inventory collect` and `navtex inventory probe`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feeds.core.errors import InventoryError
from notifier.cli.app import count_of, now, opened, say, settings, tag_values
from notifier.config import Collecting

if TYPE_CHECKING:
    from notifier.collection import CollectedTarget
    from notifier.collection.targets import Chosen


@click.command("probe")
def probe() -> None:
    """Print a shell script that reports which Docker components a host has.

    Run it by other means than SSH, or as an SSH key's forced command, and import what it prints.
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
    help="Query a context of the docker CLI, or `all` (repeatable).",
)
@click.option("--ssh", multiple=True, metavar="HOST", help="Query a host over SSH: [USER@]HOST (repeatable).")
@click.option(
    "--ssh-hosts",
    default="",
    metavar="FILE",
    help="Query the hosts in a file over SSH: one per line, with NAME=VALUE tags after the name; - is stdin.",
)
@click.option("--jobs", type=click.IntRange(1, 256), metavar="NUMBER", help="How many to query at a time (16).")
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600, min_open=True),
    metavar="SECONDS",
    help="Time limit for each host, in seconds (20).",
)
@click.option("--host", default="", metavar="NAME", help="The host's name in the inventory, where one host is queried.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Tag every host (repeatable).",
)
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
) -> None:
    """Query engines and store what they report.

    Without an option that says whom, it asks those that the configuration names under [collect], or
    else this machine's engine. Hosts that did not answer are listed, with the reason.
    """
    from notifier import collection as collecting
    from notifier.collection import targets

    config = settings()
    said = Collecting(local, contexts, ssh, ssh_hosts)
    whom = said if said != Collecting() else config.collect
    asked = targets.renamed(targets.targets(_chosen(whom), os.environ), host)
    answers: list[CollectedTarget] = []
    try:
        collecting.gather(asked, jobs or config.collect.jobs, timeout or config.collect.timeout, answers.append)
    finally:
        order = {target: number for number, target in enumerate(map(id, asked))}
        answers.sort(key=lambda a: order[id(a.target)])
        _keep(collecting.distinct(answers), tags)
    ctx.exit(_missing(answers, len(asked)))


def _chosen(whom: Collecting) -> Chosen:
    from notifier.collection.targets import Chosen, lines_of

    lines = lines_of(_hosts_file(whom.ssh_hosts), whom.ssh_hosts) if whom.ssh_hosts else ()
    return Chosen(whom.local, whom.contexts, (*whom.ssh, *lines))


def _hosts_file(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise click.FileError(name, error.strerror) from error
    except UnicodeDecodeError as error:
        raise InventoryError(f"its text cannot be read: {error}", where=name) from error


def _keep(answers: list[CollectedTarget], tags: dict[str, str]) -> None:
    """Store what was collected. Of a host that did not say what runs on it, what is known otherwise stays."""
    from notifier.services.inventory import ImportOptions, take

    hosts = [h for a in answers for h in a.hosts]
    if not hosts:
        return
    with opened(settings()) as database:
        taken = take(database, hosts, ImportOptions("collect", tags), now(), told=lambda _: None).taken
    say(f"{count_of(taken.added, 'host', 'hosts')} new, {taken.changed} changed, {taken.same} as before")


def _missing(answers: list[CollectedTarget], asked: int) -> int:
    """List who did not answer, and why; the exit status that it means."""
    for bad in (row for a in answers for row in a.bad):
        say(f"{bad.where}: {bad.reason}")
    missing = [a for a in answers if a.problem]
    if missing:
        say(f"{len(missing)} of {asked} did not answer; what is known of them stays:")
        width = min(max(len(a.target.label) for a in missing), 40)
        for answer in missing:
            kept = " Its packages are kept." if answer.hosts else ""
            reason = " ".join(answer.problem.split())
            say(f"  {answer.target.label:{width}}  {reason}{'.' if kept else ''}{kept}")
    return 1 if missing or any(a.bad for a in answers) else 0
