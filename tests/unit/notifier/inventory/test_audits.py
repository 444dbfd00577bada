"""What is read of audits: the edition, the date, the score and the checks that failed; and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.records import Edition
from feeds.core.errors import InventoryError
from notifier.domain.audits import Audit, AuditFound, AuditTool, CheckList, FailedCheck
from notifier.domain.components import BadRow, Note
from notifier.inventory.audits import docker_bench, read
from tests.support.audits import alert, bench, changed, check, control, inspec, policy, sca, summary
from tests.support.depth import examples


def found(*values: Any, host: str = "web-1") -> list[AuditFound]:
    return list(read("\n".join(map(json.dumps, values)), host))


def one(*values: Any, host: str = "web-1") -> Audit:
    (audit,) = [f for f in found(*values, host=host) if isinstance(f, Audit)]
    return audit


def bad(*values: Any, host: str = "web-1") -> str:
    (row,) = found(*values, host=host)
    assert isinstance(row, BadRow)
    return f"{row.where}: {row.reason}"


def notes(*values: Any, host: str = "web-1") -> list[str]:
    return [f.text for f in found(*values, host=host) if isinstance(f, Note)]


def test_the_log_of_docker_bench_security() -> None:
    assert one(bench()) == Audit(
        host="web-1",
        tool=AuditTool.DOCKER_BENCH,
        at=datetime(2024, 3, 1, 8, 1, tzinfo=UTC),
        edition=Edition("1.6.0"),
        score=-1.0,
        passed=1,
        failed=2,
        other=1,
        failures=(FailedCheck("1.1.10", "Ensure auditing of runc"), FailedCheck("2.2", "Ensure traffic is restricted")),
    )


@pytest.mark.parametrize(
    ("version", "edition", "doubt"),
    [
        ("1.3.2", Edition("1.0.0", "1.13"), ""),
        ("1.3.4", Edition("1.1.0"), ""),
        ("1.3.5", Edition("1.2.0"), ""),
        ("1.3.6", Edition("1.4.0"), "moved from edition 1.2.0"),
        ("1.6.0", Edition("1.6.0"), ""),
        ("v1.6.1", Edition("1.6.0"), ""),
        ("1.8.2", Edition("1.8.0"), "taken from the version"),
        ("2.0", Edition("2.0.0"), "taken from the version"),
        ("1.2.9", None, "it is not known which edition"),
    ],
)
def test_docker_bench_security_follows_an_edition_by_its_version(version: str, edition: Any, doubt: str) -> None:
    said = docker_bench.edition_of(version)
    assert said[0] == edition
    assert said[1].startswith(doubt) or doubt in said[1]
    assert bool(said[1]) == bool(doubt)


def test_logs_of_several_hosts_may_name_each() -> None:
    logs = [bench() | {"host": f"web-{n}"} for n in range(3)]
    assert [a.host for a in found(*logs, host="") if isinstance(a, Audit)] == ["web-0", "web-1", "web-2"]
    assert [a.host for a in read(json.dumps(logs)) if isinstance(a, Audit)] == ["web-0", "web-1", "web-2"]


def test_the_host_that_is_given_goes_before_the_one_in_the_input_unless_that_names_several() -> None:
    assert one(bench() | {"host": "id-7"}).host == "web-1"
    assert one(summary("agent-7", failed="0")).host == "web-1"
    said = found(bench() | {"host": "a"}, bench() | {"host": "b"}, bench())
    assert [f.host for f in said if isinstance(f, Audit)] == ["a", "b", "web-1"]
    assert said[0] == Note("it names several hosts (a, b, ...), so --host web-1 is only for those without a name")


@pytest.mark.parametrize(
    "text",
    ["2026-02-01T10:00:00+01:00", "2026-02-01 10:00:00 +0100", "2026-02-01 09:00:00 UTC", "2026-02-01T09:00:00Z"],
)
def test_a_moment_is_read_as_any_release_of_inspec_writes_it(text: str) -> None:
    report = inspec({"id": "a-1.1", "results": [{"status": "passed", "start_time": text}]})
    assert one(report).at == datetime(2026, 2, 1, 9, tzinfo=UTC)


def test_a_report_of_inspec() -> None:
    audit = one(inspec())
    assert (audit.tool, audit.edition, audit.doubt, audit.score) == (AuditTool.INSPEC, Edition("1.6.0"), "", None)
    assert audit.at == datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert (audit.passed, audit.failed, audit.other) == (1, 1, 0)
    assert audit.failures == (FailedCheck("2.2", "Restrict the traffic"),)


def test_a_control_fails_when_one_of_its_results_does() -> None:
    audit = one(
        inspec(
            control("a-1.1", "passed", "failed"),
            control("a-1.2", "passed", "skipped"),
            control("a-1.3", "skipped"),
            control("a-1.4"),
            control("a-1.5", "error"),
        )
    )
    assert (audit.passed, audit.failed, audit.other) == (1, 2, 2)
    assert [c.id for c in audit.failures] == ["1.1", "1.5"]


def test_a_control_that_one_profile_takes_from_another_counts_once() -> None:
    report = inspec(control("a-1.1", "passed"))
    report["profiles"].append(report["profiles"][0] | {"controls": [control("a-1.1", "failed")]})
    assert (one(report).passed, one(report).failed) == (0, 1)


@pytest.mark.parametrize(
    ("title", "tags", "edition"),
    [
        ("CIS Docker Benchmark Profile", {"cis-docker-benchmark-1.12.0:1.1": None}, Edition("1.0.0", "1.12")),
        ("CIS Docker Benchmark Profile",
         {"cis-docker-benchmark-1.12.0:1.1": None, "cis-docker-benchmark-1.13.0:1.1": None}, Edition("1.0.0", "1.13")),
        ("CIS Docker Benchmark Profile", {"cis": "CIS Docker v1.8.0 - 1.1"}, Edition("1.8.0")),
        ("CIS Docker Benchmark Profile", {"level": 1, "x": ["y"]}, None),
    ],
)  # fmt: skip
def test_a_profile_that_does_not_name_its_edition_is_read_by_its_tags(title: str, tags: Any, edition: Any) -> None:
    audit = one(inspec(control("host-1.1", "passed", tags=tags), title=title))
    assert audit.edition == edition
    assert audit.doubt


def test_a_report_on_another_profile_is_named() -> None:
    other = inspec(title="Linux baseline")
    other["profiles"][0]["name"] = "linux-baseline"
    assert notes(other) == ["the document: it has no CIS Docker profile, but 'Linux baseline'"]


def test_the_answers_of_wazuh_become_one_audit() -> None:
    checks = [check(1, "failed", "2.2"), check(2, "passed"), check(3, "failed"), check(4, "not applicable")]
    audit = one(sca(policy()), sca(*checks))
    assert (audit.tool, audit.edition, audit.score) == (AuditTool.WAZUH, Edition("1.7.0"), 90.0)
    assert (audit.passed, audit.failed, audit.other) == (20, 2, 3)
    assert audit.at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (audit.failures, audit.listed) == ((FailedCheck("2.2", "Rule 1"), FailedCheck("3", "Rule 3")), True)
    assert one(sca(*checks), sca(policy())) == audit


def test_a_summary_alone_lists_no_check_and_checks_alone_are_no_audit() -> None:
    assert (one(sca(policy())).failures, one(sca(policy())).listed) == ((), False)
    (alone,) = found(sca(check(1, "failed", "2.2"), check(2, "passed")))
    assert isinstance(alone, CheckList)
    assert (alone.policy, alone.passed, alone.failed, alone.failures) == (
        "cis_docker", 1, 1, (FailedCheck("2.2", "Rule 1"),))  # fmt: skip


def test_checks_that_come_in_pages_are_put_together_and_a_missing_page_is_told() -> None:
    pages = [sca(check(n, "failed"), total_affected_items=3) for n in (1, 2, 3)]
    assert len(one(sca(policy()), *pages).failures) == 3
    assert notes(sca(policy()), *pages) == []
    assert notes(sca(policy()), *pages[:2]) == [
        "line 2: 2 of 3 checks are in it; ask the API for more with `limit` and `offset`"
    ]


def test_policies_of_other_benchmarks_are_left_out_by_name() -> None:
    others = (policy("CIS Ubuntu Linux 22.04 LTS Benchmark v1.0.0", policy_id="cis_ubuntu22-04"), policy())
    assert one(sca(*others)).edition == Edition("1.7.0")
    assert notes(sca(others[0])) == [
        "policies other than CIS Docker benchmarks are left out (CIS Ubuntu Linux 22.04 LTS Benchmark v1.0.0)"
    ]


def test_alerts_of_wazuh_name_their_hosts() -> None:
    said = found(
        changed("web-1", "1", "failed", "2026-02-01T10:00:00.000+0000"),
        changed("web-1", "2", "failed"),
        changed("web-1", "3", "failed", "2026-02-01T10:00:00.000+0000"),
        changed("web-1", "3", "passed"),
        summary("web-1"),
        summary("web-1", "2026-02-01T10:00:00.000+0000", failed="9"),
        summary("db-1", failed="0"),
        host="",
    )
    first, second = (f for f in said if isinstance(f, Audit))
    assert (first.host, first.edition, first.failed, first.score) == ("web-1", Edition("1.7.0"), 2, 90.0)
    assert first.at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert first.failures == (FailedCheck("2.1", "Rule 1"), FailedCheck("2.2", "Rule 2"))
    assert (second.host, second.failures) == ("db-1", ())
    assert len(said) == 2


def test_alerts_that_do_not_list_each_failed_check_say_so() -> None:
    (note,) = notes(summary("web-1"), changed("web-1", "1", "failed"))
    assert note == "Wazuh sends a check only when its result changes: not every failed check is listed (web-1)"


def test_alerts_of_other_things_are_counted_and_documents_of_the_indexer_are_read() -> None:
    login = {"timestamp": "x", "rule": {"description": "a login"}, "agent": {"name": "web-1"}}
    ubuntu = alert("web-1", "2026-03-01T10:00:00Z", {"type": "summary", "policy": "CIS Ubuntu Linux 22.04"})
    hits = {"hits": {"hits": [{"_source": summary("web-1", failed="0")}, {"_source": login}, {"_source": ubuntu}]}}
    assert one(hits, host="").host == "web-1"
    assert notes(hits) == [
        "alerts of other kinds are left out (a login)",
        "policies other than CIS Docker benchmarks are left out (CIS Ubuntu Linux 22.04)",
    ]


NUL = "\x00"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (bench("latest"), "the version of docker-bench-security is 'latest'"),
        (bench(end=-5), "`end` is -5, which is not the date"),
        (bench(end=10**30), "`end` is 1000000000000000000000000000000, which"),
        (bench() | {"end": True}, "`end` is True, not seconds since 1970"),
        (bench() | {"end": "yesterday"}, "`end` is 'yesterday', not seconds since 1970"),
        ({k: v for k, v in bench().items() if k != "end"}, "it has no `end`: docker-bench-security was interrupted"),
        (bench(score="high"), "`score` is 'high', not a number"),
        (bench(score=10**12), "out of range"),
        (bench(tests=None), "`tests` is not a list"),
        (bench(tests=[1]), "`tests`[0] is not an object"),
        (bench(tests=[{"results": "none"}]), "`tests`[0].results is not a list"),
        (bench(tests=[{"results": [{"id": "1", "result": "OK"}]}]), "the result of `tests`[0].results[0] is 'OK'"),
        (bench(tests=[{"results": [{"id": NUL, "result": "WARN"}]}]), "`tests`[0].results[0] has no id"),
        (bench(tests=[{"results": [{"id": "1", "desc": 1, "result": "WARN"}]}]), "a title that is not text"),
        (bench(tests=[{"results": [{"id": "1", "result": "PASS"}] * 6000}]), "6000 entries, more than the 5000"),
        (inspec(profiles={}), "`profiles` is not a list"),
        (inspec({"title": "a"}), "has no `id`"),
        (inspec(control("a", "maybe")), "is 'maybe', not passed or failed or skipped or error"),
        (inspec(control("a")), "does not say when the audit was"),
        (inspec({"id": "a", "results": [{"status": "passed", "start_time": "soon"}]}), "'soon', not a date"),
        (inspec({"id": "a", "results": [{"status": "passed", "start_time": 5}]}), "is 5, not a date"),
        ({"controls": [], "statistics": {}}, "it is the short report, without dates"),
        (sca(policy(fail=-1)), "`fail` of `affected_items`[0] is -1, not a number of checks"),
        (sca(policy(**{"pass": "many"})), "`pass` of `affected_items`[0] is 'many', not a number"),
        (sca(policy(end_scan="", start_scan=None)), "`end_scan` of `affected_items`[0] is None, not a date"),
        (sca(check(1, "perhaps")), "the result of `affected_items`[0] is 'perhaps'"),
        (sca(check(1, "failed"), check(2, "failed", policy_id="b")), "do not name one `policy_id`"),
        (sca(), "it contains no result"),
        ({"title": "Unauthorized", "detail": "Invalid token"}, "Wazuh refused: Unauthorized, Invalid token"),
        (summary("web-1", passed="-3"), "`passed` is '-3', not a number of checks"),
        (summary("web-1", at="never"), "its timestamp is 'never', not a date"),
        (summary(""), "the host is missing"),
        (summary("web" + NUL), "contains unprintable characters"),
        ({"a": 1}, "it is not the JSON log of docker-bench-security"),
        (["a"], "it is not the JSON log"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(value: Any, words: str) -> None:
    assert words in bad(value)


def test_a_log_that_names_no_host_asks_for_one() -> None:
    assert bad(bench(), host="") == ("the document: it does not name its host; give --host NAME, or add a field `host`")


def test_one_bad_audit_does_not_stop_the_others() -> None:
    said = found(bench(end=0), bench(), inspec())
    assert [type(f) for f in said] == [BadRow, Audit, Audit]
    hits = {"hits": {"hits": [{"_source": summary("")}, {"_source": summary("web-1", failed="0")}]}}
    assert [type(f) for f in found(hits)] == [BadRow, Audit]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("# Docker Bench for Security v1.6.0\n[WARN] 1.1.1", "docker-bench-security.log.json"),
        (json.dumps(bench())[:200], "the JSON cannot be read"),
        ('{"dockerbenchsecurity": "1.6.0", "tests": [{"desc": "a "quoted" word"}]}', "the JSON cannot be read"),
        ("[" * 100_000, "the JSON cannot be read"),
    ],
)
def test_a_text_that_cannot_be_read_is_an_error(text: str, words: str) -> None:
    with pytest.raises(InventoryError, match=words):
        list(read(text, "web-1"))


def test_titles_are_kept_without_characters_that_steer_a_terminal() -> None:
    said = {"id": "1\x1b[1m", "desc": f"a\u202eb{NUL}c" + "x" * 600, "result": "WARN"}
    (failure,) = one(bench(tests=[{"results": [said]}])).failures
    assert failure.id == "1 [1m"
    assert failure.title.startswith("a b c")
    assert failure.title.isprintable()
    assert len(failure.title) <= 503


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SHAPES: tuple[Callable[[], dict[str, Any]], ...] = (
    bench, inspec, lambda: sca(policy()), lambda: sca(check(1, "failed")), lambda: summary("web-1"),
    lambda: changed("web-1", "1", "failed"),
)  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for name, inner in below for p in _paths(inner, (*path, name)))]


@given(st.data())
@settings(max_examples=examples(400))
def test_a_value_of_any_kind_anywhere_is_read_or_told(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SHAPES))()
    *above, last = data.draw(st.sampled_from([p for p in _paths(whole) if p]))
    inner: Any = whole
    for name in above:
        inner = inner[name]
    inner[last] = data.draw(anything)
    for one_found in found(whole):
        assert isinstance(one_found, Audit | CheckList | BadRow | Note)
        if isinstance(one_found, Audit):
            assert min(one_found.passed, one_found.failed, one_found.other) >= 0
            assert all(c.id.isprintable() and c.title.isprintable() for c in one_found.failures)
        if isinstance(one_found, BadRow | Note):
            assert (one_found.reason if isinstance(one_found, BadRow) else one_found.text).isprintable()
