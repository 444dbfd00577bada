"""The table of routes: every path that the server answers."""

from __future__ import annotations

from notifier.web.access import ACCESS
from notifier.web.api import API
from notifier.web.calls import Route
from notifier.web.machines import MACHINES
from notifier.web.pages import PAGES
from notifier.web.subscribing import SUBSCRIBING

__all__ = ["ROUTES", "Route"]

ROUTES: tuple[Route, ...] = (*MACHINES, *ACCESS, *PAGES, *API, *SUBSCRIBING)
"""Tried in this order."""
