"""Text that is safe to show: without characters that steer a terminal or break a line.  Pure."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    r"""Replace each character that is not printable with a blank, except those in `keep`.

    >>> printable("a\x1b[1mb\nc", keep="\n")
    'a [1mb\nc'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() or c in keep else " " for c in text)


def one_line(text: str, limit: int = 0) -> str:
    r"""Return text as one line with single blanks; with `limit`, cut to that many characters and "...".

    >>> one_line(" one\r\n and\u2028the \x1b[1mother "), one_line("abcdef", 3)
    ('one and the [1mother', 'abc...')
    """
    line = " ".join(printable(text).split())
    return f"{line[:limit]}..." if limit and len(line) > limit else line
