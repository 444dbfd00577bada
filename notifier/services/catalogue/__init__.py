"""Advisories, benchmark editions with audits, and sources; what operators silence and assign."""
