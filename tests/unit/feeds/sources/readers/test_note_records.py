"""Which lines of release notes say that the product itself was repaired."""

from __future__ import annotations

import pytest

from feeds.sources.readers import markup, note_records
from tests.support.documents import AT

RUNC = "https://github.com/opencontainers/runc/security/advisories/GHSA-xr7r-f8xq-vfvv"
MOBY = "https://github.com/moby/moby/security/advisories/GHSA-v23v-6jw2-98fq"
BUILDKIT = "https://github.com/moby/buildkit/security/advisories/GHSA-m3r6-h7wv-7xxv"
GLOBAL = "https://github.com/advisories/GHSA-c6gw-w398-hv78"
CVE, OTHER = "CVE-2024-41110", "CVE-2024-29018"


def blocks(html: str) -> list[markup.Block]:
    return list(markup.blocks(markup.fragment(html)))


def fixed(html: str, product: str = "engine", repository: str = "moby/moby") -> list[tuple[str, ...]]:
    return [f.ids for f in note_records.fixes(blocks(html), product, repository)]


@pytest.mark.parametrize(
    ("html", "ids"),
    [
        (f"<p>This release contains a fix for {CVE}.</p>", [(CVE,)]),
        (f"<p>Fix {CVE}</p>", [(CVE,)]),
        (f"<p>fixes {CVE.lower()}</p>", [(CVE,)]),
        (f"<ul><li>Fixed: {CVE} (#1234)</li></ul>", [(CVE,)]),
        (f"<ul><li>Address {CVE}, a bypass of plugins</li></ul>", [(CVE,)]),
        (f"<ul><li>Resolves the flaw known as {CVE}</li></ul>", [(CVE,)]),
        (f"<ul><li>Patch {CVE}</li></ul>", [(CVE,)]),
        (f"<ul><li>Mitigation for {CVE}</li></ul>", [(CVE,)]),
        (f"<ul><li>{CVE} Fix a bypass of authorization plugins.</li></ul>", [(CVE,)]),
        (f"<ul><li><strong>{CVE}</strong>: fix a bypass</li></ul>", [(CVE,)]),
        (f"<ul><li>[{CVE}] fixed a bypass</li></ul>", [(CVE,)]),
        (f"<p>This release has fixes:</p><ul><li>{CVE}</li><li>{OTHER}</li></ul>", [(CVE,), (OTHER,)]),
        (f"<ul><li>Fixes of security issues<ul><li>{CVE}, a bypass</li></ul></li></ul>", [(CVE,)]),
        (f"<table><tr><th>Fixed</th></tr><tr><td>{CVE}</td><td>fixed</td></tr></table>", [(CVE,)]),
        (f"<blockquote><p>CAUTION: contains a security fix for {CVE}.</p></blockquote>", [(CVE,)]),
        (f"<h3>Security</h3><ul><li>{CVE}, <a href='{MOBY}'>advisory</a></li></ul>", [(CVE, "GHSA-v23v-6jw2-98fq")]),
        (f"<p>A fix for {CVE} (<a href='{MOBY}'>GHSA-v23v-6jw2-98fq</a>)</p>", [(CVE, "GHSA-v23v-6jw2-98fq")]),
        (f"<p>Fixes <a href='{MOBY}'>GHSA-v23v-6jw2-98fq</a></p>", [("GHSA-v23v-6jw2-98fq",)]),
        ("<p>fix for GHSA-V23V-6JW2-98FQ</p>", [("GHSA-v23v-6jw2-98fq",)]),
    ],
)
def test_a_fix_of_the_product_is_told_in_many_ways(html: str, ids: list[tuple[str, ...]]) -> None:
    assert fixed(html) == ids


@pytest.mark.parametrize(
    "html",
    [
        f"<p>Fixes {CVE} and {OTHER}.</p>",
        f"<p>This release contains fixes for {CVE}, {OTHER}.</p>",
        f"<ul><li>{CVE}, {OTHER}: fix two flaws</li></ul>",
        f"<ul><li>{CVE} / {OTHER} fixed</li></ul>",
        f"<ul><li>Fix {CVE} (<a href='{MOBY}'>GHSA-v23v-6jw2-98fq</a>) and {OTHER}</li></ul>",
    ],
)
def test_several_cves_in_one_statement_are_several_fixes(html: str) -> None:
    assert fixed(html) == [(CVE,), (OTHER,)]


@pytest.mark.parametrize(
    "html",
    [
        "<p>Bug fixes and enhancements</p>",
        f"<p>See the announcement about {CVE}.</p>",
        f"<p>{CVE} is described elsewhere.</p>",
        f"<ul><li>Fix a regression introduced in our {CVE} mitigation</li></ul>",
        f"<ul><li>Hardening that makes attacks such as {CVE} harder; fixes the profile</li></ul>",
        f"<ul><li>Fixes a flaw similar to {CVE}</li></ul>",
        f"<p>Make sure you use a kernel that includes the fix for {CVE}.</p>",
        f"<ul><li>Update runc to 1.1.14, which contains a fix for {CVE}</li></ul>",
        f"<ul><li>Update Go runtime to 1.22.11 (fix {CVE}, {OTHER})</li></ul>",
        f"<ul><li>{CVE}, {OTHER}: Update Go runtime to 1.21.11, which fixes them</li></ul>",
        f"<ul><li>Bump github.com/go-jose/go-jose to 4.0.5 to address {CVE}</li></ul>",
        f"<ul><li>Upgrade the containerd library to fix {CVE}</li></ul>",
        f"<ul><li>vendor: update grpc, fixes {CVE}</li></ul>",
        f"<ul><li>Update containerd to v2.2.1<ul><li>{CVE}: fixed a breakout</li></ul></li></ul>",
        f"<ul><li>Update to Go 1.25.5<ul><li>Fixes a denial of service {CVE}</li></ul></li></ul>",
        f"<ul><li>{CVE} Fix a breakout. <a href='{RUNC}'>GHSA-xr7r-f8xq-vfvv</a></li></ul>",
        f"<ul><li>{CVE} Fix a vulnerability in BuildKit. <a href='{BUILDKIT}'>it</a></li></ul>",
        f"<ul><li>{CVE} Fix unbounded memory. <a href='{GLOBAL}'>GHSA-c6gw-w398-hv78</a></li></ul>",
        f"<ul><li>Fix {CVE} in runc</li></ul>",
        f"<ul><li>containerd: fix {CVE}</li></ul>",
        f"<ul><li>Docker Desktop: fix {CVE}</li></ul>",
        f"<h2>Fix {CVE}</h2>",
    ],
)
def test_what_is_no_repair_of_the_product_itself_is_no_fix(html: str) -> None:
    assert fixed(html) == []


@pytest.mark.parametrize(
    ("product", "repository", "expected"),
    [("runc", "opencontainers/runc", 1), ("engine", "moby/moby", 0), ("containerd", "containerd/containerd", 0)],
)
def test_an_advisory_of_a_repository_is_a_fix_of_its_product_only(product: str, repository: str, expected: int) -> None:
    html = f"<ul><li>CVE-2024-21626 fixes a leak of descriptors, see <a href='{RUNC}'>the advisory</a></li></ul>"
    assert len(fixed(html, product, repository)) == expected


def test_a_heading_ends_what_a_paragraph_introduced() -> None:
    introduced = f"<p>Fixed in this release:</p><ul><li>{CVE}</li></ul>"
    assert fixed(introduced) == [(CVE,)]
    assert fixed(introduced.replace("<ul>", "<h3>Known issues</h3><ul>")) == []


def test_an_overlong_paragraph_is_read_at_its_beginning_only() -> None:
    assert fixed(f"<p>Fix {CVE}. {'fix ' * 100_000}{OTHER}</p>") == [(CVE,)]


def test_the_record_of_a_fix_names_the_release_and_quotes_the_words() -> None:
    fix = note_records.Fix((CVE, "GHSA-v23v-6jw2-98fq"), f"{CVE} Fix a bypass.", "engine")
    record = note_records.record(fix, "29.3.1", "https://example.org/29/#2931", AT)
    assert (record.id, record.aliases, record.published) == (CVE, ("GHSA-v23v-6jw2-98fq",), AT)
    (claim,) = record.claims
    assert (claim.product, claim.affected, claim.fixed) == ("engine", (), ("29.3.1",))
    assert claim.words == f"engine 29.3.1: {CVE} Fix a bypass."
    bare = note_records.record(note_records.Fix(("GHSA-v23v-6jw2-98fq",), "x " * 200, "engine"), "29.3.1", "", None)
    assert (bare.id, bare.aliases) == ("GHSA-v23v-6jw2-98fq", ())
    assert len(bare.title) <= 160


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h3>Security</h3><ul><li>Drop a capability</li></ul>", ["Drop a capability"]),
        ("<h3>Security</h3><p>Deny a system call.</p>", ["Deny a system call."]),
        (
            "<ul><li>Fix a security issue that let remote hosts in</li></ul>",
            ["Fix a security issue that let remote hosts in"],
        ),
        ("<p>Fixes several vulnerabilities in the parser</p>", ["Fixes several vulnerabilities in the parser"]),
        ("<h3>Security</h3><ul><li>Drop a capability</li></ul><h3>New</h3><ul><li>x</li></ul>", ["Drop a capability"]),
        (f"<h3>Security</h3><ul><li>{CVE} fix</li><li>Drop a capability</li></ul>", ["Drop a capability"]),
        (f"<h3>Security</h3><ul><li><a href='{MOBY}'>Fix it</a></li></ul>", []),
        ("<h3>Security</h3><ul><li>Update Go runtime to 1.22.1</li></ul>", []),
        ("<h3>Security</h3><ul><li>Fix a flaw in runc</li></ul>", []),
        ("<h3>Networking</h3><ul><li>Fix a crash</li></ul>", []),
        ("<p>For security reasons the port moved</p>", []),
        ("<ul><li>Update containerd to fix a security issue</li></ul>", []),
        ("", []),
    ],
)
def test_security_changes_that_name_no_advisory_are_kept(html: str, expected: list[str]) -> None:
    assert note_records.unnamed(blocks(html), "engine") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix a regression introduced in 29.5.1 where docker cp failed", ["29.5.1"]),
        ("Fix a regression in v29.2.0 that prevented a start", ["29.2.0"]),
        ("Fixed a regression that was introduced by version 28.0.0", ["28.0.0"]),
        ("Fix a regression from 28.1 on", ["28.1"]),
        ("Fix regression since 27.0.1 in the parser", ["27.0.1"]),
        ("Fix a regression that broke logins", [""]),
        ("This fixes a regression introduced in our CVE-2025-52881 patches", [""]),
        ("A known regression in 29.5.1 is looked at", []),
        ("Fix a crash", []),
    ],
)
def test_a_regression_is_repaired_and_the_release_that_brought_it_is_named(text: str, expected: list[str]) -> None:
    repairs = note_records.repairs(blocks(f"<ul><li>{text}</li></ul>"))
    assert [r.brought_by for r in repairs] == expected
    assert [r.words for r in repairs] == [text] * len(expected)
