"""What is fuzzed: every reader of what strangers write, with seeds of its own and what each may raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from feeds.advisories import corrections, scores
from feeds.advisories.prose import read_prose
from feeds.core import addresses
from feeds.core.errors import ConfigError, InventoryError, ShapeError, UsageProblem, VersionError
from feeds.crawl.timer import within
from feeds.crawl.unpack import unpacked
from feeds.mirror import layout
from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Document, RequestContext, Source
from feeds.versions import package_versions, products, ranges, upstream
from notifier import inventory
from notifier.config import MappingPaths
from notifier.services.installation import mirror_age

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(__file__).with_name("corpus")
SECONDS = 5.0
"""Of this process's own time that reading one input may take."""
AT = datetime(2026, 6, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Target:
    """One reader: `run` raises nothing but what `may_raise` says."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    may_raise: tuple[type[BaseException], ...] = ()

    def __call__(self, body: bytes) -> None:
        """Read an input; TooLong, or what the reader raises and may not."""
        with within(SECONDS):
            try:
                self.run(body)
            except self.may_raise:
                return


def _text(reader: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda body: reader(body.decode("utf-8", "replace"))


def _parser(source: Source, form: str, url: str) -> Callable[[bytes], object]:
    def run(body: bytes) -> None:
        head, _, rest = body.partition(b"\n\n") if body.startswith(b"Link: ") else (b"", b"", body)
        headers = {"link": head[6:].decode("latin-1")} if head else {}
        parsed = source.parse(Document(url, form, rest, headers, AT))
        msgspec.json.encode(parsed)
        keys = [item.key for item in parsed.items]
        assert len(keys) == len(set(keys)), "two items of one key"

    return run


def _demo() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with Mirror(ROOT / "demo" / "day-1", ROOT / "demo" / "day-2") as mirror:
        wanted = RequestContext(frozenset({"CVE-2024-21626"}), frozenset({("Debian:12", "docker.io")}))
        for source in SOURCES:
            for ask in source.requests(wanted):
                path = f"{urlsplit(ask.url).netloc}{urlsplit(ask.url).path}"
                at = mirror.find(f"{path}/{ask.form}" if ask.body else path)
                if at:
                    found.setdefault(f"{source.name} {ask.form}", at.read_bytes())
        entry = mirror.find("vuln.go.dev/ID/GO-2024-3005.json")
        if entry:
            found["go-vulndb entry"] = entry.read_bytes()
    return found


def _forms() -> Iterator[tuple[Source, str, str]]:
    """Each kind of document once: forms that are names of repositories or packages are read alike."""
    wanted = RequestContext(
        frozenset({"CVE-2024-21626"}), frozenset({("Debian:12", "docker.io")}), engines=frozenset({"29.3.0"})
    )
    for source in SOURCES:
        asks = {a.form: a.url for a in source.requests(wanted)}
        alike = source.name in ("release-feeds", "tags", "release-notes") or source.name.endswith("-advisories")
        for form, url in list(asks.items())[: 1 if alike else None]:
            yield source, form, url
        if source.name == "go-vulndb":
            yield source, "entry", source.urls["entry"].format(id="GO-2024-3005")


def _safe(name: str) -> str:
    return name.replace("/", "-").replace(":", "-").replace(" ", "-")


def kept(name: str) -> tuple[bytes, ...]:
    """The inputs of the corpus for a target."""
    return tuple(p.read_bytes() for p in sorted((CORPUS / name).glob("*")))


_VERSIONS = (b"17.03.2-ce", b"docker-v29.0.0-rc.1", b"5:29.1.3-1~debian.12~bookworm", b"20.10.24+dfsg1-1+deb12u1+b6")
_RANGES = (b"< 29.1.0", b">= 25.0.0, <= 25.0.12", b"moby/moby < 1.4.0-rc.3 || 19.03.x", b"prior to 1.7.29 and 2.0.7")
_SENTENCES = (
    b"Moby before 25.0.6, 26.1.x before 26.1.5 and 27.0.0 through 27.1.0 is affected. Fixed in 27.1.1.",
    b"In containerd versions 1.6.0 to 1.6.17 and prior to 1.5.18, and in Docker Desktop 4.41 and later, a flaw.",
)
_INVENTORIES = (
    b"host,product,version,package,distro,tags\nweb-1,engine,20.10.24,docker.io 1.0+deb12u1,debian-12,env=prod;a=b\n",
    b'{"Server": {"Version": "25.0.5", "Components": [{"Name": "containerd", "Version": "1.6.28"}]}}',
    b"Client:\n Version: 25.0.5\n\nServer:\n Engine:\n  Version: 25.0.5\n containerd:\n  Version: 1.6.28\n",
)


_MAPPED = (
    b'{"rows": [{"name": "a", "id": 1, "os": "Debian GNU/Linux 12", "packages": {"docker-ce": {"v": "5:27.4.1-1"}}}]}'
)
_MAPPING = MappingPaths(
    hosts="rows",
    host="name",
    id="id",
    distribution="os",
    components="items(packages)",
    package="[0]",
    version="[1].v",
    kind="'deb'",
)


def _inventory(form: str) -> Callable[[str], object]:
    """Reads a text to its end, as a named format or as the one that is recognised."""
    return lambda text: list(inventory.read(text, form, "lab-1", "engine", own={"own": _MAPPING}))


def _examples(form: str) -> tuple[bytes, ...]:
    folder = Path(__file__).parents[1] / "notifier" / "inventory" / "examples" / form
    return tuple(p.read_bytes() for p in sorted(folder.iterdir()) if not p.name.endswith(".expected.json"))


@cache
def targets() -> dict[str, Target]:
    """Every target by its name."""
    demo = _demo()
    found = [
        Target(
            _safe(f"{source.name} {form}"),
            _parser(source, form, url),
            tuple(b for b in (demo.get(f"{source.name} {form}"),) if b),
            (ShapeError,),
        )
        for source, form, url in _forms()
    ]
    found += [
        Target("versions", _text(upstream.key), _VERSIONS, (VersionError,)),
        Target("packages-dpkg", _text(package_versions.dpkg), _VERSIONS, (VersionError,)),
        Target("packages-rpm", _text(package_versions.rpm), _VERSIONS, (VersionError,)),
        Target("packages-apk", _text(package_versions.apk), (b"27.3.1-r2", b"1.0_rc1_p2-r0"), (VersionError,)),
        Target("ranges", _text(ranges.read_range), _RANGES),
        Target("prose", _text(read_prose), _SENTENCES),
        Target("products", _text(lambda text: [*products.mentions(text), products.of_words(text)]), _SENTENCES),
        Target(
            "scores",
            _text(lambda t: scores.vector_score(t, by="x")),
            (b"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",),
        ),
        Target(
            "corrections",
            _text(lambda text: corrections.records(corrections.read(text, "x", date(2026, 6, 20)))),
            ((ROOT / "feeds" / "corrections.toml").read_bytes()[:4000].rpartition(b"[[")[0],),
            (ConfigError,),
        ),
        Target("inventory", _text(_inventory("")), _INVENTORIES, (InventoryError, UsageProblem)),
        *(
            Target(f"inventory-{form.NAME}", _text(_inventory(form.NAME)), _examples(form.NAME), (InventoryError,))
            for form in inventory.FORMATS
        ),
        Target("inventory-mapping", _text(_inventory("own")), (_MAPPED,), (InventoryError,)),
        Target(
            "mirror-packages",
            _text(lambda t: mirror_age.packages(t.splitlines(), "x")),
            (b"Debian:12 docker.io\n",),
            (UsageProblem,),
        ),
        Target(
            "mirror-names",
            _text(lambda text: layout.file_of(text, b"{}")),
            (b"https://a.example/b/?c", b'https://a/q#{"package":{"ecosystem":"a","name":"b"}}'),
            (ShapeError,),
        ),
        Target(
            "mirror-parts",
            lambda body: layout.merged(body.split(b"\n")),
            (b'{"data":[1]}\n{"data":[2]}', b"[1]\n[2]"),
            (ShapeError,),
        ),
        Target(
            "addresses",
            _text(lambda text: (a := addresses.literal(text)) and addresses.public(a)),
            (b"0x7f.1", b"[::ffff:10.0.0.1]"),
        ),
        Target(
            "unpacking",
            lambda body: unpacked(body, 1 << 20),
            (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03K\x04\x00C\xbe\xb7\xe8\x01\x00\x00\x00",),
            _refused(),
        ),
    ]
    return {t.name: t for t in found}


def _refused() -> tuple[type[BaseException], ...]:
    from scrapy.exceptions import IgnoreRequest

    return (IgnoreRequest,)
