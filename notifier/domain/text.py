"""Text made safe for a line, a terminal, Slack and links."""

from __future__ import annotations

import re
import textwrap

from feeds.core.text import visible


def line(text: str) -> str:
    r"""Text as one line, whatever it held to end lines or to steer a terminal.

    >>> line("one\r\nand\u2028the \x1b[1mother")
    'one and the [1mother'
    """
    return visible(" ".join(text.split()))


def mrkdwn(text: str) -> str:
    r"""Text escaped for Slack's mrkdwn (docs.slack.dev, "Escaping text"); its marks are taken apart.

    >>> mrkdwn("<!channel> & *bold*")
    '&lt;!channel&gt; &amp; *\u200bbold*\u200b'
    """
    escaped = line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\\1\u200b", escaped)


def safe_url(url: str) -> str:
    """A web address, or "" if it is anything else (javascript:, data:, file:)."""
    return url if re.fullmatch(r"https?://[^\s<>\"']+", url) else ""


def wrapped(text: str, indent: int = 0, hang: int = 0, width: int = 72) -> str:
    """Text in lines of at most `width`, indented; the second and later lines by `hang` more."""
    return textwrap.fill(
        line(text),
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_on_hyphens=False,
        break_long_words=False,
    )
