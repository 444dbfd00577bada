"""Where a value departs from a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "null": lambda v: v is None,
}


_UNDERSTOOD = {"$schema", "title", "description", "type", "enum", "pattern", "minimum", "maximum", "items"} | {
    "required",
    "properties",
    "additionalProperties",
}


def problems(value: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value departs from a schema; a field that the schema does not name is a departure, too."""
    assert schema.keys() <= _UNDERSTOOD, f"{at}: the test does not understand {schema.keys() - _UNDERSTOOD}"
    kinds = schema.get("type", list(_TYPES))
    if not any(_TYPES[k](value) for k in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{at}: {value!r} is no {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: {value} is out of bounds"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{at}[{number}]")
    if isinstance(value, dict):
        yield from (f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if known is None:
                yield f"{at}.{name} is not described"
            else:
                yield from problems(item, known, f"{at}.{name}")
