from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import feeds
from feeds.advisories import corrections
from feeds.advisories.corrections import Correction, records
from feeds.advisories.records import Kind, Rank, Read, Record, Severity
from feeds.core.errors import ConfigError
from feeds.services.polling import reviewed
from feeds.verdicts.weighing import Status
from feeds.versions.upstream import read as version
from tests.support.records import case, claim, read, row, spans, verdicts

TODAY = date(2026, 6, 1)
SHIPPED = Path(feeds.__file__).with_name("corrections.toml")
GOOD = """
[[correction]]
id = "CVE-2026-34040"
product = "engine"
fixed = ["25.0.16"]
reason = "Carried back to 25.0, which the record does not mention."
author = "ops@example.org"
date = 2026-04-20
[[correction.proof]]
url = "https://example.org/commit/1"
quote = "Reject what is too long"
"""


def shipped() -> tuple[Correction, ...]:
    return corrections.read(SHIPPED.read_text(), str(SHIPPED), datetime.now(UTC).date())


def taken(text: str) -> tuple[Correction, ...]:
    return corrections.read(text, "mine.toml", TODAY)


def entry(**values: str) -> str:
    """A good correction in which some fields are replaced, or left out where the value is empty."""
    lines = {
        "id": '"CVE-2026-34040"',
        "product": '"engine"',
        "fixed": '["25.0.16"]',
        "reason": '"because"',
        "author": '"me"',
        "date": "2026-04-20",
        "proof": '[{url = "https://example.org", quote = "so it is"}]',
    } | values
    return "\n".join(["[[correction]]", *(f"{k} = {v}" for k, v in lines.items() if v)])


@pytest.mark.parametrize("correction", shipped(), ids=lambda c: f"{c.id}-{c.product}")
def test_every_shipped_correction_proves_what_it_says(correction: Correction) -> None:
    assert correction.reason.endswith(".")
    assert correction.author
    assert len({p.url for p in correction.proof}) == len(correction.proof)
    for proof in correction.proof:
        assert proof.quote.strip() == proof.quote
        assert ("/commit/" in proof.url) == bool(proof.commit)
        assert proof.commit in proof.url
        assert not proof.commit or len(proof.commit) == 40
    ranges = [s for text in correction.affected for s in spans(text)]
    for fixed in correction.fixed:
        assert version(fixed).base == fixed
        assert not [s for s in ranges if fixed in s]


def test_no_shipped_correction_is_there_twice() -> None:
    named = [(c.id, c.product) for c in shipped()]
    assert sorted(set(named)) == sorted(named)


def test_the_shipped_corrections_are_kept_as_records_of_their_own_source() -> None:
    ours, mine, _ = reviewed(None)
    assert (ours.source, ours.complete, ours.result) == ("corrections", True, "read")
    assert len(ours.items) == len({c.id for c in shipped()})
    assert (mine.source, mine.complete, mine.items) == ("corrections-own", True, ())


def test_an_own_file_is_a_source_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(GOOD)
    ours, mine, _ = reviewed(own)
    assert [ours.source, mine.source] == ["corrections", "corrections-own"]
    (piece,) = mine.items
    record = msgspec.json.decode(piece.payload, type=Record)
    assert (record.id, record.claims[0].fixed, record.claims[0].rank) == (
        "CVE-2026-34040",
        ("25.0.16",),
        Rank.CORRECTION,
    )


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"= broken"])
def test_an_own_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    own = tmp_path / "mine.toml"
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        reviewed(own)


def test_a_folder_is_no_file_of_corrections(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the corrections cannot be read"):
        reviewed(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[correction]]\nid = x", r"not valid TOML: .*line 2"),
        ("[[corrections]]", "unknown field `corrections`"),
        ("correction = 1", "array"),
        (entry(id='"RHSA-2026:1"'), "its id is neither a CVE nor a GHSA"),
        (entry(id=""), "missing required field `id`"),
        (entry(product='"podman"'), "its product 'podman' is not one of engine, cli, containerd"),
        (entry(proof="[]"), "it has no proof"),
        (entry(proof=""), "missing required field `proof`"),
        (entry(proof='[{url = "http://example.org", quote = "x"}]'), "https:// address"),
        (entry(proof='[{url = "https://example.org", quote = " "}]'), "the words that prove it"),
        (entry(proof='[{url = "https://example.org"}]'), "missing required field `quote`"),
        (entry(proof='[{url = "https://example.org", quote = "x", link = "y"}]'), "unknown field `link`"),
        (entry(date="2026-06-02"), "its date 2026-06-02 is in the future"),
        (entry(date='"yesterday"'), "date"),
        (entry(author='" "'), "it needs an author and a reason"),
        (entry(reason='""'), "it needs an author and a reason"),
        (entry(fixed='["the next"]'), "the fixed release 'the next' is not a version"),
        (entry(fixed='["25.0.x"]'), "the fixed release '25.0.x' is not a version"),
        (entry(affected='["some"]'), "the range 'some' cannot be read"),
        (entry(affected='["Docker Engine < 1.2"]'), "the range 'Docker Engine < 1.2' cannot be read"),
        (entry(affected='["> 2, < 1"]'), "the range '> 2, < 1' cannot be read"),
        (entry(unaffected='["n/a"]'), "the range 'n/a' cannot be read"),
        (entry(fixed=""), "it has no effect: give affected, unaffected, fixed or a severity"),
        (entry(affected='["< 2"]', unaffected='[">= 1"]', fixed=""), "< 2 and >= 1 overlap, and say opposite things"),
        (entry(affected='["< 26"]'), "the fixed release 25.0.16 is in the affected range < 26"),
        (entry(severity='"moderate"'), "the severity 'moderate' is not one of low, medium, high, critical"),
        (entry(vector='"CVSS:9"'), "the vector 'CVSS:9' cannot be scored"),
        (entry(fixes='["25.0.16"]'), "unknown field `fixes`"),
        (entry(fixed='"25.0.16"'), "array"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        taken(text)
    assert str(caught.value).startswith("mine.toml")


def test_of_many_corrections_the_wrong_one_is_counted_out() -> None:
    wrong = entry(id='"CVE-2026-1002"', author='""')
    with pytest.raises(ConfigError, match=r"mine\.toml, correction 3 \(CVE-2026-1002\): it needs an author"):
        taken("\n".join([entry(), entry(id='"CVE-2026-1001"'), wrong]))


def test_an_empty_file_corrects_nothing() -> None:
    assert taken("") == ()
    assert taken("# nothing yet\n") == ()


def test_a_correction_is_a_record_that_carries_its_proof() -> None:
    (record,) = records(taken(GOOD))
    (said,) = record.claims
    assert (record.id, record.kind, record.url) == (
        "CVE-2026-34040",
        Kind.VULNERABILITY,
        "https://example.org/commit/1",
    )
    assert record.references == ("https://example.org/commit/1",)
    assert record.published is None
    assert said.partial
    assert "Carried back to 25.0" in said.words
    assert "“Reject what is too long” (https://example.org/commit/1)" in said.words


def test_two_corrections_of_one_advisory_are_one_record_with_both_claims() -> None:
    (record,) = records(taken("\n".join([entry(), entry(product='"cli"', severity='"high"')])))
    assert [c.product for c in record.claims] == ["engine", "cli"]
    assert [s.severity for s in record.scores] == [Severity.HIGH]
    assert record.references == ("https://example.org",)


@pytest.mark.parametrize(
    ("values", "severity", "base"),
    [
        ({"severity": '"high"'}, Severity.HIGH, None),
        ({"vector": '"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"'}, Severity.CRITICAL, 9.8),
        ({"severity": '"low"', "vector": '"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"'}, Severity.CRITICAL, 9.8),
    ],
)
def test_a_correction_may_only_rate(values: dict[str, str], severity: Severity, base: float | None) -> None:
    (record,) = records(taken(entry(fixed="", **values)))
    assert record.claims == ()
    assert [(s.severity, s.base, s.own) for s in record.scores] == [(severity, base, True)]


def corrected(text: str, *published: Read) -> Any:
    (record,) = records(taken(text))
    return case(*published, Read(record, "corrections-own", "mine.toml", published[0].at))


def test_a_correction_decides_within_its_ranges_and_leaves_the_rest_to_what_is_published() -> None:
    published = read(claim("< 29.3.1"), name="CVE-2026-34040")
    expected = row("24.0.9=A 25.0.15=A 25.0.16=n 25.0.17=n 26.1.4=A 29.3.1=n")
    assert verdicts(corrected(entry(), published), " ".join(expected)) == expected


def test_a_correction_can_call_affected_what_is_published_as_fixed() -> None:
    published = read(claim("< 1.3.2"), name="CVE-2026-34040")
    about = corrected(entry(affected='["= 1.3.2"]', fixed='["1.3.3"]'), published)
    assert verdicts(about, "1.3.1 1.3.2 1.3.3") == row("1.3.1=A 1.3.2=A 1.3.3=n")
    assert about.decide("1.3.1").upgrade_to == "1.3.3"


def test_a_correction_may_name_a_release_that_no_tag_shows() -> None:
    published = read(claim("all versions"), name="CVE-2026-34040")
    assert corrected(entry(), published).decide("25.0.15").upgrade_to == "25.0.16"


def test_an_own_correction_that_contradicts_a_shipped_one_is_a_conflict_with_both_sides_told() -> None:
    published = read(claim("< 29.3.1"), name="CVE-2026-34040")
    (ours,) = records(taken(entry(affected='["< 1.2"]', fixed="")))
    (mine,) = records(taken(entry(unaffected='["< 1.2"]', fixed="")))
    both = [Read(mine, "corrections-own", "a", published.at), Read(ours, "corrections", "b", published.at)]
    found = case(published, *both).decide("1.1.0")
    assert found.status is Status.CONFLICTING
    assert "corrections says affected: in the affected range < 1.2" in found.reason
    assert "corrections-own says not affected: in the range < 1.2, which is not affected" in found.reason
