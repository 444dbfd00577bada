"""The documentation's numbers are those of the code."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from twisted.protocols.basic import LineReceiver

from feeds.core import limits
from feeds.crawl.protocol import CrawlJob
from notifier.assessment import matcher
from notifier.domain import retry
from notifier.services.sending import delivery_queue
from tests.conftest import ROOT
from tests.integration.endurance import flooding, lying, soaking
from tests.integration.feeds.crawl.test_hostile_server import DIRECT, MIRRORED
from tests.unit.fuzz import __main__ as fuzz
from tests.unit.fuzz import targets

SECURITY = ROOT / "SECURITY.md"
DELIVERY = ROOT / "docs" / "explanation" / "delivery.md"
HOSTILE = ROOT / "docs" / "explanation" / "hostile-input.md"
NEWS = ROOT / "docs" / "explanation" / "what-counts-as-news.md"
SOURCES = ROOT / "docs" / "reference" / "sources.md"


def in_words(number: int) -> str:
    return {2: "two", 3: "three", 4: "four", 5: "five", 30: "thirty"}[number]


def mib(size: int) -> str:
    return f"{size >> 20:,} MiB"


def recipe(target: str) -> str:
    """What `make` runs for a target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [found] = re.findall(rf"^{target}: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    return str(found)


def default(target: str, name: str) -> str:
    """The number that a target gives its program, where nobody says another."""
    [found] = re.findall(rf"{name}(?::-)?(\d+)", recipe(target))
    return str(found)


def option(name: str) -> str:
    """The default of an option of `make workers`' program."""
    text = (ROOT / "tests" / "integration" / "endurance" / "working.py").read_text(encoding="utf-8")
    [found] = re.findall(rf'"--{name}", type=\w+, default=([\d.]+)', text)
    return str(found)


CUT = [cut.removesuffix(" %") for cut in lying.CUTS if cut.endswith("%")]
LIMITS = [
    ("a response", f"{mib(limits.RESPONSE)} each"),
    ("a list of apt packages", mib(limits.INDEX)),
    ("a list of RPM packages", mib(limits.PACKAGES)),
    ("an engine release's module file", mib(limits.MODULE_FILE)),
    ("an image's manifest", f"{mib(limits.MANIFEST)}, {limits.LAYERS:,} layers"),
    ("a registry's list of tags", f"{limits.TAG_PAGES} pages of {limits.TAGS:,} tags"),
    ("a registry's answer with a token", mib(limits.TOKEN)),
    ("a mirror's list of its files", mib(limits.MIRROR_LIST)),
    ("what `navtex mirror fetch` brings", f"{limits.MIRROR >> 30} GiB"),
    ("a page or a feed", mib(limits.PAGE)),
    ("the headers of a response", f"{limits.HEADERS >> 10} KiB, {LineReceiver.MAX_LENGTH >> 10} KiB a line"),
    ("a robots.txt", f"{limits.ROBOTS >> 10} KiB"),
    ("one request", f"{limits.REQUEST:.0f} seconds | tried again, {in_words(limits.TRIES)} times"),
    ("redirects", f"{limits.REDIRECTS}, no loops"),
    ("documents that a source", f"{limits.FOLLOWED:,}"),
    ("memory of the crawl", f"{limits.MEMORY >> 30} GiB"),
    ("the reason of a failure", f"{limits.REASON} characters"),
    ("entries of one document", f"{limits.ENTRIES:,} "),
    ("one entry", mib(limits.ENTRY)),
    ("entries of a source that count", f"{limits.SOURCE_STORED:,}"),
    ("CVEs that the claims of one source", f"the newest {limits.CLAIMED:,} are"),
    ("CVEs that a document only mentions", f"the first {limits.MENTIONS} are"),
    ("CVEs that a document only mentions", f"{limits.MENTIONED:,} of all documents of a source"),
    ("entries of all documents of a source", f"{limits.SOURCE_ENTRIES:,}, together {mib(limits.SOURCE_SIZE)}"),
    ("claims, names and references", f"{limits.CLAIMS} of each"),
    ("items of one digest", f"{limits.DIGEST_ITEMS}: the worst"),
    ("parsing the documents of a host", f"{limits.HOST_READING:.0f} seconds of CPU time"),
    ("an address in a document", f"{limits.ADDRESS:,} bytes"),
    ("a name", f"{limits.NAME} bytes"),
    ("a title", f"{limits.TITLE} characters"),
    ("a header that is kept", f"{limits.HEADER:,} characters"),
]
DEFAULTS = CrawlJob()
RULES = [
    (
        SECURITY,
        f"It needs Python {tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['requires-python'][2:]}",
    ),
    (HOSTILE, f"{len(MIRRORED) + len(DIRECT)} hostile responses"),
    (NEWS, f"holds {limits.DIGEST_ITEMS} items at most"),
    (NEWS, f"{in_words(limits.CLOCK_SLACK.seconds // 60)} minutes apart"),
    (SOURCES, f"fewest entries of its last {in_words(limits.GOOD_POLLS)} good polls"),
    (SOURCES, f"if there were at least {in_words(limits.LEAST_POLLS)}"),
    (SOURCES, f"could be read for {in_words(limits.SILENT_AFTER.days)} days"),
    (SOURCES, f"requests at most {limits.MODULE_FILES} of them"),
    (SOURCES, {(3, 4): "less than three quarters"}[limits.LEAST_LISTED]),
    (SOURCES, f"({limits.GONE_AFTER.seconds // 3600} hours, because timers"),
    (SOURCES, f"{in_words(limits.AT_ONCE)} or more entries disappear in the same poll"),
    (SOURCES, f"more than {in_words(limits.UNLINKED)} of its entries are on no other page"),
    (SOURCES, f"the most entries of the last {in_words(limits.PEAK.days // 7)} weeks"),
    (SOURCES, f"names {in_words(limits.NAMED)} or more"),
    (SOURCES, f"its first {limits.ASSIGNED:,} ids"),
    (SOURCES, f"{in_words(limits.REQUESTS_A_SECOND)} requests a second to one host"),
    (SOURCES, f"{in_words(limits.TRIES)} attempts at most"),
    (SOURCES, f"the statuses {', '.join(map(str, limits.RETRIED))}"),
    (SOURCES, f"{in_words(limits.REDIRECTS)} at most, `<meta>`"),
    (SOURCES, f"{mib(limits.RESPONSE)} a document, and {limits.MEMORY >> 30} GiB of memory"),
    (SOURCES, f"{DEFAULTS.host_seconds:.0f} seconds a host and {DEFAULTS.poll_seconds:.0f} a poll"),
    (SOURCES, f"({matcher.AHEAD.days} days)"),
    (SOURCES, {timedelta(minutes=1): "more than a minute is not contacted"}[limits.LONG_PAUSE]),
    (SOURCES, {timedelta(weeks=1): "for a week at most"}[limits.LONGEST_WAIT]),
    (DELIVERY, f"waits {retry.LEASE.seconds // 60} minutes instead"),
    (DELIVERY, f"less than {delivery_queue.HOLD * 1000:.0f} ms share a"),
    (DELIVERY, f"at most every {delivery_queue.HOLD * 1000:.0f} ms"),
    (DELIVERY, f"the messages of its last {delivery_queue.HOLD * 1000:.0f} ms"),
    (DELIVERY, f"at least {delivery_queue.FEWEST}, and"),
    (DELIVERY, {60.0: "renewed every minute"}[delivery_queue.RENEWAL]),
]
RULES += [
    (HOSTILE, f"cut by {', '.join(CUT[:-1])} and {CUT[-1]} %"),
    (HOSTILE, f"answered with {lying.LIES[-2]}"),
    (HOSTILE, f"sends {flooding.MANY:,} made-up advisories"),
    (HOSTILE, f"over {flooding.POLLS} polls"),
    (HOSTILE, f"{flooding.SECONDS // 60} minutes and each of its processes {flooding.MEBIBYTES} MiB"),
    (HOSTILE, f"for `FUZZ_SECONDS` ({default('fuzz', 'FUZZ_SECONDS')}), with {fuzz.MEMORY >> 30} GiB of memory"),
    (HOSTILE, f"{in_words(int(targets.SECONDS))} seconds of CPU time for each"),
    (DELIVERY, f"at {default('kill', 'killing.py ')} random moments"),
    (DELIVERY, f"runs `navtex run` {int(default('soak', 'RUNS')):,} times"),
    (DELIVERY, f"at most {soaking.TOLERANCE * 100:.0f} percent more"),
    (DELIVERY, f"and {option('subscriptions')} subscriptions: {option('kills')} kills, two workers stopped for"),
    (DELIVERY, f"stopped for {float(option('seconds')):.0f} seconds"),
]
COMPARED: list[tuple[Path, str]] = [*RULES, *((HOSTILE, words) for _, words in LIMITS)]
"""What pages say that is made of a number of the code."""


def running(page: Path) -> str:
    """The text of a page on one line."""
    return " ".join(page.read_text(encoding="utf-8").split())


@pytest.mark.parametrize(("start", "words"), LIMITS)
def test_the_table_of_limits_has_the_numbers_of_the_code(start: str, words: str) -> None:
    [row] = [line for line in HOSTILE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {start}")]
    assert words in row


@pytest.mark.every
@pytest.mark.parametrize(("page", "words"), RULES)
def test_the_pages_have_the_numbers_of_the_code(page: Path, words: str) -> None:
    assert words in running(page)


def test_each_limit_is_compared_with_the_documentation() -> None:
    source = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    compared = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "limits"
    }
    assert compared == {name for name in vars(limits) if name.isupper()}


def test_sizes_are_limits_and_stand_with_them() -> None:
    """No file that reads what sources send has a size of its own, in bytes."""
    found = []
    for path in sorted((ROOT / "feeds").rglob("*.py")):
        if path.name != "limits.py":
            found += [
                f"{path.name}: {size}" for size in re.findall(r"\d+ << [123]0\b", path.read_text(encoding="utf-8"))
            ]
    assert found == ["server.py: 1 << 20"], "a mirror's own server, which reads one question of its own program"


def test_make_runs_what_the_pages_say() -> None:
    """Each target that a page describes begins the program that has the numbers which `RULES` compares."""
    for target, says in {
        "kill": "endurance/killing.py",
        "workers": "endurance/working.py",
        "soak": "endurance/soaking.py",
        "lies": "endurance/lying.py",
        "flood": "endurance/flooding.py",
        "fuzz": "-m tests.unit.fuzz",
        "network": "-m network",
        "faults": "acceptance/test_faults.py",
        "sbom": "--output-file dist/navtex.cdx.json",
    }.items():
        assert says in recipe(target)
    assert "cyclonedx-py environment" in recipe("sbom")
