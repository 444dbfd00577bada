"""What Docker Engine is built with: its Go module file at a release's tag, from raw.githubusercontent.com.

dockerd contains BuildKit, which no inventory sees.  The engine's `go.mod` (29 and later) or `vendor.mod` (23 to 28)
says which.  Earlier releases name commits only, and are not asked for.  A file at a tag never changes, so each is
asked for until it was read, and then never again.

Read are the releases in use and, so that an upgrade can be advised, the newest of each later line.  containerd and
runc stand in these files, too, but as libraries: which daemons a host runs they do not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from feeds.advisories.facts import Contents
from feeds.advisories.records import ENGINE
from feeds.core.errors import ShapeError
from feeds.core.limits import MODULE_FILE
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import text_body
from feeds.versions import products
from feeds.versions.upstream import Key, branch, is_version, key, read

_INSIDE: Final = {"github.com/moby/buildkit": "buildkit", "github.com/moby/go-archive": products.GO_ARCHIVE}
"""The modules that advisories are read of, and that run in dockerd itself."""
_FIRST: Final = "23.0.0-dev"
_FIRST_WITH_GO_MOD: Final = "29.0.0-dev"
_MODULE = re.compile(r"^module\s+[\"`]?github\.com/(?:docker/docker|moby/moby(?:/v\d+)?)[\"`]?\s*$", re.MULTILINE)


def has_module_file(version: str) -> bool:
    """Whether an engine release is of the time since releases have a module file."""
    return is_version(version) and key(version) >= key(_FIRST)


class EngineModules(Source):
    """The module files of the engine's releases."""

    late: ClassVar[bool] = True
    guessed: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One file a release, newest first; a file made for programs, which robots.txt does not govern."""
        tagged = {key(v): tag for tag in sorted(wanted.tags) if (v := _release(tag))}
        for at, version in sorted(_asked(wanted.engines, tagged).items(), reverse=True):
            tag = tagged.get(at) or _tag(version)
            first, other = ("go.mod", "vendor.mod") if at >= key(_FIRST_WITH_GO_MOD) else ("vendor.mod", "go.mod")
            instead = (self._request(other, tag, version),)
            yield self._request(first, tag, version, instead)

    def _request(self, file: str, tag: str, version: str, instead: tuple[Request, ...] = ()) -> Request:
        url = self.urls[file].format(tag=tag)
        return Request(url=url, form=f"{file}/{version}", optional=True, once=True, instead=instead)

    def parse(self, document: Document) -> Parsed:
        """One fact: the products of ours in a release."""
        _, _, version = document.form.partition("/")
        if not is_version(version):
            raise ShapeError("not the file of a release", where=document.url)
        if len(document.body) > MODULE_FILE:
            raise ShapeError(f"it is larger than {MODULE_FILE >> 20} MiB, as no module file is", where=document.url)
        text = text_body(document)
        if not _MODULE.search(text):
            raise ShapeError("not the module file of Docker Engine", where=document.url)
        found = _contained(text)
        if not found:
            raise ShapeError(f"it requires none of {', '.join(_INSIDE)}", where=document.url)
        return Parsed((Contents(product=ENGINE, version=version, url=document.url, contains=found),))


def _asked(engines: Iterable[str], tagged: dict[Key, str]) -> dict[Key, str]:
    """The releases in use, and above each the newest of its own branch and of each later major version."""
    used = {key(v): read(v).base for v in engines if has_module_file(v)}
    found = dict(used)
    finals = [k for k, tag in tagged.items() if read(_release(tag)).final]
    for at in used:
        newest: dict[tuple[int, ...], Key] = {}
        for one in (k for k in finals if k > at):
            for group in ((one[0],), *([branch(one)] if branch(one) == branch(at) else [])):
                newest[group] = max(newest.get(group, one), one)
        found |= {k: _release(tagged[k]) for k in newest.values()}
    return found


def _release(tag: str) -> str:
    """The engine's release that a tag is; "" if it is something else's (the Go module's v2.0.0-beta.14)."""
    text = tag.removeprefix("docker-").removeprefix("v")
    return text if is_version(text) and products.numbering(ENGINE, text) == ENGINE else ""


def _tag(version: str) -> str:
    return f"docker-v{version}" if key(version) >= key(_FIRST_WITH_GO_MOD) else f"v{version}"


def _contained(text: str) -> dict[str, str]:
    """By product: the version that is required, or put in its place; "" if that is another module's."""
    required: dict[str, str] = {}
    replaced: dict[tuple[str, str], str] = {}
    for verb, words in _directives(text):
        module = words[0]
        if module not in _INSIDE:
            continue
        if verb == "require" and len(words) > 1 and is_version(words[1]):
            known = required.get(module)
            required[module] = words[1] if known is None or key(known) < key(words[1]) else known
        elif verb == "replace" and "=>" in words:
            arrow = words.index("=>")
            old, new = words[1:arrow], words[arrow + 1 :]
            same = len(new) == 2 and new[0] == module and is_version(new[1])
            replaced[module, old[0] if old else ""] = new[1] if same else ""
    return {
        _INSIDE[module]: _plain(replaced.get((module, version), replaced.get((module, ""), version)))
        for module, version in required.items()
    }


def _directives(text: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of a module file, each with its verb: `require a v1` and `require ( ... )` alike."""
    block = ""
    for line in text.splitlines():
        words = [w.strip('"`') for w in line.partition("//")[0].split()]
        if not words:
            continue
        if block:
            if words == [")"]:
                block = ""
            else:
                yield block, words
        elif words[1:] == ["("] or words[0].endswith("("):
            block = words[0].rstrip("(")
        elif len(words) > 1:
            yield words[0], words[1:]


def _plain(version: str) -> str:
    return version.removeprefix("v").removesuffix("+incompatible")


SOURCE = EngineModules(
    name="engine-modules",
    title="What Docker Engine is built with",
    home="https://github.com/moby/moby",
    urls={
        "go.mod": "https://raw.githubusercontent.com/moby/moby/{tag}/go.mod",
        "vendor.mod": "https://raw.githubusercontent.com/moby/moby/{tag}/vendor.mod",
    },
)
