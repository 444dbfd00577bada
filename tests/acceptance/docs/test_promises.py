"""Every sentence of the pages that promise something has tests that prove it, or says why it needs none.

`promises/` has a file for each page, with its sentences and their tests: see `tests/support/promises.py`. A sentence
that is changed or added is missing there until somebody has looked at its tests again.
"""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.acceptance.docs.test_limits import COMPARED
from tests.support.promises import NOTHING, PROMISING, PROOFS, existing_tests, proofs, read_proofs, sentences

TESTS = existing_tests()
NUMBER = re.compile(r"(?<![\w.-])\d+(?:,\d{3})*(?:\.\d+)*(?![\w-]|\.\w)")


def of_page(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PROMISING, ids=of_page)
def test_each_sentence_stands_beside_its_tests(page: Path) -> None:
    said = sentences(page.read_text(encoding="utf-8"))
    kept = [proof.sentence for proof in proofs(page)]
    changed = "\n".join(unified_diff(kept, said, f"promises/{page.stem}.txt", page.name, n=0, lineterm=""))
    assert not changed, f"prove what is new, and drop what is gone:\n{changed}"
    assert len(said) > 30


@pytest.mark.parametrize("page", PROMISING, ids=of_page)
def test_each_sentence_has_tests_that_exist_or_a_reason_why_it_needs_none(page: Path) -> None:
    for proof in proofs(page):
        assert bool(proof.tests) is not bool(proof.nothing), proof.sentence
        assert not (gone := [test for test in proof.tests if test not in TESTS]), f"{gone}: {proof.sentence}"


@pytest.mark.parametrize("page", PROMISING, ids=of_page)
def test_most_sentences_are_proven_wherever_the_tests_run(page: Path) -> None:
    """No promise rests on tests alone that need a program from Debian, but those about these tests themselves."""
    for proof in proofs(page):
        if proof.tests and "make " not in proof.sentence:
            assert [test for test in proof.tests if runs_anywhere(test)], proof.sentence


def runs_anywhere(test: str) -> bool:
    path = PROOFS.parents[2] / test.partition("::")[0]
    marked = re.search(
        r"^pytestmark = .*mark\.(browser|images|faults|ssh|network)", path.read_text("utf-8"), re.MULTILINE
    )
    return not (marked or re.search(r"@pytest\.mark\.(browser|images|faults|ssh|network)", TESTS[test]))


@pytest.mark.parametrize("page", PROMISING, ids=of_page)
def test_each_number_of_a_promise_is_compared_with_the_code_or_stands_in_its_tests(page: Path) -> None:
    left = {}
    for proof in proofs(page):
        words = [fragment for there, fragment in COMPARED if there == page and fragment in proof.sentence]
        sources = [TESTS[test].replace("_", "") for test in proof.tests]
        bare = re.sub(r"`[^`]*`|\]\([^)]*\)|RFC \d+", " ", proof.sentence)
        numbers = [n.replace(",", "") for n in NUMBER.findall(bare)]
        known = [w.replace(",", "") for w in words]
        if lost := [
            n
            for n in numbers
            if not proof.nothing
            and not any(re.search(rf"(?<![\d.]){re.escape(n)}(?!\d)", text) for text in (*known, *sources))
        ]:
            left[proof.sentence] = lost
    assert not left


def test_what_is_not_proven_is_found() -> None:
    text = "# A page\n\nIt is one. It (it\nis) two.\n\n"
    text += "| A | B |\n|---|---|\n| a row | 3 MiB. Cut. |\n\n- an item\n  of a list\n"
    assert sentences(text) == ["It is one.", "It (it is) two.", "a row | 3 MiB.", "Cut.", "an item of a list"]
    kept = "It is one.\nIt (it is) two.\n    a.py::test_a\n    a.py::test_b\n\na row\n    nothing: a reason\n"
    first, second, third = read_proofs(kept)
    assert (first.sentence, second.tests, third.nothing) == ("It is one.", ("a.py::test_a", "a.py::test_b"), "a reason")
    assert first.tests == second.tests
    assert NUMBER.findall("1,000 of 2.5 MiB, x86_64, RFC 8058, v1.2.x, 95 %.") == ["1,000", "2.5", "8058", "95"]
    assert NOTHING.endswith(" ")
