"""Inputs that are nearly right: seeds that were cut, spliced, and given what readers do not expect."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.unit.fuzz.targets import Target, kept

_WORDS = [
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"&#x110000;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<!DOCTYPE x [",
    b"<a href='",
    b"<tr><td>",
    b"<ul><li>",
    b"<h2 id=",
    b"</article>",
    b"<" * 50,
    b"<div>" * 300,
    b"(" * 300,
    b"[" * 300,
    b"[x](" * 50,
    b"1." * 300,
    b"0" * 400,
    b"9" * 400,
    b" " * 2000,
    b"\n" * 300,
    b"a " * 500,
    b"before ",
    b" through ",
    b" and earlier",
    b" prior to ",
    b", ",
    b" or ",
    b"<= ",
    b">= ",
    b"29.0.0-rc.1",
    b"19.03.x",
    b"v28.5.2",
    b"5:1~~-1",
    b"CVE-2024-41110",
    b"GHSA-v23v-6jw2-98fq",
    b"Docker Engine ",
    b"containerd ",
    b"https://",
    b"javascript:alert(1)",
    b"\x1b[2J",
    "\u202e".encode(),
    "\u0660\u0661".encode(),
    "\u00b2".encode(),
    "\uff11".encode(),
    b"_a_" * 200,
    b"**" * 200,
    b"#" * 200,
    b"~" * 300,
]
_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**30,
    "",
    "0",
    "*",
    "n/a",
    "\0",
    "x" * 5000,
    "1." * 500,
    [],
    {},
    [[]],
    [None],
    {"": None},
    ["a", 1, {}],
    "9" * 300,
    "2026-02-30",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
    "CVE-2024-41110",
    "< 1 < 2 < 3 || 4",
    "https://[::1",
    "\u0663",
    "\u202e",
]


@st.composite
def inputs(draw: st.DrawFn, target: Target) -> bytes:
    """An input for a target."""
    random = draw(st.randoms(use_true_random=False))
    seeds = [*target.seeds, *kept(target.name)] or [b"{}", b"<html></html>"]
    body = random.choice(seeds)
    for _ in range(random.randint(1, 6)):
        body = _changed(body, seeds, random)[: 1 << 18]
    return body


def _changed(body: bytes, seeds: list[bytes], random: Random) -> bytes:  # noqa: PLR0911 - one a kind of change
    if body[:1] in (b"{", b"[") and random.random() < 0.7:
        try:
            return json.dumps(_grafted(json.loads(body), random)).encode()
        except (ValueError, RecursionError):
            pass
    start = random.randint(0, len(body))
    end = min(len(body), start + random.choice((1, 4, 20, 200, len(body))))
    match random.randint(0, 6):
        case 0:
            return body[:start]
        case 1:
            return body[:start] + body[end:]
        case 2:
            return body[:start] + body[start:end] * random.choice((2, 3, 50)) + body[end:]
        case 3:
            other = random.choice(seeds)
            at = random.randint(0, len(other))
            return body[:start] + other[at : at + 200] + body[end:]
        case 4:
            return body[:start] + random.randbytes(random.randint(1, 8)) + body[end:]
        case _:
            return body[:start] + random.choice(_WORDS) + body[random.choice((start, end)) :]


def _grafted(value: Any, random: Random) -> Any:
    """The value with another one somewhere in it."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        if random.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _grafted(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        if random.random() < 0.1:
            return value * 2
        return [*value[:at], _grafted(value[at], random), *value[at + 1 :]]
    if isinstance(value, str) and random.random() < 0.5:
        at = random.randint(0, len(value))
        return value[:at] + random.choice(_WORDS).decode("utf-8", "replace") + value[at:]
    return random.choice(_VALUES)
