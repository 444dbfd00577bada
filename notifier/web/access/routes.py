"""The routes of signing in, tokens, users and the audit log."""

from __future__ import annotations

from notifier.web.access import audit, oidc_sign_in, signing_in, token_page, users

ACCESS = (*signing_in.ROUTES, *oidc_sign_in.ROUTES, *token_page.ROUTES, *users.ROUTES, *audit.ROUTES)
