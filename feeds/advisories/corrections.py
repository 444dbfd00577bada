"""Reviewed corrections to wrong advisories: the file that ships, and the operator's own.  Pure.

A correction states which versions of a product are affected, and proves it: each proof is a public statement or a
commit, with its address and a quote.  Outside of its ranges it says nothing, and the published data decides.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date

import msgspec

from feeds.advisories.authority import Precedence
from feeds.advisories.records import (
    CORRECTIONS,
    PRODUCTS,
    Kind,
    Rank,
    Record,
    Score,
    Severity,
    VersionStatement,
    is_cve,
    is_ghsa,
)
from feeds.advisories.scores import vector_score
from feeds.core.errors import ConfigError
from feeds.versions.ranges import Span, intersection, read_range
from feeds.versions.upstream import is_version

SHIPPED, OWN = CORRECTIONS


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proof: an address, the commit if it is one, and a quote."""

    url: str
    quote: str
    commit: str = ""


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One correction as it stands in the file.

    `affected` and `unaffected` are range expressions; `fixed` are releases that have the fix, which
    speaks for later releases of the same branch.  `severity` and `vector` rate what its own authority
    left unrated.
    """

    id: str
    product: str
    reason: str
    author: str
    date: date
    proof: tuple[Proof, ...]
    title: str = ""
    affected: tuple[str, ...] = ()
    unaffected: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    severity: str = ""
    vector: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    correction: tuple[Correction, ...] = ()


def read(text: str, where: str, today: date) -> tuple[Correction, ...]:
    """The corrections of a file, checked; ConfigError says which one is wrong and how."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=where) from error
    try:
        file = msgspec.convert(values, _File)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=where, remedy="See `navtex help corrections`") from error
    for number, correction in enumerate(file.correction, 1):
        problem = _problem(correction, today)
        if problem:
            raise ConfigError(problem, where=f"{where}, correction {number} ({correction.id})")
    return file.correction


def _problem(correction: Correction, today: date) -> str:
    """What is wrong with a correction, or ""."""
    checks = (
        (is_cve(correction.id) or is_ghsa(correction.id), "its id is neither a CVE nor a GHSA"),
        (correction.product in PRODUCTS, f"its product {correction.product!r} is not one of {', '.join(PRODUCTS)}"),
        (bool(correction.proof), "it has no proof"),
        (
            all(p.url.startswith("https://") and p.quote.strip() for p in correction.proof),
            "each proof needs an https:// address and the words that prove it",
        ),
        (correction.date <= today, f"its date {correction.date} is in the future"),
        (bool(correction.author.strip() and correction.reason.strip()), "it needs an author and a reason"),
    )
    return next((problem for holds, problem in checks if not holds), "") or _range_problem(correction)


def _range_problem(correction: Correction) -> str:
    for text in (*correction.affected, *correction.unaffected):
        expression = read_range(text)
        if expression is None or expression.subject:
            return f"the range {text!r} cannot be read"
    for version in correction.fixed:
        if not is_version(version):
            return f"the fixed release {version!r} is not a version"
    rated = correction.severity or correction.vector
    if correction.severity and correction.severity not in list(Severity):
        return f"the severity {correction.severity!r} is not one of {', '.join(Severity)}"
    if correction.vector and vector_score(correction.vector, by="") is None:
        return f"the vector {correction.vector!r} cannot be scored"
    if not (correction.affected or correction.unaffected or correction.fixed or rated):
        return "it has no effect: give affected, unaffected, fixed or a severity"
    return _contradiction(correction)


def _contradiction(correction: Correction) -> str:
    affected, unaffected = _spans(correction.affected), _spans(correction.unaffected)
    for span in affected:
        clash = next((u for u in unaffected if intersection(span, u)), None)
        if clash:
            return f"{span} and {clash} overlap, and say opposite things"
        inside = next((f for f in correction.fixed if f in span), None)
        if inside:
            return f"the fixed release {inside} is in the affected range {span}"
    return ""


def _spans(texts: Iterable[str]) -> tuple[Span, ...]:
    return tuple(span for text in texts if (e := read_range(text)) for span in e.spans)


def records(corrections: Iterable[Correction]) -> tuple[Record, ...]:
    """Corrections as records, which merge with the advisories that they correct; one an advisory."""
    found: dict[str, Record] = {}
    for correction in corrections:
        record = _record(correction)
        first = found.get(record.key)
        found[record.key] = (
            record
            if first is None
            else msgspec.structs.replace(
                first,
                claims=(*first.claims, *record.claims),
                scores=(*first.scores, *record.scores),
                references=tuple(dict.fromkeys((*first.references, *record.references))),
            )
        )
    return tuple(found.values())


def _record(correction: Correction) -> Record:
    score = vector_score(correction.vector, by="a correction", own=True) if correction.vector else None
    if score is None and correction.severity:
        score = Score(by="a correction", severity=Severity(correction.severity), own=True)
    says = correction.affected or correction.unaffected or correction.fixed
    proofs = "; ".join(f"“{p.quote}” ({p.url})" for p in correction.proof)
    claim = VersionStatement(
        product=correction.product,
        affected=_spans(correction.affected),
        unaffected=_spans(correction.unaffected),
        fixed=correction.fixed,
        partial=True,
        rank=Rank.CORRECTION,
        words=f"{correction.reason} {proofs}",
    )
    return Record(
        id=correction.id,
        kind=Kind.VULNERABILITY,
        title=correction.title or correction.id,
        summary=correction.reason,
        url=correction.proof[0].url,
        scores=(score,) if score else (),
        claims=(claim,) if says else (),
        references=tuple(p.url for p in correction.proof),
        precedence=Precedence.CORRECTION,
    )
