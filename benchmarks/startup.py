"""`navtex --help` beside the help of a click program that does nothing."""

from __future__ import annotations

import sys

from measure import compare, program, report

_EMPTY = """
import click
@click.group()
def cli(): "Nothing."
@cli.command()
def one(): "One."
cli(["--help"])
"""


def main() -> None:
    """Measure and print."""
    navtex = program([sys.executable, "-m", "notifier.cli", "--help"])
    report([compare("navtex --help", navtex, program([sys.executable, "-c", _EMPTY]), limit=2)])


if __name__ == "__main__":
    main()
