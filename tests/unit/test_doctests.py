"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import feeds
import notifier


def _with_examples() -> list[str]:
    found = []
    for package in (feeds, notifier):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = (package.__name__, *path.relative_to(folder).with_suffix("").parts)
                found.append(".".join(part for part in parts if part != "__init__"))
    return found


@pytest.mark.parametrize("name", _with_examples())
def test_examples_of_docstrings_are_true(name: str) -> None:
    failed, tried = doctest.testmod(import_module(name))
    assert tried
    assert not failed
