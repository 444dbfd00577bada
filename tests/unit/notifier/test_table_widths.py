"""Tables fit the terminal: no head is cut, and no version or date is broken while there is room."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.cli.common import table
from notifier.cli.table_widths import ColumnLimits, widths

HOST = "production-frontend-0123456789.eu-central-1.example.org"
COLUMNS: list[str | tuple[str, dict[str, object]]] = [
    ("Host", {"min_width": 6}),
    ("Runs", {"min_width": 10}),
    ("Advisory", {"no_wrap": True}),
    "Severity",
    "Upgrade to",
    ("Due", {"no_wrap": True}),
    ("Note", {"no_wrap": True}),
]
ROWS = [[HOST, "engine 20.10.24+dfsg1", "CVE-2024-41110", "critical 9.9", "29.5.3", "2026-12-24", "(12)"]]


def shown(columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = StringIO()
    table(COLUMNS, ROWS, empty="", file=text)
    return text.getvalue().splitlines()


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
def test_heads_versions_and_dates_stay_whole(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(columns, monkeypatch)
    assert max(map(len, lines)) <= columns
    words = " ".join(lines).split()
    assert {"Advisory", "Severity", "Upgrade", "Due", "Note"} <= {*words}
    assert {"20.10.24+dfsg1", "CVE-2024-41110", "29.5.3", "2026-12-24", "(12)"} <= {*words}
    rule = next(number for number, x in enumerate(lines) if x.startswith("─"))
    host = "".join(x[: lines[rule - 1].index("Runs")].strip() for x in lines[rule + 1 :])
    assert host == HOST


@pytest.mark.parametrize("columns", [30, 50, 70])
def test_where_there_is_no_room_cells_are_broken_and_nothing_is_lost(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(columns, monkeypatch)
    assert max(map(len, lines)) <= columns
    letters = sorted(c for x in lines for c in x if c.isalnum())
    heads = [c if isinstance(c, str) else c[0] for c in COLUMNS]
    assert letters == sorted(c for text in (*heads, *ROWS[0]) for c in text if c.isalnum())


limits = st.builds(ColumnLimits, st.sampled_from(["Id", "Host", "Upgrade to"]), whole=st.booleans())
cells = st.sampled_from(["", "29.5.3", "engine 25.0.5, 26.1.4", "2026-12-24", HOST, "5:25.0.5-1~ubuntu.22.04~jammy"])


@given(st.lists(st.tuples(limits, cells), min_size=1, max_size=6), st.integers(60, 200))
def test_columns_share_the_room(columns: list[tuple[ColumnLimits, str]], room: int) -> None:
    found, gap = widths([c for c, _ in columns], [[cell for _, cell in columns]], room)
    wanted = [max(len(c.head), len(cell)) for c, cell in columns]
    assert sum(found) == min(sum(wanted), room - gap * (len(columns) - 1))
    assert all(1 <= f <= w for f, w in zip(found, wanted, strict=True))


def test_dates_and_advisories_stay_whole_where_a_long_version_cannot() -> None:
    heads = ["Host", "Runs", "Advisory", "Severity", "Verdict", "Why", "Due", "Note"]
    row = [
        HOST,
        "engine 20.10.24+dfsg1-very-long-x",
        "CVE-2024-41110",
        "critical 9.9",
        "not affected",
        "(1)",
        "2026-12-24",
        "(2)",
    ]
    found, gap = widths([ColumnLimits(h, least=6 if h == "Host" else 0) for h in heads], [row], 80)
    assert sum(found) + gap * 7 == 80
    assert (found[2], found[6], found[7]) == (14, 10, 4)
    assert found[0] >= 6
