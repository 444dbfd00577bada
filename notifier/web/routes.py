"""The table of routes: every path that the server answers."""

from __future__ import annotations

from notifier.web.access.routes import ACCESS
from notifier.web.api.routes import API
from notifier.web.handler_values import Route
from notifier.web.liveness import MACHINES
from notifier.web.pages.routes import PAGES
from notifier.web.self_service.routes import SUBSCRIBING

__all__ = ["ROUTES", "Route"]

ROUTES: tuple[Route, ...] = (*MACHINES, *ACCESS, *PAGES, *API, *SUBSCRIBING)
"""Tried in this order."""
