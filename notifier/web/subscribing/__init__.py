"""Subscribing oneself, unsubscribing, and feeds."""

from __future__ import annotations

from notifier.web.calls import Route

SUBSCRIBING: tuple[Route, ...] = ()
