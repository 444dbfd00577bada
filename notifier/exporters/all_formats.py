"""The formats of other tools, registered here and nowhere else.

A format has a NAME, which `--format` takes, and `write(document)`, which gives its text.
"""

from __future__ import annotations

from typing import Final, Protocol

from notifier.exporters import csaf, cyclonedx, openvex, sarif
from notifier.exporters.model import ExportDocument


class ExportFormat(Protocol):
    """What a module of a format has."""

    NAME: str

    def write(self, document: ExportDocument) -> str:
        """The document's text; UsageProblem if the format cannot say it."""
        ...


FORMATS: Final[dict[str, ExportFormat]] = {f.NAME: f for f in (openvex, csaf, sarif, cyclonedx)}
"""Every format for other tools, by what `--format` calls it."""
