from __future__ import annotations

from feeds.database import Database


def test_a_fresh_database_is_up_to_date(database: Database) -> None:
    assert database.current() == "0001"
    assert database.upgrade() is False
