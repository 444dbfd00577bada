"""The digest of a new edition names the hosts to audit again, of its scope only."""

from __future__ import annotations

from pathlib import Path

from feeds.advisories.records import Edition, Kind
from feeds.storage.database import Database
from notifier.alerts.digest import AuditsDue, OlderAudit
from notifier.domain.audits import Audit, AuditTool
from notifier.domain.filters import Filters, Scope
from notifier.domain.hosts import Hosts
from notifier.storage import audits
from tests.integration.notifier.services.test_benchmarks import edition
from tests.support.samples import DAY, NOW, START, install, publish, run, subscribe

ONLY = Filters(kinds=(Kind.BENCHMARK,))


def audited(database: Database, **hosts: str) -> None:
    """Store an audit of each host against a version; "" is an unknown edition."""
    with database.begin() as connection:
        audits.store(
            connection,
            (
                Audit(
                    host=host.replace("_", "-"), tool=AuditTool.INSPEC, at=START, passed=1, failed=0, other=0,
                    edition=Edition(version) if version else None,
                )
                for host, version in hosts.items()
            ),
            START,
        )  # fmt: skip


def news(database: Database, folder: Path, filters: Filters = ONLY) -> AuditsDue | None:
    """What the digest of edition 1.8.0 says, after a welcome with 1.7.0."""
    publish(database, edition("1.7.0", dated="2024-12-03", engines=("25.0",)))
    subscribe(database, f"file://{folder}/out", filters=filters)
    run(database)
    publish(database, edition("1.8.0", dated="2025-07", engines=("29",)), at=NOW + DAY)
    (digest,) = run(database, NOW + DAY).digests
    (item,) = digest.items
    return item.audits


def test_hosts_are_grouped_by_the_edition_of_their_last_audit(database: Database, tmp_path: Path) -> None:
    install(database, db_1="25.0.5", web_1="29.5.0", web_2="29.7.2", web_3="29.7.2", web_4="29.5.0", web_5="29.5.0")
    audited(database, db_1="1.6.0", web_1="1.7.0", web_2="1.6.0", web_3="1.8.0", web_4="", gone="1.5.0")
    assert news(database, tmp_path) == AuditsDue(
        again=(
            OlderAudit(None, Hosts(1, ("web-4",))),
            OlderAudit(Edition("1.6.0"), Hosts(1, ("web-2",))),
            OlderAudit(Edition("1.7.0"), Hosts(1, ("web-1",))),
        ),
        never=Hosts(1, ("web-5",)),
    )


def test_hosts_of_other_scopes_are_not_named(database: Database, tmp_path: Path) -> None:
    install(database, web_1="29.5.0", db_1="29.5.0")
    audited(database, web_1="1.7.0", db_1="1.7.0")
    found = news(database, tmp_path, Filters(kinds=(Kind.BENCHMARK,), scope=Scope(hosts=("web-*",))))
    assert found == AuditsDue((OlderAudit(Edition("1.7.0"), Hosts(1, ("web-1",))),), Hosts(0, ()))


def test_many_hosts_are_counted_and_a_few_are_named(database: Database, tmp_path: Path) -> None:
    names = {f"web_{n:02}": "29.5.0" for n in range(30)}
    install(database, START, **names)
    audited(database, **dict.fromkeys(list(names)[:12], "1.7.0"))
    found = news(database, tmp_path)
    assert found is not None
    assert (found.again[0].hosts.count, len(found.again[0].hosts.names)) == (12, 5)
    assert found.never.count == 18


def test_nothing_is_said_of_audits_where_none_was_imported(database: Database, tmp_path: Path) -> None:
    install(database, web_1="29.5.0")
    assert news(database, tmp_path) is None
