from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.endurance.soaking import Measured, Soak, growth, soaking, table

RUNS = 12


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Soak]:
    """A short soak; where the program's clock cannot be moved, no webhook fails, and no week passes."""
    folder = tmp_path_factory.mktemp("soak")
    with soaking(f"sqlite:///{folder}/data/navtex.db", folder / "here", seed=7) as soak:
        while len(soak.measured) < RUNS:
            soak.run()
        yield soak


@pytest.mark.long
def test_what_is_due_arrives_once_while_everything_changes(soaked: Soak) -> None:
    soaked.settle()
    assert len(soaked.expected["a@example.org"]) > 3
    assert soaked.expected["a@example.org"] == soaked.expected["/ops"]
    assert all(soaked.expected[who] for who in soaked.arrived)


@pytest.mark.long
def test_a_run_is_measured_and_leaves_nothing_but_its_database(soaked: Soak) -> None:
    for run in soaked.measured:
        assert run.memory > 20_000
        assert run.files > 6
        assert (run.left, run.kept) == (0, 0)


@pytest.mark.long
def test_a_message_that_is_lost_doubled_or_wrong_is_found(soaked: Soak) -> None:
    found = soaked.arrived["/high"]
    for wrong, what in (
        (lambda: found()[1:], "never heard of"),
        (lambda: [*found(), found()[0]], "a message twice"),
        (lambda: [*found(), ("key", "CVE-2031-1  HIGH\n  Odd\n")], "heard of"),
    ):
        soaked.arrived["/high"] = wrong
        with pytest.raises(AssertionError, match=what):
            soaked.check()
    soaked.arrived["/high"] = found
    soaked.check()


@pytest.mark.parametrize("field", ["memory", "files", "database", "kept"])
def test_what_grows_from_the_second_quarter_to_the_last_is_told(field: str) -> None:
    values = {"status": 0, "memory": 1000, "files": 10, "seconds": 1.0, "left": 0, "database": 5000, "kept": 1}
    steady = [Measured(**values) for _ in range(40)]  # type: ignore[arg-type]
    assert growth(steady) == []
    grown = [Measured(**(values | {field: int(values[field]) * (n + 40)})) for n in range(40)]  # type: ignore[arg-type]
    (said,) = growth(grown)
    assert "grew from" in said
    assert table(grown).count("\n") == 5
