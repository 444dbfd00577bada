"""Reads audits of whatever tool, each by the module that recognises it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from feeds.core.errors import InventoryError
from feeds.core.text import one_line
from notifier.domain.audits import Audit, AuditFound, CheckList
from notifier.domain.components import BadRow, Note
from notifier.inventory.audits import docker_bench, fields, inspec, wazuh
from notifier.inventory.text import Item, Text

KNOWN = "the JSON log of docker-bench-security, a JSON report of InSpec or CINC Auditor, or SCA results of Wazuh"


def read(text: Text | str | bytes, host: str = "") -> Iterator[AuditFound]:
    """The audits in a text, what could not be read of it, and notes.

    The text is one JSON value, a list, or several after each other or on a line each. `host` names the host: what an
    operator says goes before what the input says, unless the input names several. InventoryError where nothing of it
    can be read.
    """
    if not isinstance(text, Text):
        text = Text.of(text)
    given = fields.checked_host(host) if host.strip() else ""
    if text.empty:
        raise InventoryError("it is empty")
    if text.sample is None:
        raise InventoryError(f"it is not JSON; what can be read is {KNOWN}", remedy=_remedy(text.head))
    yield from _named(_all(text, given), given)


def _named(found: Iterator[AuditFound], given: str) -> Iterator[AuditFound]:
    held = list(found) if given else []
    names = sorted({one.host for one in held if isinstance(one, Audit | CheckList)} - {given})
    if len(names) > 1:
        few = ", ".join(names[:3])
        yield Note(f"it names several hosts ({few}, ...), so --host {given} is only for those without a name")
    elif names:
        held = [replace(one, host=given) if isinstance(one, Audit | CheckList) else one for one in held]
    yield from held
    yield from found


def _all(text: Text, given: str) -> Iterator[AuditFound]:
    alerts, answers = wazuh.Alerts(), wazuh.Answers(given)
    for item in text.items():
        if isinstance(item, BadRow):
            yield BadRow(item.where, one_line(item.reason))
            continue
        for where, value in _each(item):
            try:
                yield from _one(value, where, given, alerts, answers)
            except InventoryError as error:
                yield BadRow(where, one_line(str(error)))
    yield from answers.finish()
    yield from alerts.finish()


def _each(item: Item) -> Iterator[tuple[str, Any]]:
    """A value, or the documents in an answer of Wazuh's indexer."""
    outer = item.value.get("hits") if isinstance(item.value, dict) else None
    hits = outer.get("hits") if isinstance(outer, dict) else None
    if isinstance(hits, list):
        yield from ((f"{item.where}, hit {number}", hit) for number, hit in enumerate(hits, 1))
    else:
        yield item.where, item.value


def _one(value: Any, where: str, host: str, alerts: wazuh.Alerts, answers: wazuh.Answers) -> Iterator[AuditFound]:
    """What a JSON value says at once; that of Wazuh is gathered."""
    if not isinstance(value, dict):
        raise InventoryError(f"it is not {KNOWN}")
    if docker_bench.recognises(value):
        yield docker_bench.read(value, host)
    elif inspec.recognises(value):
        found = inspec.read(value, host)
        yield found if isinstance(found, Audit) else Note(f"{where}: {one_line(found)}")
    elif wazuh.alert(value):
        alerts.add(value)
    elif wazuh.answers(value):
        answers.add(value, where)
    else:
        raise InventoryError(f"it is not {KNOWN}")


def _remedy(head: str) -> str:
    if "Docker Bench for Security" in head:
        return "docker-bench-security writes a log in JSON beside it, docker-bench-security.log.json"
    return ""
