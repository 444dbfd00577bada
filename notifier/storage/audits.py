"""Audits of hosts, and when their engines were last upgraded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.records import ENGINE, Edition
from feeds.storage import insert
from feeds.versions.upstream import key
from notifier.domain.audits import Audit, AuditTool, CheckList, FailedCheck
from notifier.domain.components import Component
from notifier.domain.filters import Scope, merged
from notifier.storage import bulk, tables
from notifier.storage.component_changes import runs
from notifier.storage.inventory import components, conditions


@dataclass(slots=True)
class Stored:
    """What storing audits did."""

    new: int = 0
    same: int = 0


def store(connection: Connection, audits: Iterable[Audit], now: datetime) -> Stored:
    """Store audits. One that is stored already is replaced: it may come with its checks now."""
    done, table = Stored(), tables.audit
    for audit in audits:
        edition = audit.edition or Edition("")
        same = (
            table.c.host == audit.host,
            table.c.tool == audit.tool.value,
            table.c.line == edition.line,
            table.c.version == edition.version,
            table.c.at == audit.at,
        )
        before = connection.execute(sa.select(table.c.id, table.c.listed).where(*same)).one_or_none()
        if before is None:
            number = insert(connection, table, **_row(audit), imported_at=now)
            done.new += 1
        else:
            number = before.id
            done.same += 1
            values = _row(audit) | {"listed": audit.listed or before.listed, "imported_at": now}
            connection.execute(sa.update(table).where(table.c.id == number).values(values))
        if audit.listed:
            _store_checks(connection, number, audit.failures)
    return done


def attach(connection: Connection, checks: CheckList) -> bool:
    """Store the failed checks with the latest audit of their policy and host; whether there is one."""
    table = tables.audit
    number = connection.execute(
        sa.select(table.c.id)
        .where(table.c.host == checks.host, table.c.tool == AuditTool.WAZUH.value, table.c.policy == checks.policy)
        .order_by(table.c.at.desc(), table.c.id.desc())
        .limit(1)
    ).scalar()
    if number is None:
        return False
    connection.execute(sa.update(table).where(table.c.id == number).values(listed=True))
    _store_checks(connection, number, checks.failures)
    return True


def _store_checks(connection: Connection, number: int, failures: Collection[FailedCheck]) -> None:
    table = tables.audit_check
    connection.execute(sa.delete(table).where(table.c.audit == number))
    rows = [(number, place, one.id, one.title) for place, one in enumerate(failures)]
    bulk.insert_rows(connection, table, ("audit", "place", "check", "title"), rows)


def _row(audit: Audit) -> dict[str, Any]:
    edition = audit.edition or Edition("")
    return {
        "host": audit.host,
        "tool": audit.tool.value,
        "line": edition.line,
        "version": edition.version,
        "doubt": audit.doubt,
        "at": audit.at,
        "score": audit.score,
        "passed": audit.passed,
        "failed": audit.failed,
        "other": audit.other,
        "policy": audit.policy,
        "listed": audit.listed,
    }


def newest(
    connection: Connection, hosts: Collection[str] | None = None, *, checks: bool = False
) -> dict[str, list[Audit]]:
    """By host, the latest audit against each edition; with `checks`, each with those that failed."""
    table = tables.audit
    chosen = [] if hosts is None else [bulk.in_list(connection, table.c.host, sorted(hosts))]
    latest = (
        sa.select(table.c.host, table.c.line, table.c.version, sa.func.max(table.c.at).label("at"))
        .where(*chosen)
        .group_by(table.c.host, table.c.line, table.c.version)
        .subquery()
    )
    same = [table.c[name] == latest.c[name] for name in ("host", "line", "version", "at")]
    rows = connection.execute(sa.select(table).join(latest, sa.and_(*same)).order_by(table.c.id)).all()
    failures = _failures(connection, [r.id for r in rows]) if checks else {}
    found: dict[str, list[Audit]] = defaultdict(list)
    for row in rows:
        audit = _audit(row)
        found[row.host].append(replace(audit, failures=tuple(failures.get(row.id, ()))))
    return found


def of_hosts_running(
    connection: Connection, scope: Scope, numbers: Collection[int], without: Iterable[Scope] = ()
) -> dict[str, list[Audit]]:
    """The same for the hosts of a scope that run some components, without those of other scopes."""
    host, installation = tables.host, tables.installation
    those = [sa.not_(sa.and_(sa.true(), *conditions(connection, other))) for other in merged(without)]
    running = (
        sa.select(host.c.name)
        .join(installation, installation.c.host == host.c.id)
        .where(
            bulk.in_list(connection, installation.c.component, sorted(numbers)), *conditions(connection, scope), *those
        )
    )
    audited = sa.select(tables.audit.c.host).where(tables.audit.c.host.in_(running)).distinct()
    return newest(connection, connection.execute(audited).scalars().all())


def any_stored(connection: Connection) -> bool:
    """Whether an audit was ever imported."""
    return connection.execute(sa.select(sa.exists().where(tables.audit.c.id.is_not(None)))).scalar() or False


def _audit(row: Any) -> Audit:
    return Audit(
        host=row.host,
        tool=AuditTool(row.tool),
        at=row.at,
        edition=Edition(row.version, row.line) if row.version else None,
        doubt=row.doubt,
        score=row.score,
        passed=row.passed,
        failed=row.failed,
        other=row.other,
        policy=row.policy,
        listed=row.listed,
    )


def _failures(connection: Connection, numbers: Collection[int]) -> dict[int, list[FailedCheck]]:
    found: dict[int, list[FailedCheck]] = defaultdict(list)
    columns = ("audit", "check", "title")
    for number, check, title in bulk.select_in(connection, tables.audit_check, columns, "audit", list(numbers)):
        found[number].append(FailedCheck(check, title))
    return found


def inventory_name(connection: Connection, name: str) -> str:
    """The name of a host as the inventory writes it, if it is there in other letters; else the name."""
    host = tables.host
    alike = sa.select(host.c.name).where(sa.func.lower(host.c.name) == sa.func.lower(name)).order_by(host.c.name)
    found = connection.execute(alike.limit(2)).scalars().all()
    return name if name in found or len(found) != 1 else found[0]


def upgrades(connection: Connection, scope: Scope) -> dict[str, datetime]:
    """When an import first saw each host of a scope with a newer engine than before: its last upgrade."""
    departed, installation, host = tables.departure, tables.installation, tables.host
    engines = {n: c for n, c in components(connection).items() if c.product == ENGINE}
    moments, numbers = runs(connection), sorted(engines)
    rows = connection.execute(
        sa.select(host.c.name, departed.c.component, departed.c["import"], installation.c.component.label("now"))
        .join(departed, departed.c.host == host.c.id)
        .join(installation, installation.c.host == host.c.id)
        .where(
            bulk.in_list(connection, departed.c.component, numbers),
            bulk.in_list(connection, installation.c.component, numbers),
            *conditions(connection, Scope(tags=scope.tags, hosts=scope.hosts)),
        )
    )
    found: dict[str, datetime] = {}
    for name, left, run, now in rows:
        if _older(engines[left], engines[now]):
            found[name] = max(moments[run], found.get(name, moments[run]))
    return found


def _older(one: Component, other: Component) -> bool:
    return key(one.version) < key(other.version)
