"""What InSpec and CINC Auditor report with `--reporter json` of a CIS Docker profile.  Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from feeds.advisories.cis_editions import named, place
from feeds.advisories.records import Edition
from feeds.core.errors import InventoryError
from notifier.domain.audits import Audit, AuditTool
from notifier.inventory.audits import fields
from notifier.inventory.text import seq, word

_STATUSES = ("passed", "failed", "skipped", "error")
_WORSE = ("skipped", "passed", "failed")
"""What a control counts as that a profile includes from another: the worst of both."""


def recognises(value: dict[str, Any]) -> bool:
    """Whether a JSON value is such a report; the report of `json-min`, too, to say so."""
    return ("profiles" in value and ("platform" in value or "statistics" in value)) or _is_short(value)


def _is_short(value: dict[str, Any]) -> bool:
    return "controls" in value and "statistics" in value and "profiles" not in value


def read(value: dict[str, Any], host: str) -> Audit | str:
    """The audit that a report tells of, or why it tells of none; InventoryError says what is wrong with it."""
    if _is_short(value):
        raise InventoryError("it is the short report, without dates and titles; use `--reporter json`")
    profiles = fields.objects(value.get("profiles"), "`profiles`")
    chosen = [p for p in profiles if _is_cis_docker(p)]
    if not chosen:
        names = ", ".join(fields.shown(word(p, "title") or word(p, "name")) for p in profiles) or "none"
        return f"it has no CIS Docker profile, but {names}"
    edition, doubt = _edition(chosen)
    worst: dict[str, tuple[str, Any]] = {}
    moments: list[datetime] = []
    for name, status, title, times in _controls(chosen):
        if name not in worst or _WORSE.index(status) > _WORSE.index(worst[name][0]):
            worst[name] = status, title
        moments += times
    if not moments:
        raise InventoryError("no control in it has a `start_time`, so it does not say when the audit was")
    counted = Counter(status for status, _ in worst.values())
    failures = [fields.failed(_number(n, t), t, n) for n, (status, t) in worst.items() if status == "failed"]
    return Audit(
        host=fields.host_in(value, host),
        tool=AuditTool.INSPEC,
        at=max(moments),
        edition=edition,
        doubt=doubt,
        passed=counted["passed"],
        failed=counted["failed"],
        other=counted["skipped"],
        failures=fields.distinct(failures),
    )


def _is_cis_docker(profile: dict[str, Any]) -> bool:
    said = " ".join(word(profile, field) for field in ("name", "title", "summary"))
    return bool(re.search(r"\bCIS\b", said, re.IGNORECASE) and re.search(r"\bDocker\b", said, re.IGNORECASE))


def _edition(profiles: Iterable[dict[str, Any]]) -> tuple[Edition | None, str]:
    """The edition that the profiles name, else the newest that a tag or reference of a control names."""
    for profile in profiles:
        for field in ("title", "summary", "name"):
            if found := named(word(profile, field)):
                return found, ""
    tagged = {edition for profile in profiles for text in _labels(profile) if (edition := named(text))}
    newest = max(tagged, key=place, default=None)
    if newest is None:
        return None, "its profile does not say which edition it follows"
    return newest, "taken from the tags of its controls, of which the newest edition counts"


def _labels(profile: dict[str, Any]) -> Iterator[str]:
    for control in seq(profile, "controls"):
        tags = control.get("tags") if isinstance(control, dict) else None
        for name, value in tags.items() if isinstance(tags, dict) else ():
            yield str(name)
            yield value if isinstance(value, str) else ""
        yield from (word(ref, "ref") for ref in seq(control, "refs"))


def _controls(profiles: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, Any, list[datetime]]]:
    """(id, status, title, moments) of each control."""
    for profile in profiles:
        where = f"`controls` of {fields.shown(word(profile, 'name'))}"
        for number, control in enumerate(fields.objects(profile.get("controls"), where)):
            at = f"{where}[{number}]"
            name = word(control, "id")
            if not name:
                raise InventoryError(f"{at} has no `id`")
            results = fields.objects(control.get("results", []), f"results of {at}")
            statuses = [one.get("status") for one in results]
            if unknown := [s for s in statuses if s not in _STATUSES]:
                raise InventoryError(f"a result of {at} is {fields.shown(unknown[0])}, not {' or '.join(_STATUSES)}")
            times = [fields.moment(t, f"`start_time` of {at}") for one in results if (t := one.get("start_time"))]
            yield name, _status(statuses), control.get("title"), times


def _status(statuses: list[Any]) -> str:
    if "failed" in statuses or "error" in statuses:
        return "failed"
    return "passed" if "passed" in statuses else "skipped"


def _number(name: str, title: Any) -> str:
    """The number of a check in the benchmark, where the control's title or id ends or begins with one; else its id."""
    begins = re.match(r"\(?(\d+(?:\.\d+)+)\)?[\s:.-]", title) if isinstance(title, str) else None
    ends = re.search(r"(?:^|[-_ ])(\d+(?:\.\d+)+)$", name)
    found = begins or ends
    return found[1] if found else name
