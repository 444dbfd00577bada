"""The commands that install an upgrade or start what is installed.  Pure."""

from __future__ import annotations

import re

from feeds.advisories.facts import Package
from notifier.domain.components import Component

PACKAGES = {
    "engine": "docker-ce",
    "cli": "docker-ce-cli",
    "containerd": "containerd.io",
    "runc": "containerd.io",
    "buildx": "docker-buildx-plugin",
    "compose": "docker-compose-plugin",
}
"""Docker's package of each product that it packages."""
_RESTARTS = {
    "engine": "systemctl restart docker",
    "containerd": "systemctl restart containerd docker",
    "desktop": "docker desktop restart",
}
_STATIC = "https://download.docker.com/linux/static/stable/x86_64/"
# a command is copied into a shell, and a package's name may come from a host that is not ours alone
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:_^-]*")
_APT = re.compile(r"^(?:debian|ubuntu|raspbian|linuxmint)")
_YUM = re.compile(r"^(?:(?:rhel|centos|ol)[-/][67](?:$|\.)|amzn-2$)")
"""Those that came before dnf."""
_DNF = re.compile(r"^(?:rhel|centos|rocky|almalinux|fedora|ol|amzn)")
_ZYPPER = re.compile(r"^(?:sles|opensuse)")


def restart(component: Component) -> str:
    """The command that starts what is installed; "" if none is known."""
    return _RESTARTS.get(component.product, "")


def command(component: Component, to: str) -> str:
    """The command that installs a release, in the words of the host's package manager; "" if none is known."""
    if component.product == "desktop":
        return ""
    if component.static:
        return ""
    name = component.package_name or PACKAGES.get(component.product, "")
    manager = _manager(component)
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(to):
        return ""
    if component.product in ("containerd", "runc") and name == "containerd.io":
        # Docker's package holds runc, too; its own number says nothing of runc's
        return {
            "apt": "apt-get install --only-upgrade containerd.io",
            "dnf": "dnf upgrade containerd.io",
            "yum": "yum update containerd.io",
            "zypper": "zypper update containerd.io",
        }.get(manager, "")
    if component.rebuilt:
        return {
            "apt": f"apt-get install --only-upgrade {name}={to}",
            "dnf": f"dnf upgrade {name}-{to}",
            "yum": f"yum update {name}-{to}",
            "apk": f"apk add '{name}={to}'",
            "zypper": f"zypper install {name}={to}",
        }.get(manager, "")
    # what Docker appends to its packages' numbers differs between releases: any of this release will do
    return {
        "apt": f"apt-get install --only-upgrade '{name}=5:{to}*'"
        if name.startswith("docker-ce")
        else f"apt-get install --only-upgrade '{name}={to}*'",
        "dnf": f"dnf upgrade '{name}-{to}*'",
        "yum": f"yum update '{name}-{to}*'",
    }.get(manager, "")


def install(package: Package, channel: str) -> str:
    """The command that installs a package from a channel of Docker's, with its version as the index writes it."""
    if not _VERSION.fullmatch(package.package_version):
        return ""
    if package.package_version.endswith(".tgz"):
        return f"curl -fsSLO {_STATIC}{package.package_version}"
    if not _NAME.fullmatch(package.name):
        return ""
    name, to = package.name, package.package_version
    return {
        "apt": f"apt-get install --only-upgrade {name}={to}",
        "dnf": f"dnf upgrade {name}-{to}",
        "yum": f"yum update {name}-{to}",
        "zypper": f"zypper install {name}={to}",
    }.get(_manager_of(channel), "")


def _manager_of(system: str) -> str:
    """The package manager of a distribution, or of the one that a channel serves; "" if it is none of these."""
    managers = (("apt", _APT), ("yum", _YUM), ("dnf", _DNF), ("zypper", _ZYPPER))
    return next((name for name, pattern in managers if pattern.match(system)), "")


def _manager(component: Component) -> str:
    distro, version = component.distro, component.package_version
    if distro and (found := _manager_of(distro)):
        return found
    if re.search(r"~(?:debian|ubuntu)|\+deb\d|ubuntu\d", version):
        return "apt"
    if built := re.search(r"\.(?:el|fc)(\d+)", version):
        return "yum" if built[1] in ("6", "7") else "dnf"
    return "apk" if distro.startswith("alpine") or re.search(r"-r\d+$", version) else ""
