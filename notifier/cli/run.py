"""`navtex run`: poll, match, notify."""

from __future__ import annotations

import os

import click

from notifier.cli.common import now, opened, settings
from notifier.cli.log_options import log_options
from notifier.cli.mirror import tell_age
from notifier.cli.notify import tell
from notifier.cli.poll import progress
from notifier.cli.poll import tell as tell_poll
from notifier.cli.unattended_runs import running


@click.command("run")
@click.option("--create", is_flag=True, help="Create the configured database if it does not exist.")
@log_options
def command(create: bool) -> None:
    """Poll the sources, match advisories with your hosts, and send digests.

    Prints nothing if all is well. Only one run works at a time, so cron can call it as often as you like.
    """
    from notifier.services.installation.crawl_settings import check_sources, start_crawl

    config = settings()
    check_sources(config)
    with running("run", config) as this:
        with start_crawl(config, os.environ) as crawl, opened(config, create=create) as database, progress() as seen:
            from notifier.services.pipeline.polling import PollOptions
            from notifier.services.pipeline.runs import RunTools, run_once
            from notifier.services.sending.delivery import message_sender

            with message_sender(config) as sender:
                done = run_once(config, database, RunTools(crawl, sender, now, PollOptions(progress=seen)))
        if done.polled is not None:
            polled = done.polled.report
            tell_poll(polled, aloud=not polled.ok, mirror=config.mirror)
            tell_age(done.polled.mirror, config, now(), only_old=True)
        tell(done)
        this.status = done.status
