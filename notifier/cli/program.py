"""The program: its commands, each imported only when it is called, and its exit status."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

import click

import feeds
from feeds.core.errors import NavtexError
from notifier.cli import streams
from notifier.cli.log_options import log_options

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Poll the sources, match and send digests. Call it from cron."),
    "poll": ("poll", "Poll all sources, or those named, and store what is new."),
    "mirror": ("mirror", "Copy the sources' documents into a folder, for machines without internet."),
    "source": ("source", "List the sources and their health."),
    "inventory": ("inventory", "Import, add, list and remove hosts."),
    "advisory": ("advisory", "List and show advisories; assign them to people."),
    "benchmark": ("benchmark", "List the CIS benchmark editions; import and list audits."),
    "check": ("check", "Check one version of a product."),
    "exposure": ("exposure", "List the vulnerabilities affecting your hosts."),
    "explain": ("explain", "Show the evidence behind a verdict."),
    "plan": ("plan", "List the upgrades that fix the most."),
    "trend": ("trend", "Show how exposure changes over time."),
    "image": ("image", "List images to rebuild after their base image changed."),
    "subscription": ("subscription", "Manage subscriptions to digests."),
    "notification": ("notification", "List and show what was sent, and retry deliveries."),
    "notify": ("notify", "Send the digests that are due, without polling."),
    "silence": ("silence", "Silence advisories for a time."),
    "serve": ("serve", "Serve the web page and the API."),
    "user": ("user", "Manage the users of the page."),
    "token": ("token", "Manage the tokens of the API."),
    "config": ("config", "Show and create the configuration file."),
    "db": ("db", "Create, upgrade, check, back up and restore the database."),
    "metrics": ("metrics", "Print metrics for Prometheus."),
    "worker": ("worker", "Run a worker, which shares the work with others through PostgreSQL."),
    "job": ("job", "List, retry and cancel the jobs of workers."),
    "doctor": ("doctor", "Check this installation and suggest fixes."),
    "help": ("help", "Show a page of the manual, or list the pages."),
    "completion": ("completion", "Print a shell completion script."),
    "demo": ("demo", "Try Navtex on sample documents."),
}
"""Every command: the module of this package that has it (its attribute is `command`), and its short help."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"notifier.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # click looks for names that are alike among the commands that are loaded, and none is
            if self.get_command(ctx, args[0]) is None and (alike := get_close_matches(args[0], COMMANDS)):
                meant = " or ".join(repr(a) for a in alike)
                raise click.UsageError(f"No such command {args[0]!r}. Did you mean {meant}?", ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(feeds.__version__, "-V", "--version", prog_name="navtex")
@log_options
def cli() -> None:
    """Tell which Docker security news affects your fleet.

    Exit status: 0 success; 1 failure, also of only some sources, deliveries or rows; 2 wrong usage or
    configuration, an unknown name, or a file that cannot be opened; 3 a --fail-on condition is met;
    4 another run is active.
    """


def _as_utf8(argument: str) -> str:
    """An argument in UTF-8 where the locale's encoding could not read it: names of hosts are UTF-8 in any locale."""
    if argument.isprintable():
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        raise click.UsageError(f"{argument!a} is not valid UTF-8") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    streams.prepare()
    try:
        status = cli.main(
            args=list(arguments) if arguments is not None else [_as_utf8(a) for a in sys.argv[1:]],
            prog_name="navtex",
            standalone_mode=False,
        )
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        status = error.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        status = 130
    except NavtexError as error:
        from notifier.cli.log import exit_status, failure

        status = exit_status(error)
        failure(error, status)
    except Exception as error:
        from notifier.cli.log import crash, plain

        crash(error)
        if plain():
            raise
        status = 1
    sys.exit(status if isinstance(status, int) else 0)
