"""`navtex run`: poll, match, notify."""

from __future__ import annotations

import click

from feeds.crawl.client import Crawl
from notifier.cli.app import now, opened, settings
from notifier.cli.log_options import log_options
from notifier.cli.mirror import note_age, served, tell_age
from notifier.cli.notify import tell
from notifier.cli.poll import check_forms, check_names, environment, poll
from notifier.cli.poll import tell as tell_poll
from notifier.cli.running import running


@click.command("run")
@log_options
def command() -> None:
    """Poll the sources, match advisories with your hosts, and send digests.

    Only one run works at a time. Prints nothing if nothing is wrong. Call it from cron as often as you like.
    """
    config = settings()
    check_names(tuple(config.sources))
    check_forms(config.urls)
    with running("run", config) as this:
        with Crawl(environment(config)) as crawl, opened(config) as database, database.lock():
            with served(config) as there:
                polled = poll(there, database, crawl)
            age = note_age(config, database)
            from notifier.services.delivery import message_sender
            from notifier.services.exposure import note_trend
            from notifier.services.notifications import Settings, notify
            from notifier.services.retention import forget

            with message_sender(config) as sender:
                notified = notify(database, sender, settings=Settings.of(config))
            note_trend(database, now())
            forget(database, now(), config.retention.days)
        tell_poll(polled, aloud=not polled.ok, mirror=config.mirror)
        tell_age(age, config, now(), only_old=True)
        tell(notified)
        this.status = 0 if polled.ok and notified.ok else 1
