"""Secrets: encryption at rest, references to them, and keeping them out of what is shown."""
