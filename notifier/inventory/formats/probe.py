r"""The probe: a shell script that prints which Docker components a host has, and the reader of its output.  Pure.

`navtex inventory collect` runs it over SSH; it can be run by any other means.  A host that answers is read as two
hosts of one name: what its packages say is installed, and what its daemon says runs; and as the images that it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from feeds.core.errors import InventoryError, NavtexError
from feeds.versions.upstream import key
from notifier.domain.components import BadRow, Component, Found, Host, Note, Observed, component, gathered
from notifier.inventory.formats import docker_version, probe_images
from notifier.inventory.formats.probe_images import ProbedImages
from notifier.inventory.formats.shared import installed_packages
from notifier.inventory.text import Text

NAME = "probe"
SIGN = "it has the mark of the probe's script"
_ASKED = " ".join(sorted({*installed_packages.names("deb"), *installed_packages.names("rpm")}))
_FORMATS = {
    "dpkg": r"dpkg-query -W -f='${Package}\t${Version}\t${Status}\n'",
    "rpm": r"rpm -qa --qf '%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\tinstalled\n'",
}

SCRIPT = f"""\
#!/bin/sh
# Navtex's probe: prints what this host has of Docker, and changes nothing.
{{
LC_ALL=C
PATH="$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/snap/bin"
export LC_ALL PATH
mark() {{ printf '\\n=== navtex probe: %s ===\\n' "$1"; }}
have() {{ command -v "$1" >/dev/null 2>&1; }}
limited() {{ if have timeout; then timeout 8 "$@"; else "$@"; fi; }}
names='{_ASKED}'
up=
mark begin
uname -n
mark os-release
cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
mark dpkg
have dpkg-query && {_FORMATS["dpkg"]} $names 2>/dev/null
mark rpm
have rpm && {_FORMATS["rpm"]} $names 2>/dev/null
mark program
have docker && limited docker --version 2>&1
mark docker
if have docker; then
  said=$(limited docker version --format '{{{{json .}}}}' 2>/dev/null) && up=yes && printf '%s\\n' "$said" ||
    limited docker version 2>&1 || printf 'docker version ended with status %s\\n' "$?"
fi
{probe_images.SCRIPT}mark end
}} </dev/null
"""
"""The script, for any POSIX shell. Nothing in it reads what is beside it, so it may come by standard input."""

_SHORT = 8192
"""Characters of a section that is worth remembering; a host has some hundred."""
_MARK = re.compile(r"^=== navtex probe: ([a-z-]+) ===\r?$", re.MULTILINE)


class Probed(NamedTuple):
    """What one host answered. `problem` says why it is not known what runs there; "" if it is known."""

    hosts: tuple[Host, ...]
    problem: str = ""
    bad: tuple[BadRow, ...] = ()
    images: ProbedImages = ProbedImages()


def recognises(text: Text) -> bool:
    """Whether it is the output of the probe; a login message of the host may precede it."""
    begun = "=== navtex probe: begin ===" in text.head  # looked for line by line only where it is at all
    return begun and re.search(r"^=== navtex probe: begin ===\r?$", text.head, re.MULTILINE) is not None


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts in the output of the probe, of one host or of several, one after the other.

    Each has the name that it reports, or `host` if there is only one.
    """
    whole = text.whole()
    parts = list(_parts(whole))
    if not parts:
        raise InventoryError("it is not what the probe prints", remedy="See `navtex inventory probe`")
    names = [host] if host and len(parts) == 1 else [own_name(part) for part in parts]
    for number, (name, part) in enumerate(zip(names, parts, strict=True), 1):
        if not name:
            yield BadRow(f"answer {number}", "the probe does not name its host; use --host NAME")
            continue
        found = probed(part, name)
        yield from found.hosts
        yield from found.bad
        if found.images.images is not None:
            yield found.images.images
        yield from (Note(f"{name}: {note}") for note in found.images.notes)
        if found.problem:
            yield Note(f"{name}: {found.problem}")


def _parts(text: str) -> Iterator[str]:
    starts = [m.start() for m in _MARK.finditer(text) if m[1] == "begin"]
    return (text[start:end] for start, end in pairwise([*starts, len(text)]))


def own_name(text: str) -> str:
    """The name that the host of one run of the probe reports; "" if there is none."""
    said = _sections(text).get("begin", "").split()
    return said[0] if said and fit(said[0]) else ""


def fit(name: str) -> bool:
    """Whether a text can be a host's name: it is printable and not too long."""
    return name.isprintable() and 0 < len(name) <= 253


def _sections(text: str) -> dict[str, str]:
    pieces = _MARK.split(text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def probed(text: str, name: str) -> Probed:
    """What one run of the probe says of the host `name`."""
    said = _sections(text)
    if "begin" not in said:
        return Probed((), "its answer is not the probe's")
    if "end" not in said:
        return Probed((), "its answer breaks off")
    distro = _distro(said.get("os-release", ""))
    installed, bad = _packages(said, name, distro)
    running, problem = _running(said)
    running = tuple(_packaged(c, installed) for c in running)
    views = ((installed, Observed.INSTALLED), (running, Observed.RUNNING))
    hosts = tuple(Host(name, held, view=view) for held, view in views if held)
    if problem == _NO_PROGRAM and installed and not any(c.product == "engine" for c in installed):
        # containerd alone, as on many nodes of Kubernetes
        problem = ""
    images = probe_images.probed_images(said, name) if running else ProbedImages()
    return Probed(hosts, problem, bad, images)


def _distro(text: str) -> str:
    """os-release's ID-VERSION_ID."""
    said = dict(re.findall(r"""^(ID|VERSION_ID)=["']?([\w.+-]*)["']?\r?$""", text, re.MULTILINE))
    return "-".join(filter(None, (said.get("ID"), said.get("VERSION_ID"))))


def _packages(said: dict[str, str], name: str, distro: str) -> tuple[tuple[Component, ...], tuple[BadRow, ...]]:
    """The components among lines of name, version and state, without removed packages."""
    found: dict[Component, None] = {}
    bad: list[BadRow] = []
    for kind, section in (("deb", "dpkg"), ("rpm", "rpm")):
        components, refused = _remembered(_listed, said.get(section, ""), kind, distro)
        found |= dict.fromkeys(components)
        bad += [BadRow(f"{name}, package {package}", reason) for package, reason in refused]
    return tuple(found), tuple(bad)


def _listed(text: str, kind: str, distro: str) -> tuple[tuple[Component, ...], tuple[tuple[str, str], ...]]:
    """The components among the packages of a kind, and those packages that cannot be read, with the reason."""
    found: list[Component] = []
    bad: list[tuple[str, str]] = []
    for line in text.splitlines():
        package, version, state = [*line.split("\t"), "", ""][:3]
        product = installed_packages.product(package, kind)
        if not product or state.split(" ")[-1] != "installed":
            continue
        try:
            found.append(component(product, "", f"{package} {version}", distro))
        except (NavtexError, ValueError) as error:
            bad.append((package, str(error)))
    return tuple(found), tuple(bad)


def _packaged(component: Component, installed: tuple[Component, ...]) -> Component:
    """The client in the package docker.io, which has both engine and client, if that is what runs."""
    if component.product != "cli" or component.package or not component.rebuilt:
        return component
    same = (p for p in installed if p.package_name == "docker.io" and key(p.version) == key(component.version))
    found = next(same, None)
    return replace(component, package=found.package, distro=found.distro) if found else component


_NO_PROGRAM = "no Docker: the host has no docker program"
_TELLS = (
    (r"permission denied", "permission denied to the socket"),
    (r"cannot connect to the docker daemon|daemon running", "no engine answers: the docker daemon does not run"),
    (r"ended with status 124", "timed out: its docker daemon does not answer"),
)


def _running(said: dict[str, str]) -> tuple[tuple[Component, ...], str]:
    """What the daemon reports as running, or why that is unknown."""
    text = said.get("docker", "").strip()
    if "podman" in said.get("program", "").lower():
        return (), "Podman: its docker program is Podman's, and no Docker Engine"
    return _remembered(_answered, text) if text else ((), _NO_PROGRAM)


def _answered(text: str) -> tuple[tuple[Component, ...], str]:
    """The components that `docker version` prints, or why there are none."""
    try:
        found = gathered(docker_version.read(Text.of(text), "this host"))
    except InventoryError as error:
        return (), f"what its `docker version` prints cannot be read: {error.what}"
    if found.hosts:
        return found.hosts[0].components, ""
    reason = next((words for pattern, words in _TELLS if re.search(pattern, text, re.IGNORECASE)), "")
    return (), reason or next((_of_note(note) for note in found.notes), _NO_PROGRAM)


_Read = TypeVar("_Read")


def _remembered(read: Callable[..., _Read], text: str, *more: str) -> _Read:
    """What a section says, or what was read of the same text before: equal hosts print the same."""
    return _known(read, text, *more) if len(text) <= _SHORT else read(text, *more)


@lru_cache(maxsize=1024)
def _known(read: Callable[..., _Read], *texts: str) -> _Read:
    return read(*texts)


def _of_note(note: str) -> str:
    return f"Podman: {note}" if "podman" in note.lower() else f"no engine answers: {note}"
