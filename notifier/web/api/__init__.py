"""The API for programs, /api/v1."""

from __future__ import annotations

from notifier.web.calls import Route

API: tuple[Route, ...] = ()
