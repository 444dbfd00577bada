"""The routes of signing in, tokens, users and the audit log."""

from __future__ import annotations

from notifier.web.access import audit, oidc, signing_in, token_page, users

ACCESS = (*signing_in.ROUTES, *oidc.ROUTES, *token_page.ROUTES, *users.ROUTES, *audit.ROUTES)
