"""Looks for known vulnerabilities in what is locked: `make audit`.

    audit.py PIP-AUDIT LOCK...

Without the database of advisories (no network, an index that has none) it says so and ends well, unless
NAVTEX_AUDIT=required. pip-audit by itself would call packages well that it could not look up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def audit(program: str, lock: Path) -> dict[str, Any] | str:
    """What pip-audit found, or why it could not look."""
    flags = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run([program, *flags, "--requirement", lock], capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def probe(program: str, lock: Path) -> str:
    """Why the database cannot be asked, found out with one package; "" where it can."""
    pinned = re.search(r"^[\w.-]+==[\w.!+-]+", lock.read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.txt"
        one.write_text(f"{pinned[0]}\n", encoding="utf-8")
        found = audit(program, one)
    return found if isinstance(found, str) else "; ".join(skipped(found))


def skipped(found: dict[str, Any]) -> list[str]:
    """Why packages were not looked up."""
    return [d["skip_reason"] for d in found["dependencies"] if d.get("skip_reason")]


def vulnerable(found: dict[str, Any]) -> list[str]:
    """The packages that have known vulnerabilities, each with their names and what fixes them."""
    return [
        f"{d['name']} {d['version']}: {v['id']}, fixed in {', '.join(v['fix_versions']) or 'no version'}"
        for d in found["dependencies"]
        for v in d.get("vulns", ())
    ]


def main(program: str, locks: list[Path]) -> int:
    """The exit status: 1 where something is vulnerable, or could not be looked up although it had to be."""
    reason = probe(program, locks[0])
    if reason:
        print(f"audit: SKIPPED, the database of advisories cannot be asked: {reason}")
        return int(os.environ.get("NAVTEX_AUDIT") == "required")
    problems = []
    for lock in locks:
        found = audit(program, lock)
        these = [found] if isinstance(found, str) else vulnerable(found) + skipped(found)
        problems += [f"audit: {lock}: {text}" for text in these]
        print(f"audit: {lock}: {'see below' if these else 'no known vulnerability'}")
    print("\n".join(problems))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [Path(name) for name in sys.argv[2:]]))
