"""Which product a name means: module paths, CVE product fields, package names, words in prose.  Pure.

The traps are why this is one table.  "Docker Desktop" and "Docker for Windows" carry numbers that
look like the engine's; `moby/v2` is a Go module whose numbers never are the engine's; Mirantis and
Docker EE use other numbers in the same sentence; `docker-py` is a library.
"""

from __future__ import annotations

import re
from typing import Final

from feeds.versions.upstream import is_version, key

ENGINE_MODULE: Final = "engine-module"
"""The Go module github.com/moby/moby/v2: built from the engine's source, numbered otherwise."""
GO_ARCHIVE: Final = "go-archive"
"""The Go module github.com/moby/go-archive: a library inside the engine, with numbers of its own."""
STATIC_ENGINE: Final = "static-engine"
"""The engine as Docker's static build brings it: with a runc and a containerd of its own."""
FOREIGN: Final = "foreign"
"""A product that Navtex does not follow; what is said of it is said of nothing we know."""

_MODULES: Final = {
    "github.com/docker/docker": "engine",
    "github.com/moby/moby": "engine",
    "docker/docker": "engine",
    "docker/daemon": "engine",
    "docker/engine": "engine",
    "moby/moby": "engine",
    "moby/daemon": "engine",
    "github.com/moby/moby/v2": ENGINE_MODULE,
    "moby/moby/v2": ENGINE_MODULE,
    "moby/v2": ENGINE_MODULE,
    "github.com/moby/go-archive": GO_ARCHIVE,
    "moby/go-archive": GO_ARCHIVE,
    "github.com/docker/cli": "cli",
    "docker/cli": "cli",
    "github.com/containerd/containerd": "containerd",
    "containerd/containerd": "containerd",
    "github.com/opencontainers/runc": "runc",
    "opencontainers/runc": "runc",
    "github.com/moby/buildkit": "buildkit",
    "moby/buildkit": "buildkit",
    "github.com/docker/buildx": "buildx",
    "docker/buildx": "buildx",
    "github.com/docker/compose": "compose",
    "docker/compose": "compose",
}
# Libraries that live in a product's repository, but run elsewhere.
_LIBRARIES: Final = re.compile(r"^(?:github\.com/)?moby/moby/(?:api|client)(?:/|$)")

# What follows "Docker" with a capital and names no product: "Docker Security Advisory", "Docker Swarm", "Docker API".
_COMMON: Final = (
    r"(?:Security|Advisor|Vulnerabilit|Swarm|Remote|Socket|Container|Image|Version|Release|Update|Upgrade|Patch)\w*"
    r"|(?:API|REST|HTTP|TCP|TLS|Inc|Linux|Windows|Mac|Server|Client|Host|User|Plugin|Network|Volume|Secret|Stack)s?\b"
    r"|(?:CVE|GHSA)-"
    r"|(?:And|Or|In|On|Of|For|With|Before|Through|Prior|From|To|Is|Are|Has|Can|May|Allows?|Fixe[sd]|Affected)\b"
    r"|(?:Multiple|Critical|High|Medium|Low|Privilege|Escape|Fix|Bug|Issue|Build|Builder|Registry|Daemon)\w*"
)

_ACTS: Final = (
    r"(?:has |is |will )?(?:released?|releasing|publish(?:ed|es)?|recommends?|recommended|thanks|announced|notified)"
    r"|(?:has )?(?:fixed|addressed|patched|resolved|mitigated) (?:this|the|these|it|them|both|all|an?)"
    r"|(?:has )?(?:received|learned|investigated|issued|assigned)"
)
"""What a company does."""

# Longest first: the first pattern that matches at a place names the product.
_WORDS: Final = (
    (
        FOREIGN,
        r"docker[- ]py\b|docker-registry|docker registry|docker distribution|docker hub|docker-credential-[\w-]+",
    ),
    (FOREIGN, r"swarmkit(?: toolkit)?|docker machine|docker toolbox|docker notary|boot2docker|libcontainer|youki"),
    (FOREIGN, r"\bcs docker(?: engine)?|(?<![\w-])(?:\w++-)+?docker-[\w-]++|docker[- ]in[- ]docker|dockerfiles?\b"),
    (FOREIGN, r"docker (?:ee\b|enterprise(?: edition)?|trusted registry|universal control plane|scout|offload)"),
    (FOREIGN, r"mirantis(?: container runtime)?|\bmcr\b|\bucp\b|\bdtr\b|docker build cloud|docker model runner"),
    (FOREIGN, r"docker official images?|docker hardened images?|docker content trust|nvidia container toolkit"),
    (FOREIGN, r"\bgo (?:runtime|toolchain|version|language|compiler|standard library)|\bgolang\b|\bopenssl\b"),
    (FOREIGN, r"\bgit (?:vulnerabilit|client)\w*|(?<=vulnerability in )git\b(?!hub)"),
    (FOREIGN, r"\bkernels?\b|kubernetes|\bpodman\b|cri-o\b|nerdctl"),
    (FOREIGN, r"containerd/(?:imgcrypt|nerdctl|stargz-snapshotter|cgroups|ttrpc)|\bnetavark\b|\bcrun\b"),
    (
        FOREIGN,
        r"docker[- ](?:sandbox(?:es)?|agents?|mcp|model|debug|extensions?)\b(?: (?:gateway|toolkit|catalog|runner))?",
    ),
    (FOREIGN, r"\bmcp (?:gateway|toolkit|catalog)\b|\bmodel runner\b|\bcagent\b"),
    (GO_ARCHIVE, r"(?:github\.com/)?(?:moby/)?\bgo-archive\b"),
    ("desktop", r"docker desktop(?: community(?: edition)?| for (?:windows|mac|linux))?|docker for (?:windows|mac)"),
    ("compose", r"docker[- ]compose|\bcompose\b"),
    ("buildx", r"docker[- ]buildx|\bbuildx\b"),
    ("buildkit", r"\bbuildkitd?\b"),
    ("cli", r"docker[- ](?:ce[- ])?cli|docker command[- ]line(?: interface)?"),
    ("runc", r"\brunc\b"),
    ("containerd", r"\bcontainerd(?:\.io)?\b"),
    (ENGINE_MODULE, r"(?:github\.com/)?(?:moby/)?moby(?:/| )v2(?![.\d])(?:/daemon)?|moby daemon"),
    ("engine", r"docker(?:[- ](?:engine|ce|moby|daemon|community edition))\b|moby \(docker engine\)|\bdockerd\b"),
    # a name with a capital that stands in none of the rows above is a product of Docker's that is none of ours
    (FOREIGN, rf"(?-i:\bDocker(?= [A-Z])(?! (?:{_COMMON})))(?: (?-i:[A-Z])\w+)+"),
    # the company, "Docker released a fix", is not a product
    ("engine", rf"(?<![-\w./])(?:docker/moby|moby(?:/moby)?|docker(?:/docker)?(?! (?:{_ACTS})\b))(?![-\w]|/\w)"),
)
_ADDED: Final = re.compile(r"docker (?!(?:engine|ce|moby|daemon|community|swarm|api|v?\d)\b)[a-z]", re.IGNORECASE)
_ANY_WORD: Final = re.compile("|".join(f"(?P<p{i}>{pattern})" for i, (_, pattern) in enumerate(_WORDS)), re.IGNORECASE)


def of_module(path: str) -> str | None:
    """The product of a Go module or package path; None if it is none of ours.

    >>> of_module("github.com/moby/moby/v2/daemon"), of_module("github.com/containerd/containerd/v2")
    ('engine-module', 'containerd')
    """
    path = path.strip().strip("/").lower()
    if _LIBRARIES.match(path):
        return None
    best = max((m for m in _MODULES if path == m or path.startswith(m + "/")), key=len, default=None)
    return _MODULES[best] if best else None


def of_field(vendor: str, product: str) -> str | None:
    """The product that a record's vendor and product fields name; None if it is none of ours.

    >>> of_field("moby", "Docker Engine"), of_field("moby", "moby/v2/daemon"), of_field("redhat", "docker")
    ('engine', 'engine-module', None)
    """
    product = product.strip()
    if vendor.strip().lower() not in _VENDORS or product.lower() in ("", "n/a"):
        return None
    named = of_module(product) or of_words(product)
    # a field that adds a word to the bare name, "docker frobnicator", names another product
    return None if named == "engine" and _ADDED.match(product) else named


_VENDORS: Final = frozenset(
    {
        "",
        "n/a",
        "docker",
        "docker.io",
        "docker inc",
        "docker inc.",
        "docker, inc.",
        "moby",
        "mobyproject",
        "moby project",
    }
    | {"containerd", "linuxfoundation", "linux foundation", "opencontainers", "open containers", "cncf", "go", "github"}
)


def of_words(text: str) -> str | None:
    """The product that a text names, when it names one and nothing else beside version words."""
    found = {product for product, _, _ in mentions(text)}
    return found.pop() if len(found) == 1 and FOREIGN not in found else None


def numbering(product: str, version: str) -> str:
    """The product whose number a version is.

    No engine was ever numbered 2 to 16: such a number is the Go module's.  Docker for Windows and Mac
    were numbered 17.03 to 18.09 before Docker Desktop began at 2.0: such a number is theirs.

    >>> numbering("engine", "2.0.0-beta.14"), numbering("engine", "29.5.1"), numbering("desktop", "18.06.0-ce-win72")
    ('engine-module', 'engine', 'foreign')
    """
    first = key(version)[0] if is_version(version) else 0
    if product == "engine" and 2 <= first <= 16:
        return ENGINE_MODULE
    return FOREIGN if product == "desktop" and first >= 17 else product


def mentions(text: str) -> list[tuple[str, int, int]]:
    """Every product named in a text: (product, start, end), FOREIGN among them."""
    return [(_WORDS[int((m.lastgroup or "p0")[1:])][0], m.start(), m.end()) for m in _ANY_WORD.finditer(text)]
