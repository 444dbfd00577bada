"""What a daemon reports: whether it is a Docker Engine, whose build, and the versions of its parts.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from feeds.core.errors import NavtexError
from feeds.versions.products import ENGINE_MODULE, numbering
from notifier.domain.components import BadRow, Component, Found, Host, Note, Observed, component, host_name
from notifier.inventory.formats.shared.distributions import of_pretty
from notifier.inventory.text import obj, word


def no_docker(name: str) -> Note:
    """The note on a server that is not a Docker Engine."""
    return Note(f"the server is {name[:60]}, which answers on Docker's API and is not a Docker Engine")


def not_docker(parts: Sequence[tuple[str, str, str]], platform: str) -> Note | None:
    """A note if a server's parts, or the platform it names, are not Docker's."""
    if "podman" in platform.lower():
        return no_docker("Podman")
    engine = next((version for name, version, _ in parts if name.lower() == "engine"), "")
    if not engine and parts and parts[0][0] == "containerd":
        # nerdctl asks containerd itself
        return None
    if not engine:
        return no_docker(parts[0][0] if parts and parts[0][0] else "unknown")
    return no_docker(f"numbered {engine}") if numbering("engine", engine) == ENGINE_MODULE else None


def is_podman_version(said: dict[str, Any]) -> bool:
    """Whether it is `podman version --format json`, which has no Docker around it."""
    return "APIVersion" in (obj(said, "Client") or said) and "Built" in (obj(said, "Client") or said)


def is_podman_info(said: dict[str, Any]) -> bool:
    """Whether it is `podman info --format json`, or Podman's answer to Docker's API."""
    return "BuildahVersion" in said or "buildahVersion" in obj(said, "host")


def is_nerdctl_info(said: dict[str, Any]) -> bool:
    """Whether it is `nerdctl info`: the version in it is containerd's, and it has storage plugins."""
    return "Storage" in obj(said, "Plugins") and "Containers" not in said


def is_enterprise(platform: str) -> bool:
    """Whether a platform is Docker EE, or Mirantis Container Runtime, as it is called now.

    >>> is_enterprise("Mirantis Container Runtime"), is_enterprise("Docker Engine - Community")
    (True, False)
    """
    return re.search(r"mirantis|enterprise", platform, re.IGNORECASE) is not None


def described(commit: str) -> str:
    """The version in the commit of containerd or runc, as they print it; "" if it is only a hash.

    >>> described("v1.3.4-0-gd6d73eb8"), described("v1.1.5-3-gf1"), described("de40ad0"), described("1.6.20~ds1-1+b1")
    ('1.3.4', '', '', '1.6.20~ds1-1+b1')
    """
    tagged = re.fullmatch(r"v?(\d+(?:\.\d+)+(?:-rc\.?\d+)?)-(\d+)-g[0-9a-f]+", commit)
    if tagged:
        # commits after the tag make it no release
        return tagged[1] if tagged[2] == "0" else ""
    return commit.removeprefix("v") if re.match(r"v?\d+\.\d+\.\d+", commit) else ""


def part(product: str, commit: str, distro: str) -> Component | None:
    """A part (containerd, runc) of an engine's info; None if it is only a commit."""
    version = described(commit)
    if not version:
        return None
    ours = re.search(r"-\d.*(?:ds|dfsg|deb|ubuntu)|(?:ds|dfsg)\d*-\d", version)
    return component(product, "" if ours else version, f"{product} {version}" if ours else "", distro)


def engine(
    name: str, version: str, distro: str, where: str, *, parts: Sequence[tuple[str, str]] = (), identity: str = ""
) -> Iterator[Found]:
    """The host of an engine that told its version and, in `parts`, the commits of (product, commit)."""
    try:
        if numbering("engine", version) == ENGINE_MODULE:
            yield no_docker(f"numbered {version}")
            return
        components = [component("engine", version, "", distro)]
        for product, commit in parts:
            found = part(product, commit, distro)
            if found:
                components.append(found)
        yield Host(host_name(name), tuple(components), view=Observed.RUNNING, identity=identity)
    except (NavtexError, ValueError) as error:
        yield BadRow(where, f"{name[:60]}: {error}" if name else str(error))


def zero_kept(version: str) -> str:
    """An engine's version with the zero of its month, which Kubernetes loses.

    >>> zero_kept("17.3.2"), zero_kept("18.9.9"), zero_kept("20.10.12"), zero_kept("1.13.1")
    ('17.03.2', '18.09.9', '20.10.12', '1.13.1')
    """
    return re.sub(r"^(1[789])\.(\d)(?=\.)", r"\1.0\2", version)


_DESKTOPS = ("Docker Desktop", "Docker for Mac", "Docker for Windows")
_DOCKERS_SYSTEM = re.compile(r"linuxkit|boot2docker|-moby\b|\(containerized\)", re.IGNORECASE)
"""Systems that Docker made itself, and containers."""


class Info(NamedTuple):
    """What `docker info` says about an engine and its host."""

    name: str
    version: str
    system: str
    """The name of the operating system."""
    kernel: str
    containerd: str
    runc: str
    init: str
    identity: str

    @property
    def distro(self) -> str:
        """The distribution whose build the engine may be; "" if the evidence is against it.

        Docker's own static build runs in containers of Alpine (docker:dind) and in the virtual machines of
        Docker for Mac. Alpine's package runs on Alpine's kernels and has no `docker-init` of a known commit.
        """
        if "(containerized)" in self.system or re.search(r"-(?:linuxkit|moby|boot2docker)\b", self.kernel):
            return ""
        found = of_pretty(self.system, self.kernel)
        if found.startswith("alpine"):
            own = re.search(r"-\d+-(?:lts|virt|rpi\d?|edge|vanilla|hardened|grsec|stable)$", self.kernel)
            return found if own and not re.match(r"[0-9a-f]{7}|v?\d", self.init) else ""
        return found

    def notes(self) -> Iterator[Note]:
        """What `docker info` does not show, and the command that does."""
        if self.system in _DESKTOPS:
            yield Note(f"{self.name}: `docker info` does not show Docker Desktop's own version; `docker version` does")
        elif self.system.startswith("Alpine") and not self.distro:
            yield Note(
                f"{self.name}: treated as Docker's own build in a container of Alpine, not as Alpine's package; "
                "to decide, run `apk info -v docker` on the host"
            )
        elif rebuilt(self.distro) and not self.distro.startswith("balenaos"):
            yield Note(
                f"{self.name}: `docker info` does not show who built the engine on {self.system[:60]}; "
                "`docker version` names the platform of Docker's own builds"
            )
        elif self.system and not (self.distro or _DOCKERS_SYSTEM.search(f"{self.system} {self.kernel}")):
            yield Note(
                f"{self.name}: the system {self.system[:60]!r} is not known, so the engine counts as Docker's own; "
                "`docker version` names the platform of Docker's own builds"
            )


def info(said: dict[str, Any]) -> Info:
    """Read an engine's /info as JSON."""
    return Info(
        word(said, "Name"),
        word(said, "ServerVersion"),
        word(said, "OperatingSystem"),
        word(said, "KernelVersion"),
        word(said, "ContainerdCommit", "ID"),
        word(said, "RuncCommit", "ID"),
        word(said, "InitCommit", "ID"),
        word(said, "ID"),
    )


def host_of(said: Info, name: str, where: str) -> Iterator[Found]:
    """The host of an engine's info under a name, and notes on what it does not show."""
    parts = (("containerd", said.containerd), ("runc", said.runc))
    identity = f"engine:{said.identity[:200]}" if said.identity else ""
    yield from engine(name, said.version, said.distro, where, parts=parts, identity=identity)
    yield from said._replace(name=name).notes()


def rebuilt(distro: str) -> bool:
    """Whether an engine without a package on this distribution counts as the distribution's own build."""
    return component("engine", "28.0.0", "", distro).rebuilt
