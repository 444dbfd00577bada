"""The pages that people look at."""

from __future__ import annotations

from notifier.web.calls import Route

PAGES: tuple[Route, ...] = ()
