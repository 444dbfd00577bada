"""Options of the commands about images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from feeds.images.references import Reference, reference
from notifier.cli.common import scope_options

F = TypeVar("F", bound=Callable[..., Any])


class _ReferenceType(click.ParamType[Reference]):
    name = "reference"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Reference:
        """The reference, or a usage error."""
        found = value if isinstance(value, Reference) else reference(str(value))
        if found is None:
            self.fail(f"{value!r} is not the name of an image (registry/repository:tag)", param, ctx)
        return found


BASE = _ReferenceType()


def host_options(command: F) -> F:
    """`--host` and `--tag`: which hosts are meant."""
    without = scope_options(command)
    without.__click_params__ = [p for p in without.__click_params__ if p.name != "products"]  # type: ignore[attr-defined]
    return without
