"""`navtex inventory collect` from many hosts over SSH, beside the same collection from a tenth of them.

    collect.py [--targets N] [--jobs N] [--timeout SECONDS] [--fast]

A program in the place of `ssh` answers as hosts do: after 0.2 to 2 seconds, and of each hundred hosts one hangs, one
refuses, one is unknown, one answers garbage and one floods with 100 MB. With --fast all answer at once.

Ten times the hosts may take ten times as long, and no more memory. The time is also given beside the least that is
possible: what the hosts take together, divided by the number of parallel queries.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_TIME, _MEMORY, _LEAST = 12.0, 1.2, 2.0
"""The most times that ten times the hosts may take in seconds and in memory, and that the least time may take."""
_FAILS = {
    1: ("timed out",),
    2: ("login refused",),
    3: ("unreachable",),
    4: ("its answer is not",),
    5: ("its answer is larger", "timed out"),
}
"""What the hosts of these numbers, of each hundred, are listed with. On a slow machine, a flood may time out."""

_SSH = r"""#!/bin/sh
folder=%(folder)s
while [ "$1" != -- ]; do shift; done
number=${2#host-}
last=${number#"${number%%??}"}
case $last in
  01) exec sleep 600;;
  02) echo "ops@$2: Permission denied (publickey)." >&2; exit 255;;
  03) echo "ssh: Could not resolve hostname $2: Name or service not known" >&2; exit 255;;
  04) exec head -c 50000 "$folder/garbage";;
  05) exec head -c 100000000 /dev/zero;;
esac
%(delay)s
exec cat "$folder/answer-${number#"${number%%?}"}"
"""
_DELAY = 'tenths=$((${last#0} %% 19 + 2)); sleep "$((tenths / 10)).$((tenths %% 10))"'


def answer(number: int) -> str:
    """What the probe prints on a host."""
    version = f"29.{number % 7}.{number % 3}"
    server = {
        "Platform": {"Name": "Docker Engine - Community"},
        "Version": version,
        "Components": [{"Name": "Engine", "Version": version}, {"Name": "runc", "Version": "1.3.0"}],
    }
    container = {"Id": f"{number:064x}", "Image": f"sha256:{number:064x}", "Config": {"Image": f"nginx:{number}"}}
    image = {
        "Id": f"sha256:{number:064x}",
        "RepoTags": [f"nginx:{number}"],
        "RepoDigests": [],
        "RootFS": {"Layers": [f"sha256:{number:064x}"]},
        "Os": "linux",
        "Architecture": "amd64",
    }
    parts = {
        "begin": "host",
        "os-release": 'ID=debian\nVERSION_ID="12"',
        "dpkg": f"docker-ce\t5:{version}-1~debian.12~bookworm\tinstall ok installed\n"
        "containerd.io\t1.7.27-1\tinstall ok installed",
        "program": f"Docker version {version}, build 1234567",
        "docker": json.dumps({"Client": {"Version": version}, "Server": server}),
        "containers": json.dumps(container, separators=(",", ":")),
        "images": json.dumps(image, separators=(",", ":")),
        "end": "",
    }
    return "".join(f"\n=== navtex probe: {name} ===\n{text}\n" for name, text in parts.items())


def seconds_of(number: int, timeout: float, *, fast: bool) -> float:
    """The seconds that a host takes."""
    last = number % 100
    if last == 1:
        return timeout
    return 0.0 if fast or 2 <= last <= 5 else (last % 19 + 2) / 10


@dataclass(frozen=True)
class Collected:
    """What a collection took."""

    hosts: int
    seconds: float
    cpu: float
    peak: float
    """MiB."""
    least: float
    """The seconds that the hosts take together, divided by the number of parallel queries."""

    def __str__(self) -> str:
        return (
            f"{self.hosts:6} hosts: {self.seconds:7.1f} s ({self.least:.1f} s at least), "
            f"{self.cpu:.1f} s of processor, {self.peak:.0f} MiB"
        )


def collect(hosts: int, options: argparse.Namespace) -> Collected:
    """Collect from so many hosts into an empty database."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ssh").write_text(_SSH % {"folder": folder, "delay": "" if options.fast else _DELAY % ()})
        (folder / "ssh").chmod(0o755)
        (folder / "garbage").write_bytes(os.urandom(50_000))
        for number in range(10):
            (folder / f"answer-{number}").write_text(answer(number))
        # a number of at least two digits, the last of which say what the host does
        (folder / "hosts").write_text("".join(f"host-{n + 100:06} env=prod\n" for n in range(hosts)))
        environment = {
            **os.environ,
            "HOME": name,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "NAVTEX_DATABASE_URL": f"sqlite:///{folder}/navtex.db",
        }
        command = [sys.executable, "-m", "notifier.cli", "inventory", "collect", "--ssh-hosts", str(folder / "hosts")]
        command += ["--jobs", str(options.jobs), "--timeout", str(options.timeout), "--format", "json"]
        began = time.perf_counter()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if process.returncode not in (0, 1):
            sys.exit((folder / "err").read_text())
        check(json.loads((folder / "out").read_text()), hosts)
    takes = sum(seconds_of(n, options.timeout, fast=options.fast) for n in range(hosts))
    cpu = usage.ru_utime + usage.ru_stime
    return Collected(hosts, seconds, cpu, usage.ru_maxrss / 1024, takes / options.jobs)


def check(answered: dict[str, object], hosts: int) -> None:
    """Exit with an error if the list lacks a host that did not answer, or its reason."""
    expected = {f"ssh host-{n + 100:06}": _FAILS[n % 100] for n in range(hosts) if n % 100 in _FAILS}
    missing = answered["missing"]
    assert isinstance(missing, list)
    said = {one["target"]: one["reason"] for one in missing}
    wrong = [name for name in {*expected, *said} if not said.get(name, "").startswith(expected.get(name, ("\0",)))]
    found = answered["hosts"]
    assert isinstance(found, dict)
    if wrong or found["new"] != hosts - len(expected):
        few = {name: said.get(name) for name in wrong[:5]}
        sys.exit(f"{len(wrong)} hosts are listed wrongly, of {hosts}: {few}; {found}")
    kinds = Counter(reason.split(" (")[0] for reason in said.values())
    print(f"        {len(said)} of {hosts} did not answer: {', '.join(f'{n} {why}' for why, n in kinds.items())}")


def main() -> None:
    """Collect from a tenth of the hosts, and from all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=2000, metavar="N")
    parser.add_argument("--jobs", type=int, default=64, metavar="N")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS")
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    few = collect(options.targets // 10, options)
    print(few)
    many = collect(options.targets, options)
    print(many)
    rules = [
        ("ten times the hosts, in seconds", many.seconds / few.seconds, _TIME),
        ("ten times the hosts, in memory", many.peak / few.peak, _MEMORY),
    ]
    if not options.fast:
        rules.append(("the least time", many.seconds / many.least, _LEAST))
    for name, ratio, limit in rules:
        print(f"{'ok  ' if ratio <= limit else 'OVER'}  {name}: {ratio:.2f} times (at most {limit:g})")
    sys.exit(0 if all(ratio <= limit for _, ratio, limit in rules) else 1)


if __name__ == "__main__":
    main()
