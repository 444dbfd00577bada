"""Reading an inventory whole, as tests look at it."""

from __future__ import annotations

from notifier import inventory


def read(text: str | bytes, form: str = "", host: str = "") -> inventory.Inventory:
    """All that a text holds, hosts of one name and view joined."""
    return inventory.gathered(inventory.read(text, form, host))
