"""Importing this imports the whole program: what `forked` forks from."""

from tests.support.forked import preload

preload()
