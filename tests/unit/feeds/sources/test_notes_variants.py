"""The same fact in other words and layouts: what release notes say is fixed, and whose it is."""

from __future__ import annotations

import pytest

from feeds.sources.readers import markup, note_records

CVE, OTHER, THIRD = "CVE-2030-11111", "CVE-2030-22222", "CVE-2030-33333"
MOBY = "https://github.com/moby/moby/security/advisories/GHSA-2222-3333-4444"
CLI = "https://github.com/docker/cli/security/advisories/GHSA-2222-3333-4444"


def blocks(html: str) -> list[markup.Block]:
    return list(markup.blocks(markup.fragment(html)))


def fixed(html: str, product: str = "engine", repository: str = "moby/moby") -> list[tuple[str, str]]:
    return [(f.ids[0], f.product) for f in note_records.fixes(blocks(html), product, repository)]


def item(text: str) -> str:
    return f"<h3>Bug fixes and enhancements</h3><ul><li>{text}</li></ul>"


@pytest.mark.parametrize(
    "text",
    [
        f"Fixed several flaws that break the promises of encrypted overlays, addressing {CVE}.",
        f"Reject malformed layers, resolving {CVE}.",
        f"Validate the name of a reference before git sees it, which resolves {CVE}.",
        f"Patched {CVE}.",
        f"Hide /proc/example inside containers to mitigate {CVE}.",
        f"{CVE} has been addressed.",
        f"The vulnerability tracked as {CVE} is now fixed.",
        f"Fix a flaw in the handling of supplementary groups, with which a container could gain rights {CVE}.",
        f"Fixed the loading of libraries inside of a chroot. {CVE}",
        f"Fixed the loading of libraries inside of a chroot. ({CVE})",
        f"Mask secrets in the log of the daemon in debug mode. {CVE}: the log held secrets of stacks.",
        f"{CVE} Create the parent directories inside of a chroot.",
        f"{CVE}: Added validation of names.",
        f"{CVE} Don't follow symbolic links.",
        f"Lock down the permissions of the state directory ({CVE}).",
        f"Fixed a bypass of plugins that was found in a review of the daemon, and of all that it calls, as {CVE}.",
        f"Backport the fix for {CVE}",
        f"Upgrade to this release to get the fix for {CVE}",
        f"Users should upgrade to 29.9.9, which fixes {CVE}.",
        f"Update the default profile to fix {CVE}",
        f"Prevents {CVE} by checking the path twice",
        f"Docker Engine was updated to 29.9.9 to fix {CVE}",
        f"Security: fixes {CVE}",
        f"Remediated {CVE}",
        f"Plugs {CVE}.",
        f"Guard against {CVE} by refusing such names.",
        f"The daemon now rejects such layers, thereby neutralizing {CVE}.",
        f"{CVE} (High): the daemon no longer follows symbolic links.",
        f"Avoid a panic of the daemon with malformed input. Tracked as {CVE}.",
        f"Fix the mode of the runtime directory. This was reported by a user. It has the number {CVE}.",
    ],
)
def test_a_fix_is_read_whatever_the_verb_and_however_far_the_id(text: str) -> None:
    assert fixed(item(text)) == [(CVE, "engine")]


@pytest.mark.parametrize(
    "text",
    [
        f"Upgraded Go language to 1.10.6 to resolve {CVE}, {OTHER}, and {THIRD}.",
        f"Updated the compiler to 1.30.1, which fixes {CVE}",
        f"Go was updated to 1.30.1 to address {CVE}.",
        f"Rebuilt with Go 1.30.1. Bump Go to 1.30.1 to fix {CVE} (a crash), and {OTHER} (a leak).",
        f"Update runc to address a flaw that gives containers the rights of the host. {CVE}",
        f"The runc binary was bumped to 1.9.9 to fix {CVE}.",
        f"This release updates the containerd binaries to v1.9.9, resolving {CVE}",
        f"Upgrade golang.org/x/net to v0.99.0 (addresses {CVE})",
        f"Rebuild with Go 1.30.1 to pick up the fix for {CVE}",
        f"Built with go1.30.1, which resolves {CVE}",
        f"Compiled with the latest Go to mitigate {CVE}",
        f"Switch to Go 1.30.1 to fix {CVE}",
        f"Replace the vendored copy of a library to fix {CVE}",
        f"Go 1.30.1 is now used to compile, which includes fixes for {CVE}",
        f"OpenSSL has been upgraded to 9.9.9 to mitigate {CVE}.",
        f"vendor: github.com/example/library v1.2.3 (fixes {CVE})",
        f"Bump the gRPC library; this fixes {CVE}",
        f"{CVE}: update the Go runtime to 1.30.1",
        f"{CVE} Update runc to 1.9.9.",
        f"This release updates the Go runtime to include a fix for {CVE}.",
        f"The fix of docker stats is joined by one more, and updates the Go runtime to include a fix for {CVE}.",
        f"This release has mitigations for a Git vulnerability ({CVE}).",
        f"Address {CVE} in the Go standard library.",
        f"Fixed {CVE} in BuildKit.",
        f"Updated the bundled Docker Compose to 9.9.9 to fix {CVE}",
        f"rootlesskit v9.9.9 ({CVE})",
        f"Go: 1.30.1, fixing {CVE} and {OTHER}",
        f"Dependencies: fix {CVE} in gRPC-Go",
    ],
)
def test_what_was_repaired_in_a_component_or_a_compiler_is_no_fix_of_the_product(text: str) -> None:
    assert fixed(item(text)) == []
    assert fixed(f"<p>{text}</p>") == []


@pytest.mark.parametrize(
    "text",
    [
        f"{CVE} is not fixed in this release.",
        f"{CVE} isn't fixed yet; a fix will come with 29.9.9.",
        f"A fix for {CVE} will be in the next release.",
        f"This release does not address {CVE}.",
        f"This release does not contain the fix for {CVE}.",
        f"Known issue: {CVE} remains open, use a workaround until it is fixed.",
        f"The daemon is still vulnerable to {CVE}.",
        f"Engines on Windows are affected by {CVE}, which will be fixed in a later release.",
        f"There is no fix for {CVE} yet.",
        f"{CVE} remains unpatched.",
        f"We are working on a fix for {CVE}.",
        f"Docker Engine is not affected by {CVE}.",
        f"Fix a crash that was introduced by the fix for {CVE}",
        f"Revert the fix for {CVE}, which broke logins",
        f"Add a workaround for {CVE}",
        f"Fix a link in the documentation of {CVE}",
        f"Add a test for {CVE}",
        f"{CVE}: Deny a family of sockets in the seccomp profile.",
        f"{CVE}: An attacker could read files.",
        f"For what is known of it see {CVE}.",
        f"{CVE} is under investigation.",
        f"{CVE} does not affect the daemon.",
        f"If you cannot upgrade to fix {CVE}, disable the plugin.",
    ],
)
def test_a_known_issue_a_comparison_or_a_measure_is_no_fix(text: str) -> None:
    assert fixed(item(text)) == []


@pytest.mark.parametrize(
    "heading", ["Known issues", "Known Issues and limitations", "Open problems", "Known vulnerabilities"]
)
@pytest.mark.parametrize(
    "text", [f"{CVE}: fixed by a restart.", f"Fix {CVE} by hand.", f"{CVE} Change the mode of the file."]
)
def test_nothing_below_known_issues_is_a_fix(heading: str, text: str) -> None:
    assert fixed(f"<h3>Security</h3><h4>{heading}</h4><ul><li>{text}</li></ul>") == []
    assert fixed(f"<h2>{heading}</h2><h3>Security</h3><ul><li>{text}</li></ul>") == []


@pytest.mark.parametrize(
    ("heading", "owner"),
    [
        ("Client", "cli"),
        ("CLI", "cli"),
        ("Docker CLI", "cli"),
        ("Docker client", "cli"),
        ("Command line", "cli"),
        ("Client & CLI changes", "cli"),
        ("Networking", "engine"),
        ("Runtime", "engine"),
        ("Builder", "engine"),
        ("Swarm mode", "engine"),
        ("Rootless", "engine"),
    ],
)
@pytest.mark.parametrize("level", [2, 3, 4, 5, 6])
def test_the_heading_above_says_whose_a_flaw_is(heading: str, owner: str, level: int) -> None:
    entry = f"<ul><li>{CVE} Check the address before the credentials are sent.</li></ul>"
    assert fixed(f"<h{level}>{heading}</h{level}>{entry}") == [(CVE, owner)]
    assert fixed(f"<h{level}>{heading}</h{level}><ul><li>Fix a leak ({CVE})</li></ul>") == [(CVE, owner)]


@pytest.mark.parametrize("heading", ["BuildKit", "containerd", "Docker Compose", "Go", "Dependencies"])
def test_below_the_heading_of_another_product_nothing_is_of_this_one(heading: str) -> None:
    assert fixed(f"<h3>{heading}</h3><ul><li>Fix {CVE}</li></ul>") == []


def test_the_nearest_heading_decides_and_ends_with_the_next_of_its_level() -> None:
    html = f"<h3>Client</h3><h4>Security</h4><ul><li>Fix {CVE}</li></ul><h3>Runtime</h3><ul><li>Fix {OTHER}</li></ul>"
    assert fixed(html) == [(CVE, "cli"), (OTHER, "engine")]


def test_the_engines_notes_tell_of_the_cli_by_its_advisory_and_by_its_name() -> None:
    assert fixed(item(f"Fix {CVE} <a href='{CLI}'>GHSA-2222-3333-4444</a>")) == [(CVE, "cli")]
    assert fixed(item(f"docker-cli: fix {CVE}")) == [(CVE, "cli")]
    assert fixed(item(f"cli: fix {CVE}")) == [(CVE, "cli")]
    assert fixed(item(f"docker-cli: fix {CVE}"), "containerd", "containerd/containerd") == []


INTRODUCED = (
    f"<ul><li>{CVE}: A client could crash the daemon. golang/go#1</li>"
    f"<li>{OTHER}: A client could use up memory.</li></ul>"
)


@pytest.mark.parametrize(
    "intro",
    [
        "The Go runtime update fixes the following security vulnerabilities in Docker Engine:",
        "Updating Go to 1.30.1 resolves these vulnerabilities in Docker Engine:",
        "The upgrade of containerd addresses the following issues affecting Docker Engine:",
        "The runc bump fixes two flaws in the Docker daemon:",
        "The new Go version closes the following holes that affected the daemon:",
        "This release fixes the following vulnerabilities:",
        "The following vulnerabilities were fixed:",
        "Several flaws in Docker Engine are addressed by the new Go toolchain:",
    ],
)
@pytest.mark.parametrize("heading", ["Security", "Security fixes", "Security updates"])
def test_an_introduction_that_sounds_foreign_loses_no_section(intro: str, heading: str) -> None:
    html = f"<h3>{heading}</h3><p>{intro}</p>{INTRODUCED}"
    assert fixed(html) == [(CVE, "engine"), (OTHER, "engine")]


def test_what_a_foreign_introduction_says_of_nobody_is_of_nobody_but_what_names_the_daemon_is_the_engines() -> None:
    html = "<h3>Security</h3><p>The Go runtime update fixes the following vulnerabilities:</p>"
    assert fixed(f"{html}<ul><li>{CVE}: a parser is slow</li></ul>") == []
    assert fixed(f"{html}<ul><li>{CVE}: a client could crash the daemon</li></ul>") == [(CVE, "engine")]


def row(*cells: str, tag: str = "td") -> str:
    return f"<tr>{''.join(f'<{tag}>{c}</{tag}>' for c in cells)}</tr>"


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("Docker Engine", [(CVE, "engine")]),
        ("Moby", [(CVE, "engine")]),
        ("dockerd", [(CVE, "engine")]),
        ("Engine", [(CVE, "engine")]),
        ("Docker CLI", [(CVE, "cli")]),
        ("CLI", [(CVE, "cli")]),
        ("runc", []),
        ("BuildKit", []),
        ("OpenSSL", []),
        ("Go standard library", []),
        ("something else", []),
    ],
)
def test_a_tables_column_says_whose_a_flaw_is(component: str, expected: list[tuple[str, str]]) -> None:
    intro = "<h2>Security</h2><p>This release contains fixes for these CVEs of Docker Engine and its components.</p>"
    head, cells = ("CVE", "Component", "Fix version", "Severity"), (CVE, component, "29.9.9", "High")
    table = f"<table><thead>{row(*head, tag='th')}</thead><tbody>{row(*cells)}</tbody></table>"
    assert fixed(intro + table) == expected
    turned = f"<table>{row(*reversed(head))}{row(*reversed(cells))}</table>"
    assert fixed(intro + turned) == expected
    bare = f"<h2>Security</h2><table>{row('Affected component', 'Vulnerability')}{row(component, CVE)}</table>"
    assert fixed(bare) == expected


@pytest.mark.parametrize(
    "html",
    [
        f"<h2>Security</h2><ul><li>{CVE}: rights were not dropped</li></ul>",
        f"<h4>Security</h4><ul><li>{CVE}: rights were not dropped</li></ul>",
        f"<h5>Security fixes</h5><ul><li>{CVE} - rights were not dropped</li></ul>",
        f"<p><strong>Security</strong></p><ul><li>{CVE}: rights were not dropped</li></ul>",
        f"<p>Security fixes:</p><ul><li>{CVE}: rights were not dropped</li></ul>",
        f"<dl><dt>Security</dt><dd>{CVE}: rights were not dropped</dd></dl>",
        f"<h3>Security</h3><dl><dt>{CVE}</dt><dd>Rights were not dropped.</dd></dl>",
        f"<h4>Fixed vulnerabilities</h4><ul><li>A flaw in plugins ({CVE})</li></ul>",
        f"<div><section><h6>Vulnerabilities</h6><ul><li>{CVE}: rights were not dropped</li></ul></section></div>",
    ],
)
def test_a_security_section_is_one_at_whatever_level(html: str) -> None:
    assert fixed(html) == [(CVE, "engine")]


def test_an_entry_that_opens_with_an_id_is_about_that_id() -> None:
    text = f"{CVE} is a variant of {OTHER}. The mitigation of {OTHER} was limited."
    assert fixed(f"<p>This release has fixes:</p><ul><li>{text}</li></ul>") == [(CVE, "engine")]
    assert fixed(item(f"{CVE}: fix a leak. Also fixes {OTHER}.")) == [(CVE, "engine"), (OTHER, "engine")]


@pytest.mark.parametrize(
    ("text", "aliases"),
    [
        (f"Fix {CVE} / GHSA-2222-3333-4444", ("GHSA-2222-3333-4444",)),
        (f"Fix {CVE} (GHSA-2222-3333-4444)", ("GHSA-2222-3333-4444",)),
        (f"Contains a fix for {CVE}. See GHSA-2222-3333-4444 for details.", ()),
        (f"Contains a fix for {CVE}. See <a href='{MOBY}'>GHSA-2222-3333-4444</a> for more.", ()),
        (f"Fixes {CVE} and {OTHER}; refer to GHSA-2222-3333-4444", ()),
    ],
)
def test_a_link_for_further_reading_is_no_other_name(text: str, aliases: tuple[str, ...]) -> None:
    for html in (item(text), f"<p>{text}</p>"):
        fix = next(iter(note_records.fixes(blocks(html), "engine", "moby/moby")))
        assert note_records.record(fix, "29.9.9", "", None).aliases == aliases
        assert all(f.ids[0].startswith("CVE") for f in note_records.fixes(blocks(html), "engine", "moby/moby"))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([f"{CVE}: fix a leak", "Fix the profile that was not renewed"], ["Fix the profile that was not renewed"]),
        (["Drop a capability by default", f"Fix {CVE}"], ["Drop a capability by default"]),
        ([f"Fix {CVE}", "Update Go to 1.30.1"], []),
        ([f"Fix {CVE}", "Update runc to 1.9.9"], []),
        ([f"Fix {CVE}", "For more information, see the blog"], []),
        ([f"Fix {CVE}", "To use the profile, pass an option"], []),
        ([f"Fix {CVE}", f"In the case of {CVE}, a container could escape"], []),
        ([f"Fix {CVE}", "Fix a flaw in runc"], []),
    ],
)
def test_an_entry_without_an_id_is_kept_beside_those_with_one(entries: list[str], expected: list[str]) -> None:
    listed = "".join(f"<li>{e}</li>" for e in entries)
    assert note_records.unnamed(blocks(f"<h3>Security</h3><ul>{listed}</ul>"), "engine") == expected
    paragraphs = "".join(f"<p>{e}</p>" for e in entries)
    assert note_records.unnamed(blocks(f"<h3>Security</h3>{paragraphs}"), "engine") == expected


def test_what_introduces_entries_is_none_of_them() -> None:
    html = (
        f"<h3>Security</h3><p>This release contains fixes for the following:</p><ul><li>{CVE}: fix a leak</li></ul>"
        "<p>The potential impacts include:</p><ul><li>Unauthorized access to files</li></ul>"
    )
    assert note_records.unnamed(blocks(html), "engine") == []
