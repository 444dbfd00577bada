"""The documentation's numbers are those of the code."""

from __future__ import annotations

import pytest

from feeds.core import limits
from feeds.sources import compression
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
        ("a response", f"{limits.RESPONSE >> 20} MiB each"),
        ("an index that is itself", f"{compression.LARGEST >> 20} MiB"),
        ("a page or a feed", f"{limits.PAGE >> 20} MiB"),
        ("the headers of a response", f"{limits.HEADERS >> 10} KiB"),
        ("a robots.txt", f"{limits.ROBOTS >> 10} KiB"),
        ("one request", f"{limits.REQUEST:.0f} seconds | tried again, three times"),
        ("redirects", f"{limits.REDIRECTS}, no loops"),
        ("documents that a source", f"{limits.FOLLOWED:,}"),
        ("memory of the crawl", f"{limits.MEMORY >> 30} GiB"),
        ("the reason of a failure", f"{limits.REASON} characters"),
        ("entries of one document", f"{limits.ENTRIES:,} "),
        ("one entry", f"{limits.ENTRY >> 20} MiB"),
        ("entries of a source that count", f"{limits.SOURCE_STORED:,}"),
        ("CVEs that the claims of one source", f"the newest {limits.CLAIMED:,} are"),
        ("CVEs that a document only mentions", f"the first {limits.MENTIONS} are"),
        ("entries of all documents of a source", f"{limits.SOURCE_ENTRIES:,}, together {limits.SOURCE_SIZE >> 20} MiB"),
        ("claims, names and references", f"{limits.CLAIMS} of each"),
        ("items of one digest", f"{limits.DIGEST_ITEMS}: the worst"),
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
    assert (limits.LEAST_LISTED, limits.TRIES, limits.GOOD_POLLS, limits.LEAST_POLLS) == ((3, 4), 3, 30, 5)
    assert "fewest entries of its last thirty good polls, if there were at least five" in SOURCES
    assert limits.SILENT_AFTER.days == 3
    assert "Nothing could be read for three days" in SOURCES
    assert f"A poll requests at most {limits.MODULE_FILES} of them" in SOURCES
    assert "less than three quarters" in SOURCES
    assert f"({limits.GONE_AFTER.seconds // 3600} hours, because timers" in SOURCES
    assert (limits.NAMED, limits.AT_ONCE, limits.PEAK.days) == (3, 3, 28)
    assert "three or more entries disappear in the same poll" in SOURCES
    assert "the most entries of the last four weeks" in SOURCES
    assert f"holds {limits.DIGEST_ITEMS} items at most" in NEWS
    assert "names three or more" in SOURCES
