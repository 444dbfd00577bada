"""Digests: work out what is news, queue it, and deliver it."""
