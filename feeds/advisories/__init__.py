"""Advisories as values: records, facts, releases, merging by alias, corrections, and what prose says. Pure."""
