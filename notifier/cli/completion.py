"""`navtex completion`."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a completion script for bash, zsh or fish.

    Create the folder first if needed: mkdir -p ~/.local/share/bash-completion/completions

    \b
    navtex completion bash > ~/.local/share/bash-completion/completions/navtex
    navtex completion zsh > ~/.zfunc/_navtex
    navtex completion fish > ~/.config/fish/completions/navtex.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    root = ctx.find_root().command
    assert found is not None
    click.echo(found(root, {}, "navtex", "_NAVTEX_COMPLETE").source())
