"""How passwords are hashed: with the work that makes guessing them expensive."""

from __future__ import annotations

from argon2 import extract_parameters
from argon2.low_level import Type

from notifier.security.passwords import hashed_password, matches


def test_a_password_is_hashed_with_much_work_and_a_salt_of_its_own() -> None:
    one, other = (hashed_password("correct horse battery") for _ in range(2))
    made = extract_parameters(one)
    assert made.type is Type.ID
    assert made.memory_cost >= 64 * 1024
    assert made.time_cost >= 3
    assert one != other
    assert matches(one, "correct horse battery")
    assert not matches(one, "correct horse batterx")
