"""Checks systemd units by systemd's own programs: `make systemd`.

    units.py FILE...

They must be valid, and a service's exposure must be under 2.0 of 10. The program that a service starts
need not be installed here: another stands for it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

_LIMIT = 20
"""Tenths of the score of `systemd-analyze security`."""


def verify(files: list[Path]) -> int:
    """The exit status of `systemd-analyze verify`, which is silent where all is well."""
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for file in files:
            text = file.read_text(encoding="utf-8")
            # "true" is there on every machine; that the path is one is all that verify asks
            copy = Path(folder) / file.name
            copy.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.MULTILINE), encoding="utf-8")
            copies.append(copy)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *copies], capture_output=True, text=True, check=False
        )
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode or int(bool(done.stderr.strip()))


def expose(file: Path) -> int:
    """The exit status of `systemd-analyze security`, with its last line, the score, on standard output."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={_LIMIT}", "--no-pager", file],
        capture_output=True,
        text=True,
        check=False,
    )
    print((done.stdout.strip().splitlines() or [done.stderr])[-1])
    return done.returncode


if __name__ == "__main__":
    units = [Path(name) for name in sys.argv[1:]]
    statuses = [verify(units), *(expose(unit) for unit in units if unit.suffix == ".service")]
    sys.exit(max(statuses))
