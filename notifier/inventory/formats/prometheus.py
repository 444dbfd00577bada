"""Metrics of the engine as Prometheus reads them: `engine_daemon_engine_info`.

The engine's own page has one sample and does not name the host.  Prometheus (federation, or a page put
together, or its answer to a query) adds the label `instance`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from notifier.domain.components import BadRow, Found, Note, Tally
from notifier.inventory.formats import kubernetes
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.formats.shared.distributions import of_pretty
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.terminal_noise import is_labels
from notifier.inventory.text import Text, obj, seq, word

NAME = "prometheus"
SIGN = "a page of metrics, or Prometheus' answer to a query"
_METRIC = "engine_daemon_engine_info"
_NODE = "kube_node_info"
_SAMPLE = re.compile(
    rf'(?P<metric>{_METRIC}|{_NODE})?\s*\{{(?P<labels>(?:[^"}}]|"(?:[^"\\]|\\.)*")*)\}}\s+(?P<value>\S+)'
)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_LONGEST = 1 << 14
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def recognises(text: Text) -> bool:
    """Whether it is a page of metrics, or Prometheus' answer to a query for the engine's."""
    if text.sample is not None:
        results = obj(text.sample, "data").get("result")
        if "metric" in obj(text.sample) and ("value" in text.sample or "values" in text.sample):
            return True
        return isinstance(results, list) and all("metric" in obj(r) for r in results[:1])
    return (
        _METRIC in text.head
        or is_labels(text.head)
        or f"{_NODE}{{" in text.head
        or re.match(r"# (?:HELP|TYPE) \w+ ", text.head.lstrip()) is not None
    )


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The engines, each by its label `instance` (without the port), or the one there is as `host`."""
    nameless: list[tuple[str, dict[str, str]]] = []
    seen = False
    others = Tally()
    for where, labels in _samples(text) if text.sample is None else _results(text):
        seen = True
        if "container_runtime_version" in labels and not labels.get("node"):
            yield BadRow(where, "it does not say which node it is of; ask for kube_node_info without sum() or count()")
        elif "container_runtime_version" in labels:
            yield from kubernetes.of_node(kubernetes.nested(labels), where, others)
        elif not labels.get("version"):
            yield BadRow(where, f"{_METRIC} has no label `version` that can be read")
        elif name := re.sub(r"^https?://([^/]+).*", r"\1", labels.get("instance", "")):
            yield from _engine(re.sub(r"(?<=[^:]):\d+$", "", name), labels, where)
        else:
            nameless.append((where, labels))
    if len(nameless) > 1:
        reason = f"several samples of {_METRIC} have no label `instance`, so their hosts are not known"
        yield from (BadRow(where, reason) for where, _ in nameless)
    elif nameless:
        where, labels = nameless[0]
        yield from _engine(named(host, f"{_METRIC} without the label `instance`"), labels, where)
    yield from others.notes()
    if not seen:
        yield Note(f"it has neither {_METRIC} nor {_NODE}, which show engines and runtimes")


def _samples(text: Text) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.lines(), 1):
        if line.startswith((f"{_METRIC}{{", f"{_METRIC} ", f"{_NODE}{{", f"{_NODE} ")) or is_labels(line):
            sample = _SAMPLE.match(line.strip()) if len(line) < _LONGEST else None
            yield f"line {number}", {k: _plain(v) for k, v in _LABEL.findall(sample["labels"])} if sample else {}


def _results(text: Text) -> Iterator[tuple[str, dict[str, str]]]:
    """Of an answer over time what each instance said last."""
    document = text.document()
    # promtool prints the samples alone
    alone = document if isinstance(document, list) else [document]
    results = seq(document, "data", "result") if "data" in obj(document) else alone
    last: dict[str, float] = {}
    for result in results:
        name = _who(obj(result, "metric"))
        last[name] = max(last.get(name, 0), _time(result))
    for number, result in enumerate(results):
        metric = obj(result, "metric")
        if metric.get("__name__", _METRIC) in (_METRIC, _NODE) and _time(result) >= last[_who(metric)]:
            yield (
                f"{'' if isinstance(document, list) else 'data.result'}[{number}]",
                {k: word(metric, k) for k in metric},
            )


def _who(metric: dict[str, Any]) -> str:
    """Whom a result is about: kube-state-metrics has one instance for all nodes."""
    return word(metric, "node") or word(metric, "instance")


def _time(result: Any) -> float:
    """When a result of a query over time was last there, in seconds; 0 for one of a moment."""
    last = next(iter(seq(result, "values")[-1:]), None)
    at = last[0] if isinstance(last, list) and last else 0
    return float(at) if isinstance(at, int | float) else 0.0


def _engine(name: str, labels: dict[str, str], where: str) -> Iterator[Found]:
    distro = "windows" if labels.get("os_type") == "windows" else of_pretty(labels.get("os", ""))
    yield from daemon_reports.engine(name, labels["version"], distro, where)


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), value)
