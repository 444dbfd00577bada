"""Every limit on what a source may do, in one place; a test compares the documentation with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

LEAST_LISTED: Final = (3, 4)
"""The share of its former entries that a list must still have; with less it is taken for a broken page."""
GONE_AFTER: Final = timedelta(hours=23)
"""How far apart the two good polls are that must both miss an entry. An hour less than a day: timers are not exact."""
NAMED: Final = 3
"""A first list without entries is not believed where another source names as many that it should have."""
