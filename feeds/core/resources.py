"""Where the files that are no Python lie: in the wheel beside the package, in a checkout above it."""

from __future__ import annotations

from pathlib import Path

from feeds.core.errors import NavtexError


def folder(package_file: str, name: str) -> Path:
    """The folder `name` that ships with the package of `package_file` (its `__file__`).

    The wheel carries it as `<package>/_resources/<name>`; a checkout and an editable install have
    it at the top, `<package>/../<name>`.
    """
    package = Path(package_file).resolve().parent
    for candidate in (package / "_resources" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise NavtexError(f"the folder {name!r} is missing", where=str(package), remedy="Install Navtex again")
