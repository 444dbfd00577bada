"""Audits of hosts against the CIS Docker benchmark: one file a tool, each a recogniser and a reader.  Pure."""

from notifier.inventory.audits.reading import KNOWN, read

__all__ = ["KNOWN", "read"]
