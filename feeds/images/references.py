"""Names of images and digests, in the forms that engines, Kubernetes and registries write them.

The normal form is the one of containerd and Docker: a registry, a repository, and a tag or a digest. A first part
without a dot, a colon or `localhost` is a part of the repository on docker.io, and a repository there with one part
stands below `library/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HUB = "docker.io"
_LEGACY_HUB = {"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_SCHEME = re.compile(r"(?:docker-pullable|docker|containerd|cri-o|oci|https?)://", re.IGNORECASE)
_REGISTRY = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LONGEST = 1024


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """The name of an image: a registry and a repository, with a tag, a digest, both, or neither."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The registry and the repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def tagged(self) -> str:
        """The name with its tag; without one where there is a digest only."""
        return f"{self.name}:{self.tag}" if self.tag else self.name

    def __str__(self) -> str:
        return self.tagged + (f"@{self.digest}" if self.digest else "")


def digest(text: str) -> str:
    """The digest that a text is, or that stands behind its `@`; "" if there is none.

    >>> digest("docker-pullable://nginx@sha256:" + "0" * 64)[:12]
    'sha256:00000'
    """
    last = text.strip().rpartition("@")[2]
    return last if _DIGEST.fullmatch(last) else ""


def reference(text: str) -> Reference | None:
    """Read the name of an image; None if the text is none (a digest alone, an id, `<none>`).

    >>> str(reference("nginx")), str(reference("docker-pullable://bitnami/redis:7"))
    ('docker.io/library/nginx:latest', 'docker.io/bitnami/redis:7')
    >>> str(reference("localhost:5000/app@sha256:" + "0" * 64))[:40]
    'localhost:5000/app@sha256:00000000000000'
    >>> reference("sha256:" + "0" * 64), reference("<none>:<none>")
    (None, None)
    """
    text = text.strip()
    if "://" in text:
        text = _SCHEME.sub("", text, count=1)
    if not text or len(text) > _LONGEST or _DIGEST.fullmatch(text):
        return None
    rest, at, told = text.partition("@")
    if at and not _DIGEST.fullmatch(told):
        return None
    first, slash, path = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry = first.lower()
    else:
        registry, path = HUB, rest
    repository, colon, tag = path.partition(":")
    if registry in _LEGACY_HUB:
        registry = HUB
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    if not (_REGISTRY.fullmatch(registry) and _REPOSITORY.fullmatch(repository)):
        return None
    if colon and not _TAG.fullmatch(tag):
        return None
    return Reference(registry, repository, tag or ("" if at else "latest"), told)
