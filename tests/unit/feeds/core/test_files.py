"""Files are whole or as they were, and private whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from feeds.core import files


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    files.write(tmp_path / "a", "x")
    files.make_private(tmp_path / "b")
    files.create(tmp_path / "c", b"x")
    assert {mode(tmp_path / name) for name in "abc"} == {0o600}


def test_folders_are_private_under_any_umask_and_existing_ones_stay(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o755)
    files.private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / p) for p in ("a", "a/b", "a/b/c")] == [0o700] * 3
    assert mode(tmp_path) == 0o755


def test_a_folder_cannot_take_a_files_place(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(FileExistsError):
        files.private_folder(tmp_path / "a")
    with pytest.raises(FileExistsError):
        files.shared_folder(tmp_path / "a")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], indirect=True)
def test_strangers_never_write_to_a_shared_folder(tmp_path: Path, umask: int) -> None:
    files.shared_folder(tmp_path / "a" / "b")
    files.shared_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / p) for p in ("a", "a/b")] == [0o775 & ~umask] * 2


def test_a_file_of_no_given_mode_keeps_its_own_or_takes_the_umasks(tmp_path: Path, umask: int) -> None:
    files.write(tmp_path / "new", "x", None)
    assert mode(tmp_path / "new") == 0o664 & ~umask
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o640)
    files.write(tmp_path / "old", "x", None)
    assert mode(tmp_path / "old") == 0o640


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    files.write(tmp_path / "a", "old")
    with pytest.raises(TypeError), files.replacing(tmp_path / "a") as file:
        file.writelines([b"half", "not bytes"])  # type: ignore[list-item]
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "old"}


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    name = "ä" * 127
    files.write(tmp_path / name, "x")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_file_is_made_only_once(tmp_path: Path) -> None:
    files.create(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "a", b"second")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "first"}


def test_an_existing_file_is_not_made_private(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o644)
    files.make_private(tmp_path / "a")
    assert (mode(tmp_path / "a"), (tmp_path / "a").read_text()) == (0o644, "x")
