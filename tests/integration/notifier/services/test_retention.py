"""What is forgotten with time, and what never is, on both kinds of database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from feeds import storage
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.images.records import (
    HeldImage,
    Image,
    ImageIndex,
    ImageManifest,
    IndexMember,
    Material,
    MemberRole,
    RegistryItem,
    TagAnswer,
)
from feeds.storage import tables as feeds_tables
from feeds.storage.database import Database
from notifier.alerts.silences import Assignment, Silence
from notifier.domain.components import Component, Host, Observed
from notifier.domain.filters import Filters, Scope
from notifier.domain.images import HostImages, ImageUse
from notifier.domain.messages import Target
from notifier.domain.retry import DeliveryState
from notifier.domain.schedule import Schedule
from notifier.rendering import notices
from notifier.services.hosts.host_images import keep_host_images
from notifier.services.upkeep.retention import forget
from notifier.storage import delivery_log, host_listing, inventory, outbox, retention, silences, subscriptions, tables
from tests.support.images import digest
from tests.support.samples import DAY, NOW, START, install, names, publish, record, run, subscribe

LATER = NOW + 500 * DAY


def count(database: Database, table: sa.Table) -> int:
    with database.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def told(database: Database) -> dict[int, Any]:
    with database.connect() as connection:
        return subscriptions.told(connection, subscriptions.named(connection, "ops"))


def many_digests(database: Database, folder: Path, days: int) -> None:
    """A digest a day of something that gets worse and better, beside one that was told once."""
    install(database, lab_1="25.0.5")
    listed = [record("CVE-2026-1", below="25.0.6"), record("CVE-2026-2", below="25.0.6")]
    publish(database, *listed)
    subscribe(database, f"file://{folder}", filters=Filters(everything=True), schedule=Schedule(remind="never"))
    run(database, NOW)
    for day in range(1, days):
        listed.append(record(f"CVE-2026-1{day:03}", below="25.0.6"))
        publish(database, *listed, at=NOW + day * DAY)
        run(database, NOW + day * DAY)


def test_the_ledger_outlives_the_digests_and_nobody_is_told_twice(database: Database, tmp_path: Path) -> None:
    many_digests(database, tmp_path / "ops", 4)
    before = told(database)
    assert count(database, tables.outbox) == count(database, tables.attempt) == 4
    assert forget(database, LATER, 400)["digests"] == 4
    assert told(database) == before
    assert count(database, tables.outbox) == count(database, tables.attempt) == 0
    with database.connect() as connection:
        assert set(connection.execute(sa.select(tables.digest.c.message)).scalars()) == {""}
    assert set(forget(database, LATER, 400).values()) == {0}
    assert run(database, LATER).digests == []

    others = [
        record(name, below="25.0.6") for name in ("CVE-2026-2", "CVE-2026-1001", "CVE-2026-1002", "CVE-2026-1003")
    ]
    publish(database, record("CVE-2026-1", below="25.0.4"), *others, at=LATER)
    (digest,) = run(database, LATER + DAY).digests
    assert names(digest.items) == ["CVE-2026-1"]
    assert [i.change for i in digest.items] == ["correction"]
    assert digest.threads, "the digest that began the thread is known"


def test_a_digest_that_nothing_leans_on_goes_whole(database: Database, tmp_path: Path) -> None:
    install(database, lab_1="25.0.5")
    subscribe(database, f"file://{tmp_path}/ops")
    for number, low in enumerate(("25.0.6", "25.0.4", "25.0.6", "25.0.4")):
        publish(database, record("CVE-2026-1", below=low), at=NOW + number * DAY)
        run(database, NOW + number * DAY)
    made = count(database, tables.digest)
    assert made > 2
    forget(database, LATER, 400)
    assert count(database, tables.digest) == 2, "the first of the thread, and the last"
    assert len(told(database)) == 1


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING])
def test_what_is_to_be_delivered_stays_however_old(database: Database, tmp_path: Path, state: DeliveryState) -> None:
    many_digests(database, tmp_path / "ops", 2)
    with database.begin() as connection:
        (first, _) = connection.execute(sa.select(tables.outbox.c.id).order_by(tables.outbox.c.id)).scalars()
        connection.execute(
            sa.update(tables.outbox).where(tables.outbox.c.id == first).values(state=state.value, claimed_at=LATER)
        )
    assert forget(database, LATER, 400)["digests"] == 1
    with database.connect() as connection:
        (left,) = delivery_log.entries(connection)
        assert (left.id, left.state, left.subject != "") == (first, state, True)
        assert outbox.pending(connection) == 1


def test_what_is_younger_stays(database: Database, tmp_path: Path) -> None:
    many_digests(database, tmp_path / "ops", 4)
    assert forget(database, NOW + 401 * DAY + timedelta(hours=1), 400)["digests"] == 2
    assert count(database, tables.outbox) == 2


def test_a_notice_goes_with_its_deliveries_and_one_that_is_pending_stays(database: Database) -> None:
    with database.begin() as connection:
        for number in range(3):
            one = notices.written(f"key {number}", "a subject", ["a paragraph"], NOW)
            outbox.put_notice(connection, one, [Target("json://127.0.0.1", "")])
        connection.execute(sa.update(tables.outbox).where(tables.outbox.c.notice != 3).values(state="sent"))
    assert forget(database, LATER, 400, at_once=1)["notices"] == 2
    with database.connect() as connection:
        assert [e.key for e in delivery_log.entries(connection)] == ["key 2"]


def test_much_is_forgotten_in_small_steps(database: Database, tmp_path: Path) -> None:
    many_digests(database, tmp_path / "ops", 5)
    assert forget(database, LATER, 400, at_once=2)["digests"] == 5


def test_an_item_that_moved_goes_and_one_that_was_withdrawn_stays(database: Database) -> None:
    publish(database, record("CVE-2026-1"), record("CVE-2026-2"), complete=True)
    with database.begin() as connection:
        item = feeds_tables.item
        rows = connection.execute(sa.select(item)).mappings().all()
        document = connection.execute(sa.select(feeds_tables.document)).mappings().one()
        connection.execute(sa.insert(feeds_tables.document), {**document, "url": "https://example.org/page-2"})
        moved = {k: v for k, v in rows[0].items() if k != "id"} | {"document": "https://example.org/page-2"}
        connection.execute(sa.update(item).values(gone_at=NOW))
        connection.execute(sa.insert(item), {**moved, "gone_at": None})
        before = storage.catalogue(connection)
    assert forget(database, LATER, 400)["items"] == 1
    with database.connect() as connection:
        after = storage.catalogue(connection)
    assert [(a.name, a.withdrawn) for a in after.advisories] == [(a.name, a.withdrawn) for a in before.advisories]
    assert sorted(bool(a.withdrawn) for a in after.advisories) == [False, True]


def test_imports_are_forgotten_when_nothing_comes_from_them(database: Database) -> None:
    declared = Host("lab-1", (Component("engine", "25.0.5"),), {}, view=Observed.DECLARED)
    running = Host("lab-1", (Component("runc", "1.2.5"),), {}, view=Observed.RUNNING)
    with database.begin() as connection:
        for host, scope in ((declared, "list"), (declared, "list"), (running, "engines"), (running, "engines")):
            inventory.take(connection, [host], {}, START, scope=scope)
        empty = [{"scope": 1, "at": START}] * (retention.FEW_IMPORTS + 10)
        connection.execute(sa.insert(tables.inventory_import), empty)
        inventory.take(connection, [running], {}, NOW, scope="engines")
        (before,) = host_listing.hosts(connection)
    assert forget(database, LATER, 400)["imports"] == len(empty) - 1 + 1, "of each scope the newest stays"
    with database.begin() as connection:
        left = connection.execute(sa.select(tables.inventory_import.c.id)).scalars().all()
        assert sorted(left)[:3] == [1, 2, 3], "a host was first seen by 1 and 3, and what is declared of it is from 2"
        assert host_listing.hosts(connection) == [before]


@pytest.mark.long
def test_a_thousand_days_need_no_more_room_than_a_hundred(sqlite_database: Database, tmp_path: Path) -> None:
    install(sqlite_database, lab_1="25.0.5")
    subscribe(sqlite_database, f"file://{tmp_path}/ops")
    sizes = []
    for number in range(30):
        at = datetime(2026, 1, 1, tzinfo=UTC) + number * 34 * DAY
        publish(sqlite_database, record("CVE-2026-1", below="25.0.6" if number % 2 else "25.0.4"), at=at)
        run(sqlite_database, at)
        forget(sqlite_database, at, 100)
        with sqlite_database.connect() as connection:
            sizes.append(connection.execute(sa.text("PRAGMA page_count")).scalar_one())
    assert max(sizes) == max(sizes[:10])


def versions(database: Database) -> list[str]:
    with database.connect() as connection:
        return sorted(c.version for c in inventory.components(connection).values())


def test_components_that_nobody_has_run_for_long_go_with_what_is_said_of_them(database: Database) -> None:
    many = tuple(Component("runc", f"1.0.{n}") for n in range(retention.FEW + 2))
    kept = Host("lab-2", (Component("engine", "25.0.5"),), {}, view=Observed.INSTALLED)
    with database.begin() as connection:
        inventory.take(connection, [Host("lab-1", many, {}), kept], {}, START)
    publish(database, record("CVE-2026-1", products=("runc",), below="1.0.9"), record("CVE-2026-2", below="25.0.6"))
    subscribe(database, "json://127.0.0.1:9/x", schedule=Schedule(remind="never"))
    run(database, NOW)
    with database.begin() as connection:
        inventory.remove(connection, "lab-1")
    assert forget(database, NOW, 400)["components"] == 0, "it is only noted that nobody runs them"
    assert forget(database, NOW + 399 * DAY, 400)["components"] == 0
    assert forget(database, NOW + 401 * DAY, 400)["components"] == len(many)
    assert versions(database) == ["25.0.5"]
    assert count(database, tables.verdict) == 1
    assert sorted(len(t.facets.components) for t in told(database).values()) == [0, 1]
    assert run(database, NOW + 402 * DAY).digests == []


def test_a_component_that_is_run_again_stays_and_its_advisories_are_not_told_twice(database: Database) -> None:
    many = tuple(Component("runc", f"1.0.{n}") for n in range(retention.FEW + 2))
    with database.begin() as connection:
        inventory.take(connection, [Host("lab-1", many, {})], {}, START)
        inventory.remove(connection, "lab-1")
    forget(database, NOW, 400)
    with database.begin() as connection:
        inventory.take(connection, [Host("lab-2", many[:50], {})], {}, NOW)
    assert forget(database, NOW + 300 * DAY, 400)["components"] == 0
    with database.begin() as connection:
        inventory.remove(connection, "lab-2")
    forget(database, NOW + 301 * DAY, 400)
    assert forget(database, NOW + 401 * DAY, 400)["components"] == 0, "too few have been left for long"
    assert forget(database, NOW + 702 * DAY, 400)["components"] == len(many) - 1, "the newest one stays"
    assert versions(database) == [many[-1].version]


def test_a_component_that_a_view_still_has_or_a_host_left_lately_stays(database: Database) -> None:
    many = tuple(Component("runc", f"1.0.{n}") for n in range(retention.FEW + 2))
    daemon, package = Component("engine", "25.0.5"), Component("engine", "25.0.5", "docker-ce 5:25.0.5-1", "debian-12")
    with database.begin() as connection:
        inventory.take(connection, [Host("lab-1", many, {})], {}, START)
        inventory.take(connection, [Host("lab-2", (daemon,), {}, view=Observed.RUNNING)], {}, START, scope="engines")
        inventory.take(
            connection, [Host("lab-2", (package,), {}, view=Observed.INSTALLED)], {}, START, scope="packages"
        )
        inventory.take(connection, [Host("lab-1", many[:1], {})], {}, NOW)
    forget(database, NOW, 30)
    assert forget(database, NOW + 31 * DAY, 30)["components"] == 0, "lab-1 left them, which a digest may still tell"
    with database.begin() as connection:
        inventory.remove(connection, "lab-1")
    forget(database, NOW + 32 * DAY, 30)
    gone = forget(database, NOW + 63 * DAY, 30)["components"]
    assert gone == len(many)
    with database.connect() as connection:
        assert set(inventory.components(connection).values()) == {daemon, package}


def test_silences_and_what_was_in_hand_go_when_they_ended_long_ago(database: Database) -> None:
    publish(database, record("CVE-2026-1"))
    with database.begin() as connection:
        for days in (1, 500, 950):
            silences.add(connection, Silence(1, Scope(), "a reason", "me", NOW, NOW + days * DAY))
        silences.take(connection, Assignment(1, Scope(), "me", NOW.date(), NOW))
        silences.take(connection, Assignment(1, Scope(hosts=("a",)), "you", NOW.date(), NOW))
        silences.release(connection, (1,), Scope(), NOW)
    done = forget(database, NOW + 499 * DAY, 400)
    assert (done["silences"], done["hands"]) == (1, 1)
    with database.connect() as connection:
        assert [s.until for s in silences.every(connection)] == [NOW + 950 * DAY, NOW + 500 * DAY]
        assert [h.owner for h in silences.hands(connection)] == ["you"]


def test_sets_of_tags_that_no_host_has_go_when_there_are_many(database: Database) -> None:
    engine = (Component("engine", "25.0.5"),)
    with database.begin() as connection:
        for number in range(retention.FEW):
            inventory.take(connection, [Host("lab-1", engine, {"build": str(number)})], {}, START)
    assert forget(database, NOW, 400)["tagsets"] == 0
    with database.begin() as connection:
        inventory.take(connection, [Host("lab-1", engine, {"build": "last"})], {}, START)
    assert forget(database, NOW, 400)["tagsets"] == retention.FEW
    with database.connect() as connection:
        (host,) = host_listing.hosts(connection)
    assert host.tags == {"build": "last"}


def image_rows(database: Database) -> dict[str, int]:
    """How many rows each table of images has, but for the lines of products."""
    found = [t for t in feeds_tables.item.metadata.sorted_tables if t.name.startswith(("image", "running_image"))]
    return {t.name: n for t in found if (n := count(database, t))}


def put_images(database: Database, *of: HeldImage, **runs: str) -> None:
    """Let hosts run images, each by its id, and hold some."""
    uses = {host: (ImageUse("r.example/app:1", key, "linux/amd64"),) for host, key in runs.items()}
    with database.begin() as connection:
        keep_host_images(connection, [HostImages(h.replace("_", "-"), use, of) for h, use in uses.items()], START)


def held(*layers: str) -> HeldImage:
    """An image of these layers that an engine holds under a name and a digest."""
    key = digest("image", *layers)
    names = ("r.example/app:1",), (f"r.example/app@{digest('manifest', *layers)}",)
    return HeldImage(key, "linux/amd64", tuple(map(digest, layers)), *names)


def test_images_that_nothing_refers_to_are_forgotten_and_bases_of_others_are_not(database: Database) -> None:
    install(database, lab_1="25.0.5", lab_2="25.0.5")
    base, old, new = held("os"), held("os", "old"), held("os", "new", "more")
    put_images(database, base, old, new, lab_1=old.key, lab_2=new.key)
    before = image_rows(database)
    assert set(forget(database, LATER, 400).values()) == {0}
    put_images(database, lab_1=new.key)
    forget(database, LATER, 400)
    assert image_rows(database) == before | {"running_image": 2}, "nothing has left for long"
    done = forget(database, LATER + 401 * DAY, 400)
    assert (done["image_uses"], done["images"]) == (1, 1)
    with database.connect() as connection:
        assert set(storage.image_facts(connection).images) == {base.key, new.key}
    assert image_rows(database)["image_chain"] == 3
    put_images(database, lab_1=new.key, lab_2=new.key)
    assert set(forget(database, LATER + 900 * DAY, 400).values()) == {0}


def test_an_image_that_runs_again_is_not_forgotten(database: Database) -> None:
    install(database, lab_1="25.0.5")
    old, new = held("old"), held("new")
    put_images(database, old, new, lab_1=old.key)
    put_images(database, lab_1=new.key)
    forget(database, LATER, 400)
    put_images(database, lab_1=old.key)
    forget(database, LATER + 200 * DAY, 400)
    done = forget(database, LATER + 401 * DAY, 400)
    assert (done["image_uses"], done["images"]) == (0, 0)
    assert forget(database, LATER + 601 * DAY, 400)["images"] == 1
    with database.connect() as connection:
        assert set(storage.image_facts(connection).images) == {old.key}


def test_a_named_chain_stays_when_its_images_go(database: Database) -> None:
    install(database, lab_1="25.0.5")
    one = held("os", "java", "app")
    put_images(database, one, lab_1=one.key)
    with database.begin() as connection:
        facts = storage.image_facts(connection)
        number = facts.chains.parent(facts.chain[one.key])
        assert storage.name_chain(connection, number, "r.example/java:21")
        connection.execute(sa.delete(tables.running_image))
    forget(database, LATER, 400)
    assert forget(database, LATER + 401 * DAY, 400)["images"] == 1
    assert image_rows(database) == {"image_chain": 2}
    with database.connect() as connection:
        assert list(storage.named_chains(connection)) == [number]


def test_documents_of_forgotten_images_go_with_tags_that_are_not_asked_for(database: Database) -> None:
    install(database, lab_1="25.0.5")
    image, config = digest("manifest"), digest("config")
    attestation, index = digest("attestation"), digest("index")
    members = (
        IndexMember(image, "linux/amd64", MemberRole.IMAGE),
        IndexMember(digest("never read"), "linux/arm64", MemberRole.IMAGE),
        IndexMember(attestation, "", MemberRole.ATTESTATION, image),
    )
    items = (
        RegistryItem("a", tag=TagAnswer("r.example/app:1", index)),
        RegistryItem("b", index=ImageIndex(index, members)),
        RegistryItem("c", manifest=ImageManifest(image, config, ())),
        RegistryItem("d", manifest=ImageManifest(attestation, "", (), kind=MemberRole.ATTESTATION)),
        RegistryItem(f"materials:{image}", materials=(Material("pkg:docker/os", digest("os")),)),
        RegistryItem("e", image=Image(config, "linux/amd64", (digest("os"),))),
    )
    pieces = tuple(ItemPayload(i.key, msgspec.Raw(msgspec.json.encode(i))) for i in items)
    outcome = FetchResult(
        source="registries", url="u", form="tag", complete=False, result=FetchStatus.READ, at=START, items=pieces
    )
    with database.begin() as connection:
        storage.keep_answers(connection, [outcome], ())
    assert len(image_rows(database)) == 6
    forget(database, START, 400)
    assert forget(database, START + 399 * DAY, 400)["images"] == 0
    # the tag is older than that, and then nothing names the image
    assert forget(database, START + 401 * DAY, 400)["image_tags"] == 1
    forget(database, START + 402 * DAY, 400)
    assert forget(database, START + 803 * DAY, 400)["images"] == 1
    assert image_rows(database) == {}
