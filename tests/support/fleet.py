"""Computers of our own that answer to `ssh`: a program of that name that behaves as OpenSSH's client does.

A computer is a folder: `bin/` goes before PATH there, so that its docker and its package managers are
what a test says.  Other files say how it misbehaves.
"""

from __future__ import annotations

import json
from pathlib import Path

VERSION = json.dumps(
    {
        "Client": {"Version": "29.5.0", "ApiVersion": "1.54"},
        "Server": {
            "Platform": {"Name": "Docker Engine - Community"},
            "Components": [
                {"Name": "Engine", "Version": "29.5.0", "Details": {"GitCommit": "abcdef0"}},
                {"Name": "containerd", "Version": "v2.2.5", "Details": {}},
            ],
            "Version": "29.5.0",
            "ApiVersion": "1.54",
        },
    }
)
_CLIENT = "Client:\n Version:           29.5.0\n API version:       1.54"

SSH = r"""#!/bin/sh
fleet=$(dirname "$0")/..
for word in "$@"; do printf '%s\n' "$word" >> "$fleet/argv.$$"; done
while [ "$1" != -- ]; do
  case "$1" in -p|-o) shift;; esac
  shift
done
name=${2#*@}
at="$fleet/$name"
if [ ! -d "$at" ]; then
  printf '%s\r\n' "ssh: Could not resolve hostname $name: Name or service not known" >&2
  exit 255
fi
if [ -f "$at/refuses" ]; then
  cat "$at/refuses" >&2
  exit 255
fi
if [ -f "$at/hangs" ]; then
  sleep 600 &
  echo "$$ $!" > "$at/pids.new" && mv "$at/pids.new" "$at/pids"
  wait
fi
if [ -f "$at/floods" ]; then
  exec yes "a line that never ends"
fi
if [ -f "$at/meets" ]; then
  other="$fleet/$(cat "$at/meets")"
  echo $$ > "$at/pid"
  until [ -f "$at/met" ]; do
    if [ -f "$other/pid" ] && kill -0 "$(cat "$other/pid")" 2>/dev/null; then
      touch "$at/met" "$other/met"
    fi
  done
fi
if [ -f "$at/forced" ]; then
  exec cat "$at/forced"
fi
if [ -f "$at/greets" ]; then
  cat "$at/greets"
fi
PATH="$at/bin:$PATH" exec sh -c "$3"
"""


def _program(at: Path, name: str, text: str) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    at = at / name
    at.parent.mkdir(exist_ok=True)
    at.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    at.chmod(0o755)


def computer(
    at: Path,
    *,
    docker: str = "",
    text: str = "",
    complaint: str = "",
    program: str = "Docker version 29.5.0, build abcdef0",
    dpkg: str = "",
    rpm: str = "",
    system: str = "",
    **files: str,
) -> Path:
    """A computer whose `docker version` prints `docker` as JSON, or else `text`, or else the client and a complaint."""
    at.mkdir(parents=True)
    said = {"docker.json": docker, "docker.txt": text or _CLIENT, "dpkg": dpkg, "rpm": rpm, "system": system}
    said |= dict.fromkeys(("ps", "images", "inspect-container", "inspect-image"), "")
    for name, content in (said | files).items():
        (at / name).write_text(content, encoding="utf-8")
    (at / "complaint").write_text(f"{complaint}\n", encoding="utf-8")
    json_form = f"cat '{at}/docker.json'" if docker else f"cat '{at}/complaint' >&2; exit 1"
    plain = f"cat '{at}/docker.txt'" + ("" if text else f"; cat '{at}/complaint' >&2; exit 1")
    _program(
        at / "bin",
        "docker",
        f'case "$*" in\n--version) echo "{program}";;\n'
        f'"version --format {{{{json .}}}}") {json_form};;\nversion) {plain};;\n'
        f"ps*) cat '{at}/ps' 2>&- || exit 4;;\nimages*) cat '{at}/images' 2>&- || exit 5;;\n"
        f"'inspect --type '*) echo \"$*\" >> '{at}/inspected'\n"
        f"  case \"$*\" in *Variant*) [ ! -f '{at}/old' ] || exit 1;; esac\n"
        f"  cat '{at}/inspect-'\"$3\";;\n*) exit 2;;\nesac",
    )
    for name, file in (("dpkg-query", "dpkg"), ("rpm", "rpm"), ("cat", "system")):
        real = '\n  *) exec /bin/cat "$@";;' if name == "cat" else "\n  *) :;;"
        asked = "/etc/os-release)" if name == "cat" else "*)"
        _program(at / "bin", name, f"case \"$1\" in\n  {asked} /bin/cat '{at}/{file}';;{real}\nesac")
    _program(at / "bin", "uname", f"echo {at.name}")
    return at


def images(at: Path, *, runs: dict[str, str], holds: dict[str, list[str]]) -> Path:
    """Let a computer run containers, each a name with the id of its image, and hold images, each an id with layers."""
    containers = [
        {"Id": f"{n:064x}", "Image": image, "Config": {"Image": name}} for n, (name, image) in enumerate(runs.items())
    ]
    held = [
        {"Id": key, "RepoTags": [n for n, i in runs.items() if i == key], "RepoDigests": [], "RootFS": {"Layers": of}}
        | {"Os": "linux", "Architecture": "amd64", "Created": "2026-11-01T00:00:00Z"}
        for key, of in holds.items()
    ]
    lines = {"ps": [f"{n:064x}" for n in range(len(runs))], "images": list(holds)}
    objects = {"inspect-container": containers, "inspect-image": held}
    # without spaces, as docker prints it
    lines |= {k: [json.dumps(o, separators=(",", ":")) for o in of] for k, of in objects.items()}
    for name, written in lines.items():
        (at / name).write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    return at


def client(fleet: Path) -> str:
    """Put the program `ssh` into a folder, beside its computers; the folder to put before PATH comes back."""
    _program(fleet / "bin", "ssh", SSH.removeprefix("#!/bin/sh\n"))
    return str(fleet / "bin")


def arguments(fleet: Path) -> list[list[str]]:
    """What `ssh` was called with, each time."""
    return [path.read_text(encoding="utf-8").splitlines() for path in sorted(fleet.glob("argv.*"))]
