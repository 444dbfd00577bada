"""`navtex demo`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import notifier
from feeds.core.resources import folder
from notifier.cli.app import now, opened
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.mirror.server import Mirror
    from feeds.services.polling import PollReport
    from feeds.storage.database import Database

_MARK = "navtex-demo.txt"
"""Tells the demo's own folder from any other that may hold a navtex.db."""


@click.command("demo")
@click.option(
    "--dir",
    "where",
    default="navtex-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the demo's database and mails. Its contents are replaced.",
)
def command(where: Path) -> None:
    """Try Navtex on sample documents.

    The real crawl over loopback HTTP, a real SQLite file, and a fleet of a dozen hosts, on two days:
    the welcome digest, and the news of the second day. It needs no network, and touches nothing
    outside of its folder.
    """
    from feeds.mirror.server import Mirror
    from notifier import inventory
    from notifier.domain import components
    from notifier.domain.filters import Filters
    from notifier.domain.subscriptions import Subscription
    from notifier.storage import inventory as hosts
    from notifier.storage import subscriptions

    documents = folder(notifier.__file__, "demo")
    where = where.resolve()
    _empty(where)
    with Mirror(documents / "day-1") as mirror:
        config = Config(database=f"sqlite:///{where / 'navtex.db'}", mirror=mirror.url)
        with opened(config) as database:
            found = components.gathered(inventory.read((documents / "inventory.csv").read_bytes()))
            wanted = Subscription("demo", (f"file://{where / 'mails'}",), Filters(), now())
            with database.begin() as connection:
                hosts.take(connection, found.hosts, {}, now())
                subscriptions.add(connection, wanted)
            _say(
                f"A fleet of {len(found.hosts)} hosts, and a subscription that writes its mails into {where / 'mails'}."
            )
            _day(1, config, database, mirror)
            mirror.lay_over(documents / "day-2")
            text, path = _day(2, config, database, mirror)
    click.echo(f"\n{text}")
    _say(f"The same as an HTML mail: {path}")
    _say(f"Look around: NAVTEX_DATABASE_URL={shlex.quote(config.database)} {_program()} exposure")


def _program() -> str:
    """What calls this program again, from the same folder, in the words of a shell."""
    called = Path(sys.argv[0])
    if called.name != "navtex":
        return f"{shlex.quote(sys.executable)} -m notifier.cli"
    found = shutil.which("navtex")
    return "navtex" if found and Path(found).resolve() == called.resolve() else shlex.quote(str(called))


def _empty(where: Path) -> None:
    """Make the folder, or clear out what an earlier demo left. A folder of other things is left alone."""
    mark = where / _MARK
    if where.exists() and any(where.iterdir()) and not mark.exists():
        raise click.UsageError(f"{where} holds other things; choose another folder with --dir")
    shutil.rmtree(where, ignore_errors=True)
    (where / "mails").mkdir(parents=True)
    mark.write_text("`navtex demo` made this folder, and replaces all that is in it.\n", encoding="utf-8")


def _day(number: int, config: Config, database: Database, mirror: Mirror) -> tuple[str, str]:
    """Poll and notify once; the digest's text, and where its HTML is, come back."""
    from feeds.crawl.client import Crawl
    from notifier.cli.poll import environment, poll
    from notifier.services.delivery import message_sender
    from notifier.services.notifications import notify

    mirror.requests.clear()
    with Crawl(environment(config)) as crawl, database.lock():
        polled = poll(config, database, crawl)
        with message_sender(config) as sender:
            notified = notify(database, sender)
    unchanged = sum(status == 304 for _, status in mirror.requests)
    _say(f"Day {number}: {len(mirror.requests)} documents asked for, {unchanged} unchanged; {_counts(polled)}.")
    if not polled.ok or not notified.delivered:
        raise click.ClickException(
            polled.problem or "; ".join(s.message for s in polled.failed) or "nothing was delivered"
        )
    delivery, path = notified.delivered[0]
    _say(f"       {delivery.message.subject.removeprefix('[Navtex] ')}  ->  {path}")
    return delivery.message.text, path


def _counts(polled: PollReport) -> str:
    return f"{len(polled.changes.new)} advisories new, {len(polled.changes.changed)} changed"


def _say(text: str) -> None:
    click.echo(text)
