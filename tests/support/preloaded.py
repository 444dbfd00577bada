"""Importing this imports the whole program: what `forked` forks from."""

import pytest  # noqa: F401 - with `-n 0`, each child runs what the tests were started by, which imports it

from tests.support.forked import preload

preload()
