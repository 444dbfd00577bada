"""Where a process number means one process, and claims as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.delivery_claims import ClaimOwner, Place

HERE = Place("web-1", "413610a1-4a78", "4026531836")


def test_only_the_same_boot_and_namespace_of_the_same_host_share_process_numbers() -> None:
    assert HERE.shares_processes(Place(*HERE))
    for field in Place._fields:
        assert not HERE.shares_processes(HERE._replace(**{field: "other"}))


@pytest.mark.parametrize("field", Place._fields)
def test_what_is_unknown_is_never_taken_for_the_same(field: str) -> None:
    unknown = HERE._replace(**{field: ""})
    assert not unknown.shares_processes(unknown)


@given(st.text("abc-. ", min_size=1).filter(str.strip), st.sampled_from(["", "413610a1"]), st.integers(0, 2**40))
def test_an_owner_is_read_as_it_was_written(host: str, boot: str, process: int) -> None:
    owner = ClaimOwner(Place(host if host != "-" else "x", boot, "4026531836"), process, "0a1b")
    assert ClaimOwner.read(str(owner)) == owner


@pytest.mark.parametrize(
    "text",
    ["", "web-1 17 0a1b2c3d", "a b c", "web-1 boot 4026531836 -1 0a", "web-1 boot 4026531836 seven 0a", "web 1 2 ٣ 4"],
)
def test_any_other_text_names_no_owner(text: str) -> None:
    assert ClaimOwner.read(text) is None
