"""Reading an inventory whole, as tests look at it."""

from __future__ import annotations

from notifier import inventory
from notifier.domain import components


def read(text: str | bytes, form: str = "", host: str = "") -> components.Inventory:
    """All that a text holds, hosts of one name and view joined."""
    return components.gathered(inventory.read(text, form, host))
