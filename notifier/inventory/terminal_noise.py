"""What a terminal puts around a program's output: colours, prompts, warnings, headers of HTTP.  Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
_LINE = re.compile(
    r"""```\w*
    | \[(?:DEPRECATION\ )?WARNING\].*
    | (?:WARNING|Warning|DEPRECATED|ERROR|Error)\b.*
    | [IWEF]\d{4}\ [\d:.]+\ .*
    | time=".*
    | (?:Cannot\ connect\ to\ the\ Docker\ daemon|(?:Got\ )?permission\ denied|error\ during\ connect)\b.*
    | errors\ pretty\ printing\ info
    | (?:\[?[\w.-]+@[^$\#{}]{0,100}|PS\ [^>{}]{0,100})?[$\#>](?:\ .*)?""",
    re.VERBOSE,
)
_OF_SEVERAL = re.compile(r"^=== navtex probe|^\S{1,253} \| (?:SUCCESS|CHANGED|FAILED)!? \| rc=-?\d", re.MULTILINE)
_MOST_BEFORE = 40
"""So many lines of a greeting, of prompts and of headers may stand before JSON."""
_BLANKS = re.compile(r"\s*")
_VALUE = re.compile(r"^[\[{](?=\s*[\"{\[\]}])", re.MULTILINE)


def plain(text: str) -> str:
    r"""A text without the colours of grep, jq and Ansible.

    >>> plain("\x1b[0;32mweb-1 | SUCCESS\x1b[0m"), plain("a\x1b[2Jb")
    ('web-1 | SUCCESS', 'a\x1b[2Jb')
    """
    return _COLOUR.sub("", text) if "\x1b" in text else text


_HEADING = re.compile(
    r"^(?P<margin>[ \t>]{0,40})(?:Client|Server|Containers|Client version|Server version):", re.MULTILINE
)


def without_margin(text: str) -> str:
    r"""Return a text without the indentation or quote marks that an issue, a list or a mail puts before each line.

    The first heading of Docker's output shows the margin.

    >>> without_margin("  # docker version\n  Client:\n   Version: 17.06.0-ce\n")
    '# docker version\nClient:\n Version: 17.06.0-ce\n'
    >>> without_margin("> Client:\n>  Version: 1.9.0\n")
    'Client:\n Version: 1.9.0\n'
    """
    heading = _HEADING.search(text)
    margin = heading["margin"] if heading else ""
    if not margin:
        return text
    return "".join(
        line.removeprefix(margin)
        if line.startswith(margin)
        else line.lstrip(" \t>")
        if line.strip(" \t>\r\n")
        else "\n"
        for line in text.splitlines(keepends=True)
    )


_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)


def is_quoted(head: str) -> bool:
    r"""Whether all lines of a text stand behind the quote marks of a mail or an issue.

    >>> is_quoted("> {\n>   \n\n> }"), is_quoted("> docker info\n{}"), is_quoted("")
    (True, False, False)
    """
    lines = (line.lstrip() for line in head.splitlines() if line.strip())
    return next(lines, "").startswith(">") and all(line.startswith(">") for line in lines)


def unquoted(text: str) -> str:
    r"""Return a text without the quote marks before its lines.

    >>> unquoted('> {"a": 1,\n> > "b": 2}')
    '{"a": 1,\n"b": 2}'
    """
    return _QUOTE.sub("", text)


def is_labels(head: str) -> bool:
    """Whether a text begins with the labels of a metric, which promtool prints where a query drops the metric's name.

    >>> is_labels('{node="n-1"} => 1 @[17]'), is_labels('{"node": 1}')
    (True, False)
    """
    return re.match(r"""\s*\{[a-zA-Z_]\w*=["']""", head) is not None


def margin(head: str) -> str:
    r"""Return the blanks before every line of a text, "" if a line has none.

    >>> margin("    Client:\n     Version: 1.9.0\n\n    Server:\n"), margin("Client:\n Version: 1.9.0\n")
    ('    ', '')
    """
    blanks: list[str] = []
    for line in filter(str.strip, head.splitlines()):
        if line[0] not in " \t":  # mostly the first one
            return ""
        blanks.append(line[: len(line) - len(line.lstrip(" \t"))])
    least = min(blanks, key=len, default="")
    return least if all(one.startswith(least) for one in blanks) else ""


def outdented(text: str, by: str) -> str:
    """Return a text without a margin."""
    return "".join(line.removeprefix(by) for line in text.splitlines(keepends=True))


def of_several(head: str) -> bool:
    r"""Whether the answers in a text stand below lines that name their hosts: a probe's, or Ansible's of a command.

    >>> of_several("web-1 | CHANGED | rc=0 >>\nClient:\n"), of_several("Client:\n")
    (True, False)
    """
    return _OF_SEVERAL.search(head) is not None


def is_noise(line: str) -> bool:
    """Whether a line is a prompt, a warning or an error, and no part of what was asked for.

    >>> [is_noise(x) for x in ("user@web:~$ docker info", "[root@web ~]#", "WARNING: No swap", "{}", "a,b")]
    [True, True, True, False, False]
    """
    return _LINE.fullmatch(line[:2000].strip()) is not None


def json_start(head: str) -> int:
    r"""Where the JSON in a text begins, behind prompts, warnings and headers; -1 where there is none.

    >>> json_start('$ docker info\n{"ID": ""}'), json_start("host,product"), json_start('"a": {\n{"b": 1}')
    (14, -1, -1)
    """
    found = _VALUE.search(head)
    before = head[: found.start()].splitlines() if found else []
    if found is None or len(before) > _MOST_BEFORE:
        return -1
    # a brace may be of a row that is broken, and a mark begins the part of a probe's answer
    if any(re.search(r"[{}]|^=== ", x) and not is_noise(x) for x in before) or _OF_SEVERAL.search(
        head, 0, found.start()
    ):
        return -1
    return found.start()


def several(text: str) -> list[Any]:
    r"""The JSON values that stand after each other in a text, whatever a terminal puts between; none if one fails.

    >>> several('{"a": 1}\n$ next\n{"a": 2}\n'), several('{"a": 1}\n{"a"')
    ([{'a': 1}, {'a': 2}], [])
    """
    found: list[Any] = []
    read, at = json.JSONDecoder().raw_decode, _end(text, 0)
    while at < len(text):
        end = text.find("\n", at)
        end = end if end >= 0 else len(text)
        if is_noise(text[at : min(end, at + 2000)]):
            at = end
        elif text[at] in "{[":
            try:
                value, at = read(text, at)
            except (ValueError, RecursionError):
                return []
            found.append(value)
        else:
            return []
        at = _end(text, at)
    return found


def leading(text: str) -> str:
    """The JSON value that a text begins with, without what stands behind it; all of it if it begins with none."""
    start = _end(text, 0)
    try:
        return text[start : json.JSONDecoder().raw_decode(text, start)[1]]
    except (ValueError, RecursionError):
        return text


def _end(text: str, at: int) -> int:
    """Where the blanks at a place end."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at
