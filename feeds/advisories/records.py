"""The central values: records, their claims, and advisories.  Pure.

A *record* is one source's entry as it was read.  Records of the same vulnerability form one *advisory*.  A *claim* is
a record's statement about the versions of one product.  Claims are kept with their original words, because evidence
weighs them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import zip_longest
from typing import Final

import msgspec

from feeds.advisories.ssvc import Ssvc
from feeds.core.limits import CLAIMED, CLOCK_SLACK
from feeds.versions.products import ENGINE_MODULE, FOREIGN, GO_ARCHIVE
from feeds.versions.ranges import Span

ENGINE: Final = "engine"
PRODUCTS: Final = ("engine", "cli", "containerd", "runc", "buildkit", "buildx", "compose", "desktop")
"""The products that Navtex follows, by the names used everywhere."""
CORRECTIONS: Final = ("corrections", "corrections-own")
"""The names under which reviewed corrections stand as sources: Navtex's own, and the operator's."""
CVE_RECORDS: Final = "cve-records"
"""The source that is asked only for what others name."""
EDITIONS: Final = "cis-editions"
"""The name under which the reviewed list of CIS editions stands as a source."""

PARTS_OF_ENGINE: Final = frozenset({ENGINE_MODULE, GO_ARCHIVE})
"""What is part of the engine and is numbered otherwise: the module it is built from, and a library inside it."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CVE = re.compile(r"\bCVE-\d{4}-\d{4,19}\b", re.IGNORECASE)
_RESERVED = re.compile(
    rf"(?:CVE|GO)-\d{{4}}-\d+|GHSA-.*|CIS-DOCKER-.*|(?:{'|'.join(PRODUCTS)})-v?\d.*|.*/.*", re.IGNORECASE
)
_GHSA = re.compile(r"\bGHSA(?:-[23456789cfghjmpqrvwx]{4}){3}\b", re.IGNORECASE)


class Kind(StrEnum):
    """The kind of an advisory."""

    VULNERABILITY = "vulnerability"
    ANNOUNCEMENT = "announcement"
    BENCHMARK = "benchmark"
    PUBLICATION = "publication"
    RELEASE = "release"
    END_OF_LIFE = "end-of-life"


class Severity(StrEnum):
    """The qualitative rating of CVSS. An advisory without one is unscored: its severity is None."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """A severity or "unscored", worst first. Unscored ranks between high and medium."""

    CRITICAL = "critical"
    HIGH = "high"
    UNSCORED = "unscored"
    MEDIUM = "medium"
    LOW = "low"

    @classmethod
    def of(cls, severity: Severity | None) -> Level:
        """The level of a severity, of None as well."""
        return cls(severity.value) if severity else cls.UNSCORED

    @property
    def severity(self) -> Severity | None:
        """The severity; None for unscored."""
        return None if self is Level.UNSCORED else Severity(self.value)

    @property
    def rank(self) -> int:
        """5 for critical down to 1 for low; 0 is left for "nothing"."""
        return _RANKS[self]

    @classmethod
    def ranked(cls, rank: int) -> Level:
        """The level of a rank from 1 to 5."""
        return _LEVELS[-rank]


_LEVELS = tuple(Level)
_RANKS = {level: len(_LEVELS) - place for place, level in enumerate(_LEVELS)}


def severity_rank(severity: Severity | None) -> int:
    """How bad a severity is, from 5 (critical) to 1 (low): the one order by which everything is sorted and filtered."""
    return Level.of(severity).rank


class Rank(IntEnum):
    """The weight of a claim in a verdict."""

    TRANSLATED = 10
    """Another numbering, translated: the Go modules that the engine was or is built from."""
    CONTAINED = 12
    """What is said of a product that the engine contains, by that product's numbers."""
    OTHERS = 15
    """What others say of a product: the weakest, whatever its number. It counts where nobody else states a range."""
    PROSE = 20
    """Words without a field beside them that says the same."""
    MODULE = 25
    """The Go vulnerability database, where a module's numbers are the product's own."""
    VENDOR = 30
    """A statement in the product's own numbers by the people who make it, or by the CNA."""
    DISTRIBUTION = 40
    """A distribution's own statement about its own package."""
    CORRECTION = 50
    """A reviewed correction that names its proof."""


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rating of a vulnerability: the CVSS vector, its base score, and who gave it."""

    by: str
    severity: Severity | None = None
    base: float | None = None
    vector: str = ""
    own: bool = False
    """Whether the CNA or the maintainers gave it, not a third party."""


class VersionStatement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a record says about the versions of one product.

    `affected` and `unaffected` are ranges as written; `fixed` are releases with the fix, which later releases of the
    same branch have, too.  Outside of its ranges a claim means "not affected", or nothing if it is `partial`.  `prose`
    marks claims read from a sentence instead of a field.  With a `package`, the claim is about that package of a
    distribution (`ecosystem`, as OSV names it), with the package's versions.
    """

    product: str
    affected: tuple[Span, ...] = ()
    unaffected: tuple[Span, ...] = ()
    fixed: tuple[str, ...] = ()
    partial: bool = False
    rank: Rank = Rank.VENDOR
    prose: bool = False
    package: str = ""
    ecosystem: str = ""
    only_with: str = ""
    """The subscription that a package's fix needs, by its name ("Ubuntu Pro"); "" if it needs none."""
    words: str = ""


class Edition(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edition of the CIS Docker benchmark.

    `line` is the one engine line that it was written for, "" for an edition of the general series; `engines` are
    the lines that it names.  `dated` says when it came out: "2015-04-22", "2025-07", "by 2016-04-20" (the
    latest day that there is evidence for), or "" if nothing is known but the record's own date.
    """

    version: str
    line: str = ""
    engines: tuple[str, ...] = ()
    dated: str = ""

    @property
    def exact(self) -> datetime | None:
        """The day that it came out on, at midnight UTC, where the day is known."""
        return datetime.fromisoformat(self.dated).replace(tzinfo=UTC) if _DAY.fullmatch(self.dated) else None

    @property
    def latest(self) -> date | None:
        """The latest day that it can have come out on; None if nothing is known."""
        text = self.dated.removeprefix("by ")
        if not text:
            return None
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        year, month = map(int, text.split("-"))
        return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)

    @property
    def summary(self) -> str:
        """A one-line description."""
        lines = ", ".join((self.line,) if self.line else self.engines)
        return f"Hardening guide for Docker Engine {lines}." if lines else "Hardening guide for Docker Engine."


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="record"):
    """One entry of one source, as read.

    `id` is the entry's name at its source; `aliases` are other names of the *same* one, which merge; `mentions`
    are other vulnerabilities, which do not.  `precedence` orders the records of an advisory when its title and text are
    chosen: lowest first.
    """

    id: str
    kind: Kind
    title: str
    url: str
    aliases: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    summary: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    withdrawn: datetime | None = None
    withdrawn_reason: str = ""
    scores: tuple[Score, ...] = ()
    ssvc: Ssvc | None = None
    claims: tuple[VersionStatement, ...] = ()
    references: tuple[str, ...] = ()
    edition: Edition | None = None
    line: str = ""
    """The engine line that an end-of-life notice is about."""
    precedence: int = 5
    place: int = 0
    """The place on its page, counted from the oldest entry, which new ones do not change."""
    reason: str = ""
    """Why a source that keeps only part of what it reads kept this."""

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return f"{self.kind}:{self.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """Everything this record is known by."""
        return (self.id, *self.aliases)

    @property
    def ours(self) -> bool:
        """Whether it makes a claim about a product that Navtex follows."""
        return any(claim.product in (*PRODUCTS, ENGINE_MODULE) for claim in self.claims)


def not_ahead(record: Record, read_at: datetime) -> Record:
    """The record with dates that lay in the future when it was read as of then; ends of life stay as they are."""
    if record.kind is Kind.END_OF_LIFE:
        return record
    dates = {"published": record.published, "modified": record.modified, "withdrawn": record.withdrawn}
    ahead = {name: read_at for name, at in dates.items() if at is not None and at > read_at + CLOCK_SLACK}
    return msgspec.structs.replace(record, **ahead) if ahead else record


class Read(msgspec.Struct, frozen=True):
    """A record with the document and time it was read from."""

    record: Record
    source: str
    document: str
    at: datetime
    doubted: tuple[str, ...] = ()
    """Aliases of the record that are not believed: each is of a CVE that has a record of its own."""
    aside: bool = False
    """Whether it is a maker's record of what others only say of products that are not the maker's."""


class Doubt(msgspec.Struct, frozen=True):
    """An alias that is not believed, because both names have CVE records of their own."""

    name: str
    source: str
    url: str


class Advisory(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory, merged from all its records.

    `name` is the CVE if there is one, else the GHSA id, else the source's own id.
    """

    name: str
    aliases: tuple[str, ...]
    kind: Kind
    title: str
    summary: str
    url: str
    severity: Severity | None
    cvss: float | None
    published: datetime | None
    withdrawn: datetime | None
    records: tuple[Read, ...]
    doubts: tuple[Doubt, ...] = ()
    exploited: date | None = None
    """The day it came into CISA's catalogue of known exploited vulnerabilities."""
    epss: float | None = None
    """The likelihood (0 to 1) that it is exploited in the next thirty days."""
    id: int = 0
    """The store's number; 0 until it is stored."""
    doubles: tuple[int, ...] = ()
    """Numbers of what was once taken for another advisory and turned out to be this one."""
    first_seen: datetime | None = None
    baseline: bool = False
    """Whether it came with a source's first good poll, and is therefore no news."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and every alias."""
        return (self.name, *self.aliases)

    @property
    def claims(self) -> tuple[tuple[VersionStatement, Read], ...]:
        """Every claim, with its record."""
        return tuple((claim, read) for read in self.records for claim in read.record.claims)

    @property
    def products(self) -> frozenset[str]:
        """The products that a claim is about; a part of the engine counts as the engine.

        Withdrawn records do not count, unless all are withdrawn.
        """
        live = [r for r in self.records if r.record.withdrawn is None]
        named = {claim.product for read in live or self.records for claim in read.record.claims}
        return frozenset(ENGINE if p in PARTS_OF_ENGINE else p for p in named if p != FOREIGN)

    @property
    def parts(self) -> frozenset[str]:
        """The same, with the parts of the engine by their own names."""
        return frozenset(claim.product for claim, read in self.claims if read.record.withdrawn is None)

    @property
    def edition(self) -> Edition | None:
        """The benchmark edition that this is, if it is one."""
        return next((r.record.edition for r in self.records if r.record.edition), None)

    @property
    def ssvc(self) -> Ssvc | None:
        """CISA's decision points, where it published any."""
        return next((r.record.ssvc for r in self.records if r.record.ssvc), None)

    @property
    def place(self) -> int:
        """The place on the page that lists it, counted from the oldest: what orders entries without a date."""
        return max((r.record.place for r in self.records), default=0)

    @property
    def line(self) -> str:
        """The engine line whose end of life this is, if it is one."""
        return next((r.record.line for r in self.records if r.record.line), "")

    @property
    def mentions(self) -> frozenset[str]:
        """The vulnerabilities that the records mention."""
        return frozenset(m for read in self.records for m in read.record.mentions)


def cves_in(text: str) -> tuple[str, ...]:
    """The CVE ids in a text, in the order of their first mention.

    >>> cves_in("cve-2024-41110 and CVE-2024-29018, CVE-2024-41110")
    ('CVE-2024-41110', 'CVE-2024-29018')
    """
    return tuple(dict.fromkeys(m.upper() for m in _CVE.findall(text)))


def ghsas_in(text: str) -> tuple[str, ...]:
    """The GHSA ids in a text, in the order of their first mention, as GitHub writes them."""
    return tuple(dict.fromkeys("GHSA" + m[4:].lower() for m in _GHSA.findall(text)))


def is_cve(name: str) -> bool:
    """Whether the name is a CVE id."""
    return _CVE.fullmatch(name) is not None


def ranked_fairly(of_source: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """CVEs in the order in which to ask for them: the newest of each source, then the second of each, and so on.

    >>> ranked_fairly([["CVE-2024-1", "CVE-2025-1"], ["CVE-2023-9"]])
    ('CVE-2025-1', 'CVE-2023-9', 'CVE-2024-1')
    """
    turns = (sorted(set(names), key=cve_age, reverse=True) for names in of_source)
    return tuple(dict.fromkeys(name for turn in zip_longest(*turns) for name in turn if name))


def ranked_claims(of_source: Iterable[Iterable[Record]], products: Collection[str]) -> tuple[str, ...]:
    """The CVEs that records make claims about, as `ranked_fairly` has them; first those about some products."""
    ours = [[record for record in found if record.ours] for found in of_source]
    run = frozenset(products) | (PARTS_OF_ENGINE | {"buildkit"} if ENGINE in products else frozenset())
    about = [[record for record in found if any(c.product in run for c in record.claims)] for found in ours]
    parts = (ranked_fairly(_newest(found) for found in part) for part in (about, ours))
    return tuple(dict.fromkeys(name for names in parts for name in names))


def _newest(records: Iterable[Record]) -> list[str]:
    """The newest CVEs of a source's records, as many as are asked for."""
    return sorted({n for r in records for n in r.names if is_cve(n)}, key=cve_age, reverse=True)[:CLAIMED]


def cve_age(cve: str) -> tuple[int, int]:
    """Sort key of CVE ids, the oldest first."""
    _, year, number = cve.split("-")
    return int(year), int(number)


def is_ghsa(name: str) -> bool:
    """Whether the name is a GitHub advisory id."""
    return _GHSA.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    """Whether a name is of a form in which other sources name their entries: a vulnerability, a release, an edition.

    >>> is_reserved("cve-2031-10001"), is_reserved("GO-2031-0001"), is_reserved("engine-29.5.1")
    (True, True, True)
    >>> is_reserved("docker-desktop-4.30.0-security-update-cve-2024-5652"), is_reserved("cve-2024-in-review")
    (False, False)
    """
    return _RESERVED.fullmatch(name.strip()) is not None


def canonical(name: str) -> str:
    """A name in the one spelling under which records are merged.

    >>> canonical("cve-2024-41110"), canonical("ghsa-V23V-6jw2-98fq")
    ('CVE-2024-41110', 'GHSA-v23v-6jw2-98fq')
    """
    if is_ghsa(name):
        return "GHSA" + name[4:].lower()
    return name.upper() if is_cve(name) else name
