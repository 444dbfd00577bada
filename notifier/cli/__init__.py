"""The command line: one module for each group of commands, imported only when it is called."""

from notifier.cli.program import COMMANDS, cli, main

__all__ = ["COMMANDS", "cli", "main"]
