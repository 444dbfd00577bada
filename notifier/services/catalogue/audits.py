"""`navtex benchmark import` and `audits`: audits that people have made, and the hosts to audit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from feeds import storage
from feeds.advisories.cis_editions import label, named, place
from feeds.advisories.records import ENGINE, Advisory, Edition
from feeds.core.errors import UnknownName
from feeds.storage.database import Connection, Database
from notifier.assessment.benchmark_editions import Editions
from notifier.assessment.matcher import Matcher
from notifier.domain.audits import Audit, AuditDue, AuditStanding, CheckList, standing
from notifier.domain.components import BadRow, Note, Tally
from notifier.domain.filters import Scope
from notifier.inventory.audits import read
from notifier.inventory.text import Text
from notifier.schemas.benchmark import HostAudit, HostAudits, audit_row
from notifier.schemas.fields import whole
from notifier.services.catalogue.benchmarks import find
from notifier.services.snapshot.scopes import check_hosts, nothing_in
from notifier.storage import audits, hosts_by_component, inventory

_CLOCKS = timedelta(days=1)
"""So far a clock may be ahead before its date is taken for wrong."""


@dataclass(slots=True)
class AuditImport:
    """What an import of audits did."""

    new: int = 0
    same: int = 0
    """Audits that were stored before."""
    completed: int = 0
    """Audits that were stored before, and now have their checks."""
    bad: int = 0

    @property
    def empty(self) -> bool:
        """Whether there was no audit in it that could be read."""
        return not (self.new or self.same or self.completed)


@dataclass(slots=True)
class _Work:
    connection: Connection
    known: Collection[str]
    edition: Edition | None
    now: datetime
    report: AuditImport = field(default_factory=AuditImport)
    notes: Tally = field(default_factory=Tally)


def import_audits(
    database: Database,
    text: Text,
    now: datetime,
    told: Callable[[BadRow | Note], None],
    *,
    host: str = "",
    edition: str = "",
) -> AuditImport:
    """Store the audits in a text, in one transaction; `told` gets what could not be read, and notes, as they come.

    `host` names the host where the text does not, `edition` the edition, whatever the text says. InventoryError where
    nothing of the text can be read, UnknownName for an edition that cannot be one.
    """
    with database.begin() as connection:
        editions = _editions(connection, now)
        known = {label(e) for e, _ in editions.all}
        work = _Work(connection, known, _named(editions, edition) if edition else None, now)
        for found in read(text, host):
            if isinstance(found, Note):
                told(found)
                continue
            wrong = _store(work, found)
            if wrong:
                work.report.bad += 1
                told(wrong)
        for note in work.notes.notes():
            told(note)
    return work.report


def _store(work: _Work, found: Audit | CheckList | BadRow) -> BadRow | None:
    """Store an audit, or say why not."""
    if isinstance(found, BadRow):
        return found
    found = replace(found, host=audits.inventory_name(work.connection, found.host))
    if isinstance(found, CheckList):
        if audits.attach(work.connection, found):
            work.report.completed += 1
            return None
        reason = (
            f"the checks of {found.policy} on {found.host} say neither their date nor their edition, and no audit of "
            "that policy was imported; import the answer of /sca/AGENT first"
        )
        return BadRow(found.where, reason)
    if found.at > work.now + _CLOCKS:
        return BadRow(f"the audit of {found.host}", f"it is dated {found.at:%Y-%m-%d %H:%M} UTC, which is to come")
    audit = replace(found, edition=work.edition, doubt="") if work.edition else found
    done = audits.store(work.connection, [audit], work.now)
    work.report.new += done.new
    work.report.same += done.same
    _remark(work, audit)
    return None


def _remark(work: _Work, audit: Audit) -> None:
    if audit.edition is None:
        work.notes.add(f"{audit.doubt}; name it with --edition", audit.host)
    elif work.known and label(audit.edition) not in work.known:
        work.notes.add(f"{label(audit.edition)} is an edition that no source lists", audit.host)
    elif audit.doubt:
        work.notes.add(f"read as {label(audit.edition)}: {audit.doubt}; --edition can say otherwise", audit.host)
    if not inventory.count(work.connection, Scope(hosts=(audit.host,))):
        work.notes.add("hosts that are not in the inventory", audit.host)


def _named(editions: Editions, name: str) -> Edition:
    """The edition that an operator names, known or not."""
    try:
        found = find(editions, name).edition
    except UnknownName:
        found = named(name)
        if found is None:
            raise
    assert found is not None
    return Edition(found.version, found.line)


def _editions(connection: Connection, now: datetime) -> Editions:
    return Matcher(storage.catalogue(connection), now.date()).editions


@dataclass(frozen=True, slots=True)
class AuditsAnswer:
    """The hosts, how many more there are, how many are up to date, and why there are none ("" if there are)."""

    value: HostAudits
    more: int
    current: int
    nothing: str


def host_audits(
    database: Database, scope: Scope, now: datetime, *, everything: bool = False, limit: int | None = None
) -> AuditsAnswer:
    """The hosts of a scope that are to be audited, with their audits; with `everything`, the others too."""
    with database.connect() as connection:
        check_hosts(connection, scope)
        rows = list(_rows(connection, scope, _editions(connection, now)))
        nothing = nothing_in(connection, scope)
    wanted = [r for r in rows if everything or r.reasons]
    listed = tuple(wanted[:limit])
    value = HostAudits(generated_at=whole(now), hosts=listed)
    return AuditsAnswer(value, len(wanted) - len(listed), sum(not r.reasons for r in rows), "" if rows else nothing)


_DueEdition = tuple[Advisory, Edition, str]


def _rows(connection: Connection, scope: Scope, editions: Editions) -> Iterator[HostAudit]:
    due = _due(connection, editions)
    made = audits.newest(connection, checks=True)
    upgraded = audits.upgrades(connection, scope)
    engines = [n for n, c in inventory.components(connection).items() if c.product == ENGINE]
    seen = set()
    for host, tags, numbers, _ in hosts_by_component.hosts_running(connection, scope, engines):
        seen.add(host)
        editions_due = [due[n] for n in numbers if n in due]
        newest = max(editions_due, key=lambda d: place(d[1]), default=None)
        at = upgraded.get(host)
        yield _row(host, tags, newest, standing(newest[1] if newest else None, made.get(host, ()), at), at)
    named_hosts = {h.lower() for h in scope.hosts}
    for host in sorted(made.keys() - seen):
        if scope == Scope() or host.lower() in named_hosts:
            latest = max(made[host], key=lambda a: a.at)
            yield _row(host, {}, None, AuditStanding(latest, (AuditDue.NO_ENGINE,)), None)


def _due(connection: Connection, editions: Editions) -> Mapping[int, _DueEdition]:
    found = {}
    for number, component in inventory.components(connection).items():
        if due := editions.due(component):
            advisory, reason = due
            assert advisory.edition is not None
            found[number] = advisory, advisory.edition, reason
    return found


def _row(
    host: str, tags: dict[str, str], due: _DueEdition | None, found: AuditStanding, upgraded: datetime | None
) -> HostAudit:
    return HostAudit(
        host=host,
        tags=tags,
        due=due[0].name if due else None,
        due_reason=due[2] if due else None,
        reasons=found.reasons,
        upgraded_at=whole(upgraded) if upgraded else None,
        audit=audit_row(found.audit) if found.audit else None,
    )
