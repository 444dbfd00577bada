"""What people write has bounds, at which both kinds of database keep it, and beyond which it is refused at the door."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from io import BytesIO
from random import Random

import pytest

from feeds.core.errors import NavtexError, UsageProblem
from feeds.storage.database import Database
from notifier.domain.bounds import NAME, TEXT
from notifier.domain.filters import Filters, Scope
from notifier.domain.subscription_edits import EditOption, SubscriptionEdit
from notifier.domain.subscriptions import Subscription
from notifier.services.catalogue.silences_and_assignments import NewAssignment, NewSilence, add_silence, assign
from notifier.services.hosts.host_storing import ImportOptions
from notifier.services.hosts.importing import ReadOptions, import_text
from notifier.services.subscriptions.subscription_files import sync_subscriptions
from notifier.services.subscriptions.subscriptions import add_subscription, edit_subscription
from tests.support.samples import NOW, START, publish, record

pytestmark = pytest.mark.both

CVE = "CVE-2026-1"
UNTIL = datetime(2099, 1, 1, tzinfo=UTC)
TO = ("file:///tmp/x",)
CSV = b"host,product,version\nweb-1,engine,25.0.5\n"


def silence(reason: str = "x", author: str = "", scope: Scope = Scope()) -> Callable[[Database], object]:  # noqa: B008
    return lambda database: add_silence(database, NewSilence(CVE, scope, reason, UNTIL, author), NOW)


def owned(owner: str = "x", note: str = "", scope: Scope = Scope()) -> Callable[[Database], object]:  # noqa: B008
    return lambda database: assign(database, NewAssignment(CVE, scope, owner, date(2099, 1, 1), note), NOW)


def subscribed(name: str = "x", filters: Filters = Filters()) -> Callable[[Database], object]:  # noqa: B008
    return lambda database: add_subscription(database, Subscription(name, TO, filters, START))


def edited(text: str) -> Callable[[Database], object]:
    def edit(database: Database) -> object:
        with suppress(UsageProblem):  # it is there
            subscribed()(database)
        return edit_subscription(database, "x", SubscriptionEdit(values=((EditOption.KEYWORD, (text,)),)), NOW)

    return edit


def synced(keyword: str) -> Callable[[Database], object]:
    text = f'[subscriptions.x]\nto = ["{TO[0]}"]\nkeyword = ["{keyword}"]\n'
    return lambda database: sync_subscriptions(database, text, "ops.toml", NOW)


def imported(scope: str = "x", tag: str = "") -> Callable[[Database], object]:
    return lambda database: import_text(
        database, BytesIO(CSV), "x", (ReadOptions(), ImportOptions(scope, {"t": tag})), NOW
    )


DOORS: dict[str, tuple[Callable[[str], Callable[[Database], object]], int]] = {
    "reason": (silence, TEXT),
    "author": (lambda t: silence(author=t), NAME),
    "host of a silence": (lambda t: silence(scope=Scope(hosts=(t,))), NAME),
    "tag of a silence": (lambda t: silence(scope=Scope(tags={"t": t})), NAME - 2),
    "owner": (owned, NAME),
    "note": (lambda t: owned(note=t), TEXT),
    "tag of an assignment": (lambda t: owned(scope=Scope(tags={"t": t})), NAME - 2),
    "name": (subscribed, NAME),
    "keyword": (lambda t: subscribed(filters=Filters(keywords=(t,))), NAME),
    "tag": (lambda t: subscribed(filters=Filters(scope=Scope(tags={"t": t}))), NAME - 2),
    "edited": (edited, NAME),
    "keyword in a file": (synced, NAME),
    "scope of an import": (imported, NAME),
    "tag of an import": (lambda t: imported(tag=t), NAME - 2),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_people_write_is_kept_up_to_its_bound_and_refused_beyond(database: Database, door: str) -> None:
    publish(database, record(CVE, below="29.0.0"))
    through, most = DOORS[door]
    # of four bytes each, in an order that nobody can shorten
    longest = "".join(chr(0x20000 + number) for number in Random(1).sample(range(0xA000), most))  # noqa: S311
    for beyond in (f"{longest}W", "W" * 1_000_000):
        with pytest.raises(NavtexError) as error:
            through(beyond)(database)
        assert len(str(error.value)) < 300
    through(longest)(database)
