"""The documentation's numbers are those of the code."""

from __future__ import annotations

import pytest

from feeds.core import limits
from tests.conftest import ROOT

HOSTILE = (ROOT / "docs" / "explanation" / "hostile-input.md").read_text(encoding="utf-8")
NEWS = (ROOT / "docs" / "explanation" / "what-counts-as-news.md").read_text(encoding="utf-8")
SOURCES = (ROOT / "docs" / "reference" / "sources.md").read_text(encoding="utf-8")


def row(start: str) -> str:
    """The line of the table of limits that begins so."""
    [found] = [line for line in HOSTILE.splitlines() if line.startswith(f"| {start}")]
    return found


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("entries of one document", f"{limits.ENTRIES:,}, each up to {limits.ENTRY >> 20} MiB"),
        ("CVEs that a document only mentions", f"the first {limits.MENTIONS} are"),
        ("entries of all documents of a source", f"{limits.SOURCE_ENTRIES:,}"),
        ("claims, names and references", f"{limits.CLAIMS} of each"),
        ("items of one digest", f"{limits.DIGEST_ITEMS}, the worst"),
        ("parsing the documents of a host", f"{limits.HOST_READING:.0f} seconds of CPU time"),
        ("an address in a document", f"{limits.ADDRESS:,} bytes"),
        ("a name", f"{limits.NAME} bytes"),
        ("a title", f"{limits.TITLE} characters"),
        ("a header that is kept", f"{limits.HEADER:,} characters"),
    ],
)
def test_the_table_of_limits_has_the_numbers_of_the_code(start: str, words: str) -> None:
    assert words in row(start)


def test_the_rules_of_sources_have_the_numbers_of_the_code() -> None:
    assert limits.LEAST_LISTED == (3, 4)
    assert "less than three quarters" in SOURCES
    assert f"({limits.GONE_AFTER.seconds // 3600} hours, because timers" in SOURCES
    assert limits.NAMED == 3
    assert f"holds {limits.DIGEST_ITEMS} items at most" in NEWS
    assert "names three or more" in SOURCES
