"""The JSON log of docker-bench-security: `log/docker-bench-security.log.json`.  Pure.

The log names the script's version, never the benchmark's edition. The script's releases and the table in its README
say which edition each follows; from 1.5.0 on both have the same number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from feeds.advisories.records import Edition
from feeds.core.errors import InventoryError
from notifier.domain.audits import Audit, AuditTool, FailedCheck
from notifier.inventory.audits import fields

_FOLLOWS: Final = {
    "1.3.0": Edition("1.0.0", "1.13"),
    "1.3.1": Edition("1.0.0", "1.13"),
    "1.3.2": Edition("1.0.0", "1.13"),
    "1.3.3": Edition("1.1.0"),
    "1.3.4": Edition("1.1.0"),
    "1.3.5": Edition("1.2.0"),
    "1.3.6": Edition("1.4.0"),
    "1.5.0": Edition("1.5.0"),
    "1.6.0": Edition("1.6.0"),
    "1.6.1": Edition("1.6.0"),
}
_MOVED: Final = {"1.3.6": "docker-bench-security 1.3.6 moved from edition 1.2.0 over 1.3.1 to 1.4.0"}
"""Versions under which the script moved from one edition to another without a release."""
_SAME_NUMBER = (1, 5)
_RESULTS = ("PASS", "WARN", "INFO", "NOTE")


def recognises(value: dict[str, Any]) -> bool:
    """Whether a JSON value is such a log."""
    return "dockerbenchsecurity" in value


def read(value: dict[str, Any], host: str) -> Audit:
    """The audit that a log tells of; InventoryError says what is wrong with it."""
    edition, doubt = edition_of(value["dockerbenchsecurity"])
    if "end" not in value:
        raise InventoryError("it has no `end`: docker-bench-security was interrupted, or writes still")
    counted: Counter[str] = Counter()
    failures = []
    for result, check in _results(value):
        counted[result] += 1
        if result == "WARN":
            failures.append(check)
    if sum(counted.values()) > fields.MOST_CHECKS:
        raise InventoryError(f"it has more than the {fields.MOST_CHECKS} checks that an audit can have")
    return Audit(
        host=fields.host_in(value, host),
        tool=AuditTool.DOCKER_BENCH,
        at=fields.seconds(value["end"], "`end`"),
        edition=edition,
        doubt=doubt,
        score=fields.score(value.get("score"), "`score`"),
        passed=counted["PASS"],
        failed=counted["WARN"],
        other=counted["INFO"] + counted["NOTE"],
        failures=fields.distinct(failures),
    )


def _results(value: dict[str, Any]) -> Iterator[tuple[str, FailedCheck]]:
    for number, test in enumerate(fields.objects(value.get("tests"), "`tests`")):
        at = f"`tests`[{number}].results"
        for place, one in enumerate(fields.objects(test.get("results"), at)):
            result = one.get("result")
            if result not in _RESULTS:
                raise InventoryError(
                    f"the result of {at}[{place}] is {fields.shown(result)}, not {' or '.join(_RESULTS)}"
                )
            yield result, fields.failed(one.get("id"), _title(one.get("desc")), f"{at}[{place}]")


def _title(text: Any) -> Any:
    """A description without the number of the check, which older releases repeat."""
    return re.sub(r"^[\d.]+\s+-\s+", "", text) if isinstance(text, str) else text


def edition_of(version: Any) -> tuple[Edition | None, str]:
    """The edition that a version of the script follows, and why that is not certain ("" if it is)."""
    if not isinstance(version, str) or not re.fullmatch(r"v?\d{1,4}\.\d{1,4}(\.\d{1,4})?", version.strip(), re.ASCII):
        raise InventoryError(f"the version of docker-bench-security is {fields.shown(version)}")
    number = version.strip().lstrip("v")
    if number in _FOLLOWS:
        return _FOLLOWS[number], _MOVED.get(number, "")
    major, minor = (int(n) for n in number.split(".")[:2])
    if (major, minor) < _SAME_NUMBER:
        return None, f"it is not known which edition docker-bench-security {number} follows"
    return Edition(f"{major}.{minor}.0"), f"taken from the version of docker-bench-security, {number}"
