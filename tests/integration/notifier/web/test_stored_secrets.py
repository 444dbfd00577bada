"""What a dump of the database gives away: no token, session or password; and the audit log that only grows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database, metadata
from notifier.domain.access import Role
from notifier.services.installation.audit_log import list_entries, note
from notifier.services.people.tokens import list_tokens
from notifier.web.handler_values import TokenScope
from tests.support.access import PASSWORD, SELF, token, user
from tests.support.web import NOW, browser


def dump(database: Database) -> str:
    """Every value of every table."""
    with database.connect() as connection:
        rows = (row for table in metadata.sorted_tables for row in connection.execute(sa.select(table)))
        return "\n".join(repr(tuple(row)) for row in rows)


def test_a_dump_of_the_database_lets_nobody_in(database: Database) -> None:
    user(database, "ada", Role.ADMIN, password=PASSWORD)
    with browser(database) as one:
        one.post("/login", {"name": "ada", "password": "a wrong password"})
        one.post("/login", {"name": "ada", "password": PASSWORD})
        shown = one.post("/tokens", {"name": "mine", "scope": "read", "days": "30"}).text
        secret = shown.partition("<code>nvx_")[2].partition("</code>")[0]
        key, _, random = secret.partition("_")
        assert one.get("/api/v1/hosts", authorization=f"Bearer nvx_{secret}").status == 200
        assert f"nvx_{secret}" not in one.get("/tokens").text, "shown once"
        one.post("/password", {"old": PASSWORD, "password": "the next password", "again": "the next password"})
        session = one.cookies["__Host-navtex"]
        other = token(database, TokenScope.PUSH).rpartition("_")[2]
        held = dump(database)
    assert key in held, "the part that is no secret is there, so that this looks at the right place"
    for kept in (random, other[-20:], session, PASSWORD, "the next password", "a wrong password"):
        assert kept not in held
    assert [t.name for t in list_tokens(database, NOW).tokens] == ["test", "mine"]


@pytest.mark.both
@pytest.mark.parametrize("statement", ["UPDATE audit_log SET who = 'nobody'", "DELETE FROM audit_log"])
def test_the_audit_log_only_grows(database: Database, statement: str) -> None:
    note(database, SELF, NOW, "test", "something", before={"to": "slack://T0/B0/secret-of-hook"})
    with pytest.raises(sa.exc.DBAPIError, match="only added"), database.begin() as connection:
        connection.execute(sa.text(statement))
    (entry,) = list_entries(database)
    assert (entry.who, entry.action, "secret-of-hook" in entry.before) == ("test", "test", False)
