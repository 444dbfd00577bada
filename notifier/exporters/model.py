"""The data of every export format: products, and statements about them.  Pure."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

import feeds
from feeds.advisories.records import Advisory
from feeds.core.text import counted
from feeds.core.times import stamp
from feeds.verdicts.weighing import Status, Verdict
from notifier.assessment.advice import NOTHING, Advice
from notifier.assessment.findings import Finding
from notifier.exporters.purl import purls

TOOL = "Navtex"
VERSION = feeds.__version__
AUTHOR = "Navtex"
NAMESPACE = "https://navtex.invalid"
"""The default namespace of a document's author: an address that can never exist."""


@dataclass(frozen=True, slots=True)
class Product:
    """A component in use as other tools identify it, the number of hosts that run it, and some of their names."""

    id: str
    """Short, and the same for the same component."""
    name: str
    version: str
    purl: str
    inside: str
    """The package URL of the affected software within the package; "" if it is the package itself."""
    hosts: int
    names: tuple[str, ...]

    @property
    def where(self) -> str:
        """The hosts in words: "on 7 hosts: a, b and 5 more"."""
        more = self.hosts - len(self.names)
        names = ", ".join(self.names) + (f" and {more} more" if more and self.names else "")
        return f"on {counted(self.hosts, 'host')}" + (f": {names}" if names else "")


@dataclass(frozen=True, slots=True)
class Remark:
    """Silences and assignments of an advisory, in words.

    `justification` is VEX's reason why no host is affected, if it was silenced for all hosts.
    """

    words: tuple[str, ...] = ()
    justification: str = ""


NO_REMARK = Remark()


@dataclass(frozen=True, slots=True)
class ExportStatement:
    """One verdict with its reason and its products."""

    advisory: Advisory
    verdict: Verdict
    products: tuple[Product, ...]
    remark: Remark = NO_REMARK
    advice: Advice = NOTHING

    @property
    def status(self) -> Status:
        """The verdict's status; not affected if a silence with a justification covers all hosts."""
        return Status.NOT_AFFECTED if self._justified else self.verdict.status

    @property
    def justification(self) -> str:
        """VEX's reason why the products are not affected."""
        return self.remark.justification if self._justified else "vulnerable_code_not_present"

    @property
    def note(self) -> str:
        """The verdict's reason, with silences and assignments."""
        words = self.verdict.reason
        if self.verdict.status is Status.CONFLICTING:
            words = f"Sources disagree; treated as affected: {words}"
        return ". ".join((words.rstrip("."), *self.remark.words))

    @property
    def _justified(self) -> bool:
        return bool(self.remark.justification) and self.verdict.status is not Status.NOT_AFFECTED

    @property
    def action(self) -> str:
        """What to do about it."""
        if self.verdict.upgrade_to is None:
            words = [f"{w[:1].upper()}{w[1:]}." for w in self.advice.words]
            return " ".join(words) or "No known fixed release. Watch the advisory."
        others = [f for f in self.verdict.fixed_in if f != self.verdict.upgrade_to]
        words = [f"{w[:1].upper()}{w[1:]}." for w in self.advice.words]
        also = [f"Also fixed in {', '.join(others)}."] if others else []
        return " ".join((f"Upgrade to {self.verdict.upgrade_to}.", *words, *also))


@dataclass(frozen=True, slots=True)
class ExportDocument:
    """Statements, worst first, with their products, author and time."""

    at: datetime
    author: str
    namespace: str
    statements: tuple[ExportStatement, ...]
    products: tuple[Product, ...]

    @property
    def stamp(self) -> str:
        """When it was made, in RFC 3339."""
        return stamp(self.at)

    @property
    def digest(self) -> str:
        """A hash of contents and author, independent of the time."""
        said = [
            (s.advisory.name, s.status, s.note, s.verdict.upgrade_to, [(p.id, p.hosts, p.names) for p in s.products])
            for s in self.statements
        ]
        return hashlib.sha256(msgspec.json.encode((self.author, self.namespace, said))).hexdigest()

    @property
    def uuid(self) -> str:
        """The digest as a UUID: version 5, as SARIF's schema knows none above."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"navtex:{self.digest}"))


def document(
    found: Iterable[Finding],
    names: Callable[[int], tuple[str, ...]],
    at: datetime,
    *,
    author: str = AUTHOR,
    namespace: str = NAMESPACE,
    remark: Callable[[Finding], Remark] = lambda _: NO_REMARK,
) -> ExportDocument:
    """The document of findings that are sorted worst first.

    `names` gives the hosts to name for a component, `remark` the silences and assignments of a finding.
    """
    products: dict[int, Product] = {}
    statements: dict[tuple[str, Status, str, str | None, Advice, Remark], list[Finding]] = {}
    for finding in found:
        if finding.number not in products:
            products[finding.number] = _product(finding, names(finding.number))
        verdict = finding.match.verdict
        key = (
            finding.match.advisory.name,
            verdict.status,
            verdict.reason,
            verdict.upgrade_to,
            finding.match.advice,
            remark(finding),
        )
        statements.setdefault(key, []).append(finding)
    return ExportDocument(
        at=at,
        author=author,
        namespace=namespace,
        statements=tuple(
            ExportStatement(
                group[0].match.advisory,
                group[0].match.verdict,
                tuple(products[f.number] for f in group),
                said,
                group[0].match.advice,
            )
            for (*_, said), group in statements.items()
        ),
        products=tuple(sorted(products.values(), key=lambda p: (p.name, p.version, p.id))),
    )


def _product(finding: Finding, names: tuple[str, ...]) -> Product:
    component = finding.match.component
    purl, inside = purls(component)
    text = f"{component.product} {component.version}"
    digest = hashlib.sha256("\0".join((*msgspec.structs.astuple(component),)).encode()).hexdigest()
    return Product(
        id=f"{component.product}-{digest[:12]}",
        name=f"{text} ({component.package})" if component.package else text,
        version=component.package_version or component.version,
        purl=purl,
        inside=inside,
        hosts=finding.hosts,
        names=names,
    )


def distinct(products: Sequence[Product]) -> tuple[tuple[str, str], ...]:
    """The distinct package URLs of products: two components may be one package to other tools."""
    return tuple(dict.fromkeys((p.purl, p.inside) for p in products))
