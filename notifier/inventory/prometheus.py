"""Metrics of the engine as Prometheus reads them: `engine_daemon_engine_info`.

The engine's own page has one sample and does not name the host.  Prometheus (federation, or a page put
together, or its answer to a query) adds the label `instance`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.inventory import daemons
from notifier.inventory.distros import of_pretty
from notifier.inventory.model import BadRow, Found, Note
from notifier.inventory.packages import named
from notifier.inventory.text import Text, obj, seq, word

NAME = "prometheus"
_METRIC = "engine_daemon_engine_info"
_SAMPLE = re.compile(rf"{_METRIC}\{{(?P<labels>.*)\}}\s+(?P<value>\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_LONGEST = 1 << 14
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def recognises(text: Text) -> bool:
    """Whether it is a page of metrics, or Prometheus' answer to a query for the engine's."""
    if text.sample is not None:
        return any("metric" in obj(r) for r in seq(text.sample, "data", "result")[:1])
    return _METRIC in text.head or re.match(r"# (?:HELP|TYPE) \w+ ", text.head.lstrip()) is not None


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The engines, each by its label `instance` (without the port), or the one there is as `host`."""
    nameless: tuple[str, dict[str, str]] | None = None
    seen = False
    for where, labels in _samples(text) if text.sample is None else _results(text):
        seen = True
        if not labels.get("version"):
            yield BadRow(where, f"{_METRIC} has no label `version` that can be read")
        elif name := labels.get("instance", ""):
            yield from _engine(re.sub(r"(?<=[^:]):\d+$", "", name), labels, where)
        elif nameless:
            yield BadRow(where, f"a second {_METRIC} without the label `instance` does not say which host it is of")
        else:
            nameless = (where, labels)
    if nameless:
        where, labels = nameless
        yield from _engine(named(host, f"{_METRIC} without the label `instance`"), labels, where)
    if not seen:
        yield Note(f"it has no {_METRIC}, so no engine is told there")


def _samples(text: Text) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.lines(), 1):
        if line.startswith(_METRIC) and line[len(_METRIC) : len(_METRIC) + 1] in "{ ":
            sample = _SAMPLE.match(line.strip()) if len(line) < _LONGEST else None
            yield f"line {number}", {k: _plain(v) for k, v in _LABEL.findall(sample["labels"])} if sample else {}


def _results(text: Text) -> Iterator[tuple[str, dict[str, str]]]:
    for number, result in enumerate(seq(text.document(), "data", "result")):
        metric = obj(result, "metric")
        if metric.get("__name__", _METRIC) == _METRIC:
            yield f"data.result[{number}]", {k: word(metric, k) for k in metric}


def _engine(name: str, labels: dict[str, str], where: str) -> Iterator[Found]:
    distro = "windows" if labels.get("os_type") == "windows" else of_pretty(labels.get("os", ""))
    yield from daemons.engine(name, labels["version"], distro, where)


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), value)
