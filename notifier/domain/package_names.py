"""Which packages are products that Navtex follows, by name.  Pure."""

from __future__ import annotations

EVERYWHERE = {
    "docker-ce": "engine",
    "docker-ce-cli": "cli",
    "docker-ee": "engine",
    "docker-ee-cli": "cli",
    "docker-engine": "engine",
    "docker-cli": "cli",
    "docker-buildx": "buildx",
    "docker-buildx-plugin": "buildx",
    "docker-cli-buildx": "buildx",
    "docker-compose": "compose",
    "docker-compose-plugin": "compose",
    "docker-compose-v2": "compose",
    "docker-cli-compose": "compose",
    "docker-desktop": "desktop",
    "lxc-docker": "engine",
    "moby-engine": "engine",
    "moby-cli": "cli",
    "moby-containerd": "containerd",
    "moby-runc": "runc",
    "moby-buildx": "buildx",
    "moby-compose": "compose",
    "containerd.io": "containerd",
    "containerd": "containerd",
    "runc": "runc",
    "buildkit": "buildkit",
}
"""The product of each package that has its name in every kind of distribution."""
# Debian's "docker" is a tray for windows; its engine is docker.io.
OF_KIND = {
    "deb": {
        "docker.io": "engine",
        "containerd-app": "containerd",
        "containerd-stable": "containerd",
        "runc-app": "runc",
        "runc-stable": "runc",
    },
    "rpm": {
        "docker": "engine",
        "containerd2": "containerd",
        "moby-containerd-cc": "containerd",
        "docker-stable": "engine",
        "docker-stable-buildx": "buildx",
        "docker-latest": "engine",
    },
    "apk": {"docker": "engine"},
    "pacman": {
        "docker": "engine",
        "docker-git": "engine",
        "docker-bin": "engine",
        "containerd-git": "containerd",
        "runc-git": "runc",
    },
}
"""The product of each package by its kind: deb, rpm, apk or pacman."""
FOLLOWED = frozenset({*EVERYWHERE, *(name for names in OF_KIND.values() for name in names)})
"""The packages that are products, of any kind."""
