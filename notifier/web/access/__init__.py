"""Signing in, tokens, users and the audit log."""
