"""Says which setting of the file is wrong: its line, its full name, and what it may be."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from feeds.core.errors import ConfigError
from notifier.config.settings import Config
from notifier.config.tables import SettingError

Key = str | int
"""One step from a table to a value: a name, or a place in a list."""

_TYPES = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a table",
    "str": "a string",
}
"""msgspec's names of types, in the words of TOML."""
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_STEP = re.compile(r"([\w-]+)|\[(\d+)\]|\[(\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_NO_CHOICE = re.compile(r"Invalid enum value (.*)")


def setting_problem(error: msgspec.ValidationError, file: Path, text: str) -> ConfigError:
    """What is wrong with the setting that msgspec refused, in a file of this text."""
    document = _document(text)
    found = _PATH.search(str(error))
    problem, path = str(error), _path(error, document, found[1]) if found else []
    problem = _PATH.sub("", problem)
    remedy = "See `navtex help configuration`"
    if isinstance(error.__cause__, SettingError):
        problem = error.__cause__.problem
        path += [error.__cause__.key] if error.__cause__.key else []
    elif unknown := _UNKNOWN.fullmatch(problem):
        near = get_close_matches(unknown[1], _names(path), n=1)
        path.append(unknown[1])
        problem, remedy = "is not a setting", f"Did you mean `{near[0]}`?" if near else remedy
    elif choice := _NO_CHOICE.fullmatch(problem):
        problem = f"is {choice[1]}, and must be one of {', '.join(repr(v) for v in _choices(path))}"
    else:
        problem = "is wrong: " + re.sub(r"`(\w+)`", lambda m: _TYPES.get(m[1], m[0]), problem[:1].lower() + problem[1:])
    return ConfigError(f"`{_dotted(path)}` {problem}", where=f"{file}, line {_line(text, path)}", remedy=remedy)


def _path(error: msgspec.ValidationError, document: Mapping[Key, Any], text: str) -> list[Key]:
    """The steps of msgspec's path.

    It writes `[...]` for every name of a mapping: the one that is meant is the one that is wrong without the others.
    """
    path: list[Key] = []
    for name, place, anonymous in _STEP.findall(text):
        if anonymous:
            names = [n for n in _value(document, path) if _refused(_narrowed(document, [*path, n])) == str(error)]
            path.append(names[0])
        else:
            path.append(int(place) if place else name)
    return path


def _document(text: str) -> dict[Key, Any]:
    document: dict[Key, Any] = dict(tomllib.loads(text).items())
    return document


def _refused(document: Mapping[Key, Any]) -> str:
    try:
        msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _narrowed(document: Mapping[Key, Any], path: Sequence[Key]) -> dict[Key, Any]:
    """The same document with one name in the table where the path ends."""
    name, *rest = path
    return {**document, name: _narrowed(document[name], rest)} if rest else {name: document[name]}


def _value(document: Any, path: Sequence[Key]) -> Any:
    for key in path:
        document = document[key]
    return document


def _line(text: str, path: Sequence[Key]) -> int:
    """The line where the value at a path is set, or as much of its path as there is.

    It is the first whose text, parsed with all above it, holds the value: so the TOML parser decides what a statement
    is, even if it takes several lines.
    """
    lines, document = text.split("\n"), _document(text)
    while not _holds(document, path):
        path = path[:-1]

    def reached(count: int) -> bool:
        while True:
            try:
                return _holds(_document("\n".join(lines[:count])), path)
            except tomllib.TOMLDecodeError:
                count += 1

    return bisect_left(range(len(lines)), True, key=reached)


def _holds(document: Mapping[Key, Any], path: Sequence[Key]) -> bool:
    try:
        _value(document, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _type(path: Sequence[Key]) -> inspect.Type:
    """The type of the setting at a path."""
    found = inspect.type_info(Config)
    for key in path:
        if isinstance(found, inspect.StructType):
            found = next(f.type for f in found.fields if f.encode_name == key)
        elif isinstance(found, inspect.DictType):
            found = found.value_type
        elif isinstance(found, inspect.VarTupleType):
            found = found.item_type
    return found


def _names(path: Sequence[Key]) -> list[str]:
    """The settings of the table at a path."""
    found = _type(path)
    return [f.encode_name for f in found.fields] if isinstance(found, inspect.StructType) else []


def _choices(path: Sequence[Key]) -> tuple[Any, ...]:
    found = _type(path)
    return found.values if isinstance(found, inspect.LiteralType) else ()


def _dotted(path: Sequence[Key]) -> str:
    """A path as TOML writes it, with the places of lists in brackets."""
    text = ""
    for key in path:
        name = key if re.fullmatch(r"[\w-]+", str(key)) else f'"{key}"'
        text += f"[{key}]" if isinstance(key, int) else f".{name}"
    return text.removeprefix(".")
