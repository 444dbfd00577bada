from __future__ import annotations

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.storage import bulk
from notifier.storage.tables import notice
from tests.support.samples import DAY, START


@pytest.mark.parametrize("count", [1, 3, 1200])
def test_rows_are_made_and_get_new_values_however_many_they_are(database: Database, count: int) -> None:
    with database.begin() as connection:
        made = [(f"key {n}", bulk.moment(connection, START), "") for n in range(count + 1)]
        bulk.insert_rows(connection, notice, ("key", "created_at", "message"), made)
        numbers = list(connection.execute(sa.select(notice.c.id).order_by(notice.c.id)).scalars())
        later = bulk.moment(connection, START + DAY)
        rows = [(f"why {n}, “{{quoted}}” % %s", later, n) for n in numbers[:count]]
        bulk.update_rows(connection, notice, ("message", "created_at"), rows)
    with database.connect() as connection:
        found = connection.execute(sa.select(notice.c.message, notice.c.created_at).order_by(notice.c.id)).all()
    assert [tuple(f) for f in found[:count]] == [(message, START + DAY) for message, _, _ in rows]
    assert tuple(found[count]) == ("", START), "the others stay as they were"
