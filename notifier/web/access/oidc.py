"""Signing in at an OpenID Connect provider: the code flow with PKCE, state and nonce."""

from __future__ import annotations

from notifier.web.calls import Route

ROUTES: tuple[Route, ...] = ()
