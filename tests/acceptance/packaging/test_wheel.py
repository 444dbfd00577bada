from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import DEMO, ROOT


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL")}
    done = subprocess.run(
        command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with nothing but the wheel; what it depends on is lent to it."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # a path in a .pth file is not searched for .pth files of its own, so the checkout stays out of it
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


@pytest.mark.long
def test_the_wheel_polls_a_mirror_and_renders_a_digest_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    navtex = installed / "bin" / "navtex"
    where = run(
        installed / "bin" / "python",
        "-c",
        "import feeds, notifier; print(feeds.__file__); print(notifier.__file__)",
        cwd=Path("/"),
        HOME=str(home),
    )
    assert all(Path(line).is_relative_to(installed) for line in where.splitlines())

    (tmp_path / "fleet.csv").write_text("host,product,version\nlab-4,engine,25.0.5\nlab-2,engine,29.7.2\n")
    with Mirror(DEMO / "day-1") as mirror:

        def call(*arguments: str | Path) -> str:
            return run(navtex, *arguments, cwd=Path("/"), HOME=str(home), NAVTEX_MIRROR=mirror.url)

        call("db", "upgrade")
        call("db", "check")
        call("inventory", "import", tmp_path / "fleet.csv")
        call("subscription", "add", "ops", "--to", f"file://{tmp_path}/mails")
        call("run")
    (text,) = (tmp_path / "mails").glob("*.txt")
    (page,) = (tmp_path / "mails").glob("*.html")
    for path in (text, page):
        assert "CVE-2024-41110" in path.read_text(encoding="utf-8")
        assert "lab-4" in path.read_text(encoding="utf-8")
    assert "25.0.6" in text.read_text(encoding="utf-8")


@pytest.mark.long
def test_the_wheel_has_its_demo_with_it(installed: Path, tmp_path: Path) -> None:
    navtex = installed / "bin" / "navtex"
    shown = run(navtex, "demo", "--dir", tmp_path / "demo", cwd=Path("/"), HOME=str(tmp_path))
    assert "CVE-2026-41567" in shown


def test_the_wheel_holds_both_packages_their_files_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n and ".data/" not in n} == {"feeds", "notifier"}
    assert [n.partition(".data/")[2] for n in names if ".data/" in n] == ["data/share/man/man1/navtex.1"]
    for shipped in (
        "feeds/_resources/alembic/env.py",
        "feeds/_resources/alembic/versions/",
        "notifier/_resources/templates/digest/body.html",
        "notifier/_resources/demo/inventory.csv",
        "feeds/known_cves.txt",
        "feeds/corrections.toml",
    ):
        assert [n for n in names if n.startswith(shipped)], shipped
    assert [n for n in names if n.endswith("licenses/LICENSE")]
    assert not [n for n in names if "__pycache__" in n or "tests/" in n]


def test_the_sdist_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    (wheel,) = built.glob("*.whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again", cwd=source)
    (again,) = (tmp_path / "again").glob("*.whl")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_the_folder_of_migrations_is_no_package() -> None:
    # as a package it would hide the library of the same name
    assert not (ROOT / "alembic" / "__init__.py").exists()
