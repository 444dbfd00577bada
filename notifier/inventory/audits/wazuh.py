"""Results of Wazuh's security configuration assessment: answers of its API, and alerts.  Pure.

`/sca/AGENT` tells of the last scan of each policy, `/sca/AGENT/checks/POLICY` lists its checks; neither names the host.
An alert names the agent; a summary comes with every scan, and a check when its result has changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from feeds.advisories.cis_editions import named
from feeds.advisories.records import Edition
from feeds.core.errors import InventoryError
from feeds.core.text import one_line
from notifier.domain.audits import Audit, AuditFound, AuditTool, CheckList, FailedCheck
from notifier.domain.components import Note, Tally
from notifier.inventory.audits import fields
from notifier.inventory.text import obj, seq, word

_RESULTS: Final = {"passed": "passed", "failed": "failed", "not applicable": "other", "": "other", "invalid": "other"}


def answers(value: dict[str, Any]) -> bool:
    """Whether a JSON value is an answer of Wazuh's API, be it an error."""
    refused = "title" in value and "detail" in value
    return refused or (isinstance(value.get("data"), dict) and bool({"affected_items", "items"} & value["data"].keys()))


def alert(value: dict[str, Any]) -> bool:
    """Whether a JSON value is an alert of Wazuh, of whatever kind."""
    event = obj(value, "_source") or value
    return "rule" in event and "agent" in event


def is_cis_docker(*texts: str) -> bool:
    """Whether a policy's name or id is that of a CIS Docker benchmark."""
    said = re.sub(r"[_-]", " ", " ".join(texts)).lower()
    return re.search(r"\bcis\b.*\bdocker\b", said) is not None


@dataclass(slots=True)
class _Scan:
    """What the alerts say of one policy on one host."""

    policy: str
    name: str
    summary: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    latest: datetime | None = None
    checks: dict[str, tuple[datetime, str, FailedCheck]] = field(default_factory=dict)


class Alerts:
    """The alerts of a file, put together: an audit is made of many."""

    def __init__(self) -> None:
        self._scans: dict[tuple[str, str], _Scan] = {}
        self._others = Tally()

    def add(self, value: dict[str, Any]) -> None:
        """One alert; InventoryError says what is wrong with it."""
        event = obj(value, "_source") or value
        said = obj(event, "data", "sca") or obj(event, "data.sca")
        if not said:
            self._others.add(
                "alerts of other kinds are left out", one_line(word(event, "rule", "description"), 100) or "alert"
            )
            return
        policy = _name(said, "policy_id") or _name(said, "policy")
        if not is_cis_docker(_name(said, "policy"), policy):
            self._others.add("policies other than CIS Docker benchmarks are left out", _name(said, "policy") or policy)
            return
        kind = word(said, "type")
        if kind not in ("summary", "check"):
            raise InventoryError(f"its type is {fields.shown(said.get('type'))}, not summary or check")
        host = fields.checked_host(word(event, "agent", "name"))
        at = fields.moment(event.get("timestamp") or event.get("@timestamp"), "its timestamp")
        # a check names the policy only by its title
        place = host, _name(said, "policy") or policy
        scan = self._scans.get(place) or _Scan(policy, _name(said, "policy"))
        if kind == "summary":
            self._summary(scan, said, at)
        else:
            self._check(scan, obj(said, "check"), at)
        scan.latest = max(at, scan.latest or at)
        self._scans[place] = scan

    @staticmethod
    def _summary(scan: _Scan, said: dict[str, Any], at: datetime) -> None:
        for name in ("passed", "failed"):
            fields.count(said.get(name), f"`{name}`")
        fields.count(said.get("invalid", 0), "`invalid`")
        fields.score(said.get("score"), "`score`")
        if scan.at is None or at >= scan.at:
            scan.at, scan.summary = at, said
            scan.policy = _name(said, "policy_id") or scan.policy

    @staticmethod
    def _check(scan: _Scan, said: dict[str, Any], at: datetime) -> None:
        number = word(said, "id")
        before = scan.checks.get(number)
        if len(scan.checks) >= fields.MOST_CHECKS and not before:
            raise InventoryError(f"its policy has more than the {fields.MOST_CHECKS} checks that an audit can have")
        check = _failed(said, "the check")
        result = _result(said, "the check")
        if before is None or at >= before[0]:
            scan.checks[number] = at, result, check

    def finish(self) -> Iterator[AuditFound]:
        """The audits that the alerts tell of, and what else there was."""
        partial = Tally()
        for (host, name), scan in self._scans.items():
            audit = _of_alerts(host, name, scan)
            if audit.failed != len(audit.failures) or not scan.summary:
                partial.add("Wazuh sends a check only when its result changes: not every failed check is listed", host)
            yield audit
        yield from partial.notes()
        yield from self._others.notes()


def _of_alerts(host: str, name: str, scan: _Scan) -> Audit:
    counted = Counter(result for _, result, _ in scan.checks.values())
    failures = fields.distinct(check for _, result, check in scan.checks.values() if result == "failed")
    edition, doubt = _edition(name, scan.policy)
    said, at = scan.summary, scan.at or scan.latest
    assert at is not None
    return Audit(
        host=host,
        tool=AuditTool.WAZUH,
        at=at,
        edition=edition,
        doubt=doubt,
        score=fields.score(said.get("score"), "`score`"),
        passed=fields.count(said["passed"], "`passed`") if said else counted["passed"],
        failed=fields.count(said["failed"], "`failed`") if said else counted["failed"],
        other=fields.count(said.get("invalid", 0), "`invalid`") if said else counted["other"],
        policy=scan.policy,
        failures=failures,
        listed=bool(scan.checks),
    )


@dataclass(slots=True)
class _Listed:
    """The checks of a policy on a host, of which an answer may hold a part."""

    where: str
    total: int = 0
    checks: dict[str, tuple[str, FailedCheck]] = field(default_factory=dict)


class Answers:
    """The answers of the API in a file, put together: the checks belong to the policy that another answer names."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._audits: dict[tuple[str, str], Audit] = {}
        self._lists: dict[tuple[str, str], _Listed] = {}
        self._notes: list[Note] = []

    def add(self, value: dict[str, Any], where: str) -> None:
        """One answer; InventoryError says what is wrong with it."""
        if "data" not in value:
            raise InventoryError(f"Wazuh refused: {word(value, 'title')}, {word(value, 'detail')}")
        data = obj(value, "data")
        items = fields.objects(data.get("affected_items", data.get("items")), "`affected_items`")
        if not items:
            failed = "; ".join(word(f, "error", "message") for f in seq(data, "failed_items"))
            raise InventoryError(f"it contains no result: {failed or word(value, 'message') or 'the list is empty'}")
        host = fields.host_in(value, self._host)
        if all("result" in one or "status" in one for one in items):
            self._checks(items, data, host, where)
        else:
            self._policies(items, host)

    def _policies(self, items: list[dict[str, Any]], host: str) -> None:
        others = []
        for number, one in enumerate(items):
            policy, name = _name(one, "policy_id"), _name(one, "name")
            if is_cis_docker(name, policy):
                self._audits[host, policy] = _of_policy(one, host, f"of `affected_items`[{number}]")
            else:
                others.append(name or policy or "a policy without a name")
        if others:
            self._notes.append(Note(f"policies other than CIS Docker benchmarks are left out ({', '.join(others)})"))

    def _checks(self, items: list[dict[str, Any]], data: dict[str, Any], host: str, where: str) -> None:
        policies = {_name(one, "policy_id") for one in items}
        if len(policies) > 1 or not (policy := policies.pop()):
            raise InventoryError("its checks do not name one `policy_id`")
        total = fields.count(data.get("total_affected_items", len(items)), "`total_affected_items`")
        found = {}
        for number, one in enumerate(items):
            at = f"`affected_items`[{number}]"
            found[word(one, "id") or at] = _result(one, at), _failed(one, at)
        listed = self._lists.setdefault((host, policy), _Listed(where))
        listed.total = max(total, listed.total)
        listed.checks |= found

    def finish(self) -> Iterator[AuditFound]:
        """The audits with their checks, and lists of checks whose audit is in no other answer."""
        for key, audit in self._audits.items():
            listed = self._lists.pop(key, None)
            yield replace(audit, failures=_failures(listed), listed=True) if listed else audit
            yield from _missing(listed)
        for (host, policy), listed in self._lists.items():
            counted = Counter(result for result, _ in listed.checks.values())
            yield CheckList(
                where=listed.where,
                host=host,
                policy=policy,
                passed=counted["passed"],
                failed=counted["failed"],
                other=counted["other"],
                failures=_failures(listed),
            )
            yield from _missing(listed)
        yield from self._notes


def _of_policy(one: dict[str, Any], host: str, at: str) -> Audit:
    policy = _name(one, "policy_id")
    edition, doubt = _edition(_name(one, "name"), policy, word(one, "description"))
    return Audit(
        host=host,
        tool=AuditTool.WAZUH,
        at=fields.moment(one.get("end_scan") or one.get("start_scan"), f"`end_scan` {at}"),
        edition=edition,
        doubt=doubt,
        score=fields.score(one.get("score"), f"`score` {at}"),
        passed=fields.count(one.get("pass"), f"`pass` {at}"),
        failed=fields.count(one.get("fail"), f"`fail` {at}"),
        other=fields.count(one.get("invalid", 0), f"`invalid` {at}"),
        policy=policy,
        listed=False,
    )


def _failures(listed: _Listed) -> tuple[FailedCheck, ...]:
    return fields.distinct(check for result, check in listed.checks.values() if result == "failed")


def _missing(listed: _Listed | None) -> Iterator[Note]:
    if listed and listed.total > len(listed.checks):
        had = f"{len(listed.checks)} of {listed.total} checks are in it"
        yield Note(f"{listed.where}: {had}; ask the API for more with `limit` and `offset`")


def _name(said: dict[str, Any], field_: str) -> str:
    """A name of a policy, fit to be stored and shown."""
    return one_line(word(said, field_), 200)


def _edition(*texts: str) -> tuple[Edition | None, str]:
    found = next((edition for text in texts if (edition := named(text.replace("_", " ")))), None)
    return found, "" if found else "its policy does not say which edition it follows"


def _result(said: dict[str, Any], what: str) -> str:
    text = (word(said, "result") or word(said, "status")).lower()
    if text not in _RESULTS:
        raise InventoryError(f"the result of {what} is {fields.shown(text)}, not passed, failed or not applicable")
    return _RESULTS[text]


def _failed(said: dict[str, Any], what: str) -> FailedCheck:
    """A check under its number in the benchmark, where Wazuh gives it, else under Wazuh's own."""
    numbers = word(said, "compliance", "cis")
    for one in seq(said, "compliance"):
        if word(one, "key") == "cis":
            numbers = word(one, "value")
    return fields.failed(numbers or said.get("id"), said.get("title"), what)
