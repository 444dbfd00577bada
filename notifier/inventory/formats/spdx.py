"""SPDX 2.3 and 3 as JSON, of a host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from notifier.domain.components import Found
from notifier.inventory.formats.shared import sbom
from notifier.inventory.formats.shared.distributions import of_id
from notifier.inventory.text import Text, obj, seq, word

NAME = "spdx"
SIGN = "JSON with `spdxVersion`, or a graph of spdx.org"
_KINDS = (
    (r"~(?:debian|ubuntu|raspbian)\.|ubuntu|\+deb\d|dfsg|[+~]ds\d?|\+b\d", "deb"),
    (r"\.(?:el|fc|amzn|cm|azl|ph|mga|lp)\d+", "rpm"),
    (r"-r\d+$", "apk"),
)


def recognises(text: Text) -> bool:
    """Whether it says that it is SPDX."""
    said = obj(text.sample)
    return "spdxVersion" in said or ("@graph" in said and "spdx.org" in str(said.get("@context"))[:2000])


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The one host that it describes, named `host`: SPDX names a document, not a host."""
    said = obj(text.document())
    three = "@graph" in said
    entries = list(_of_three(said) if three else _of_two(said))
    system = next((e for _, e in entries if re.sub("[^a-z]", "", word(e, "purpose").lower()) == "operatingsystem"), {})
    yield from sbom.hosts(entries, host, "", of_id(word(system, "name"), word(system, "version")))


def _of_two(said: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for i, package in enumerate(seq(said, "packages")):
        links = (r for r in seq(package, "externalRefs") if word(r, "referenceType") == "purl")
        purl = next((word(r, "referenceLocator") for r in links), "")
        yield _entry(f"packages[{i}]", package, "versionInfo", purl, word(package, "primaryPackagePurpose"))


def _of_three(said: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for i, package in enumerate(seq(said, "@graph")):
        if word(package, "type") in ("software_Package", "software:Package", "Package"):
            links = (r for r in seq(package, "externalIdentifier") if word(r, "externalIdentifierType") == "packageUrl")
            purl = word(package, "software_packageUrl") or next((word(r, "identifier") for r in links), "")
            purpose = word(package, "software_primaryPurpose")
            yield _entry(f"@graph[{i}]", package, "software_packageVersion", purl, purpose)


def _entry(where: str, package: Any, version_key: str, purl: str, purpose: str) -> tuple[str, dict[str, str]]:
    name, version = word(package, "name"), word(package, version_key)
    kind = next((k for pattern, k in _KINDS if re.search(pattern, version)), "")
    if not purl and kind:
        # without a package URL the version's own marks say which packager wrote it
        purl = f"pkg:{kind}/{name}@{version.replace('+', '%2B')}"
    return where, {"name": name, "version": version, "purl": purl, "purpose": purpose}
