"""Versions of upstream releases: one sort key for every product that Navtex follows.  Pure.

Docker's numbers are neither SemVer nor PEP 440.  `19.03` keeps its zero in speech and compares
as a number; `-ce` and `-ee` name an edition and are no pre-release; `rc9 < rc10 < rc93`; a tag
may read `v28.5.2` or `docker-v29.7.2`; a distribution appends `+dfsg1` or `~ds1`.  A key is a
flat tuple of integers, so that comparing two costs as much as comparing two tuples.

>>> key("rc9".join(("1.0.0-", ""))) < key("1.0.0-rc10") < key("v1.0.0")
True
>>> key("docker-v17.03.2-ce") == key("17.3.2")
True
"""

from __future__ import annotations

import re
from functools import lru_cache

from feeds.core.errors import VersionError

Key = tuple[int, ...]

# Enough for Docker Desktop's four numbers and one more.
_WIDTH = 5
# In the order of a release's life.  Any other word is a build of the release itself
# (`-win72`, `-desktop.1`), so that a fixed version with one is never taken for an unfixed one.
_STAGES = {
    "dev": 0, "nightly": 0, "snapshot": 0, "test": 0, "tp": 1, "alpha": 1, "a": 1,
    "beta": 2, "b": 2, "birthday": 2, "pre": 3, "preview": 3, "rc": 3,
}  # fmt: skip
_FINAL = 9
LOWEST: Key = (-1,)
"""Below every version: the open start of a range."""

_TEXT = re.compile(
    r"""(?:docker://)? (?:docker-)? v?
        (?P<numbers>(?>\d+(?:\.\d+)*))
        (?P<rest>(?!\.x\b)(?:[-+~._a-z][-+~._:^a-z0-9]*)?)""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_STAGE = re.compile(
    r"^[-._~]?(?P<word>dev|nightly|snapshot|test|tp|alpha|beta|birthday|preview|pre|rc|a|b)(?![a-z])(?:[-.]?(?P<n>\d{1,18}+))?(?:[-.](?P<m>\d{1,18}+))?",
    re.IGNORECASE,
)
_EDITION = re.compile(r"^[-._~](?P<edition>ce|ee|cs)(?![a-z])", re.IGNORECASE)
_PSEUDO = re.compile(r"^-(?:0\.)?\d{14}-[0-9a-f]{12}")
_AFTER_STAGE = re.compile(r"^\.?0?\.\d{14}-[0-9a-f]{12}")
_AFTER = 10**18
_DIGITS, _LONGEST = 15, 200


class Version:
    """One version, read: its numbers, its stage (`rc`, `beta`, or none) and what was appended.

    `edition` is "ce", "ee", "cs" or ""; `build` is whatever else follows (`+dfsg1`,
    `-0ubuntu1~22.04.1`), which never changes the order.
    """

    __slots__ = ("build", "edition", "key", "numbers", "stage", "text")

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        match = _TEXT.fullmatch(self.text) if len(self.text) <= _LONGEST else None
        if match is None:
            raise VersionError(f"{text[:60]!r} is not a version", remedy="Give a number such as 29.5.1 or 17.03.2-ce")
        numbers = match["numbers"].split(".")
        if len(numbers) > _WIDTH or any(len(n) > _DIGITS for n in numbers):
            raise VersionError(f"{text[:60]!r} has too many or too large numbers to be a version")
        self.numbers = tuple(int(n) for n in numbers)
        rest = match["rest"]
        edition = _EDITION.match(rest)
        self.edition = edition["edition"].lower() if edition else ""
        rest = rest[edition.end() :] if edition else rest
        stage = _STAGE.match(rest)
        self.stage = stage["word"].lower() if stage else ""
        self.build = rest[stage.end() :] if stage else rest
        pre: tuple[int, int, int] = (_FINAL, 0, 0)
        if stage:
            # a Go pseudo-version "rc9.0.DATE-COMMIT" lies after rc9 and before rc10
            later = _AFTER_STAGE.match(rest[stage.end("n") if stage["n"] else stage.end() :])
            pre = (_STAGES[self.stage], int(stage["n"] or 0), _AFTER if later else int(stage["m"] or 0))
        elif _PSEUDO.match(rest):
            # a Go pseudo-version lies before the release whose number it carries
            self.stage, pre = "dev", (0, 0, 0)
        self.key: Key = self.numbers + (0,) * (_WIDTH - len(self.numbers)) + pre

    @property
    def final(self) -> bool:
        """True for a release, false for a beta, a release candidate or a development build."""
        return not self.stage

    @property
    def base(self) -> str:
        """The version without edition and build, as its project writes it: `20.10.24`, `1.4.0-rc.3`."""
        start = _TEXT.fullmatch(self.text)
        numbers = start["numbers"] if start else self.text
        if not self.stage:
            return numbers
        word = _STAGE.search(self.text[self.text.find(numbers) + len(numbers) + (3 if self.edition else 0) :])
        return f"{numbers}-{word[0].lstrip('-._~')}" if word else numbers

    def __repr__(self) -> str:
        return f"Version({self.text!r})"


@lru_cache(maxsize=65536)
def read(text: str) -> Version:
    """The version that a text spells; VersionError where it spells none."""
    return Version(text)


def key(text: str) -> Key:
    """The sort key of a version; VersionError where the text is none."""
    return read(text).key


def is_version(text: str) -> bool:
    """Whether the text spells a version."""
    try:
        read(text)
    except VersionError:
        return False
    return True


def is_development(at: Key) -> bool:
    """Whether a key is of a development build, which is not a release: the end of a range such as `< 5-dev`."""
    return at[_WIDTH] == _STAGES["dev"]


def branch(at: Key) -> tuple[int, int]:
    """The release branch that a key lies on: the first two numbers (`25.0`, `19.03`, `1.7`)."""
    return (at[0], at[1])
