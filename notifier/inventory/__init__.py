"""Inventories: one module for each format, each a recogniser and a reader from text to hosts.  Pure."""

from notifier.domain.components import gathered
from notifier.inventory.all_formats import FORMATS, InputFormat
from notifier.inventory.reading import InputOptions, Reading, open_text, read

__all__ = ["FORMATS", "InputFormat", "InputOptions", "Reading", "gathered", "open_text", "read"]
